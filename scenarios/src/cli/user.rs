//! `msaspec user`: an account for the reference server's user file.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use msaspec_server::{Account, Mechanism};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{Failure, files, status};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The user's name, as clients send it
    name: String,
    /// What the account has to serve; repeatable. CRAM-MD5 and DIGEST-MD5 need the password itself,
    /// which is then kept as it is [default: PLAIN, SCRAM-SHA-1, SCRAM-SHA-256]
    #[arg(long, value_name = "NAME", ignore_case = true, value_parser = mechanisms())]
    mechanism: Vec<Mechanism>,
    /// Begin a user file: print its stranger_key too, which SCRAM needs
    #[arg(long)]
    new_file: bool,
}

const EXAMPLES: &str = "\
Examples:
  msaspec user alice --new-file > users.toml      asks for the password, twice
  msaspec user bob >> users.toml
  msaspec user carol --mechanism CRAM-MD5 < password.txt

The password comes from the terminal or from the standard input, never from the command line. The
table goes to the standard output; name its file in the server's configuration:
user_file = \"users.toml\".

Exit status: 0 done, 2 usage, or a password that cannot be one.";

pub(super) fn user(arguments: &Arguments) -> Result<u8, Failure> {
    let Arguments { name, .. } = arguments;
    if name.is_empty() || name.contains(char::is_control) {
        return Err(Failure::Usage(
            "a name without control characters is needed".to_owned(),
        ));
    }
    let mechanisms = match arguments.mechanism.as_slice() {
        [] => &USUAL,
        chosen => chosen,
    };
    let refuse = |error: msaspec_server::AccountError| Failure::Usage(error.to_string());
    let account = Account::make(&password(name)?, mechanisms).map_err(refuse)?;
    let mut out = io::stdout().lock();
    if arguments.new_file {
        let key = Account::stranger_key().map_err(refuse)?;
        writeln!(out, "stranger_key = \"{key}\"\n")?;
    }
    out.write_all(account.to_toml(name).as_bytes())?;
    Ok(status::AS_EXPECTED)
}

/// What no server has to know the password itself for.
const USUAL: [Mechanism; 3] = [
    Mechanism::Plain,
    Mechanism::ScramSha1,
    Mechanism::ScramSha256,
];

/// Those that a password is for.
const WITH_PASSWORD: [(&str, Mechanism); 8] = [
    ("PLAIN", Mechanism::Plain),
    ("LOGIN", Mechanism::Login),
    ("CRAM-MD5", Mechanism::CramMd5),
    ("DIGEST-MD5", Mechanism::DigestMd5),
    ("SCRAM-SHA-1", Mechanism::ScramSha1),
    ("SCRAM-SHA-1-PLUS", Mechanism::ScramSha1Plus),
    ("SCRAM-SHA-256", Mechanism::ScramSha256),
    ("SCRAM-SHA-256-PLUS", Mechanism::ScramSha256Plus),
];

fn mechanisms() -> impl TypedValueParser<Value = Mechanism> {
    PossibleValuesParser::new(WITH_PASSWORD.map(|(name, _)| name)).try_map(|given| {
        let known = WITH_PASSWORD.into_iter();
        let mut same = known.filter(|(name, _)| name.eq_ignore_ascii_case(&given));
        let (_, mechanism) = same.next().ok_or("no such mechanism")?;
        Ok::<_, &str>(mechanism)
    })
}

/// Asks for it where somebody can answer; otherwise it is all that there is to read.
fn password(name: &str) -> Result<String, Failure> {
    let mut input = io::stdin().lock();
    if !input.is_terminal() {
        return files::read_password_from(input, "the standard input");
    }
    let _quiet = Quiet::begin(&input)?;
    let [first, again] = [format!("Password of {name}: "), "Again: ".to_owned()].map(|prompt| {
        write!(io::stderr(), "{prompt}")?;
        let mut line = Vec::new();
        input.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        files::read_password_from(&*line, "the password")
    });
    match (first?, again?) {
        (first, again) if first == again => Ok(first),
        _ => Err(Failure::Usage("the two passwords differ".to_owned())),
    }
}

/// No terminal gives a longer line.
const LONGEST: u64 = 64 * 1024;

/// A terminal that shows nothing of what is typed but the line end, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin(terminal: &io::StdinLock<'_>) -> io::Result<Quiet> {
        let usual = tcgetattr(terminal)?;
        let mut quiet = usual.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL);
        // What was typed before was shown, and is no password.
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Quiet(usual))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
