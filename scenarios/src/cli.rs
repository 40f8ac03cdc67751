//! The command line: what can be said, and what becomes of it.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use msaspec_harness::{report::terminal, verdict::Verdict};

mod announce;
mod check;
mod explain;
mod files;
mod known;
mod list;
mod load;
mod progress;
mod queue;
mod reader;
mod remote;
mod reports;
mod run;
mod serve;
mod signals;
mod spool_folder;
mod status;
mod target;
mod user;

/// Judges mail submission servers by what they say: RFC 6409, RFC 4954, RFC 5321 and their kin.
#[derive(Debug, Parser)]
#[command(name = "msaspec", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge one or more submission servers
    Run(Box<run::Arguments>),
    /// Say what a change to a sendmail configuration has changed on the wire
    Check(Box<check::Arguments>),
    /// Show the catalogue, with what is untested and why
    List(list::Arguments),
    /// Explain one requirement: what, how it is tested, who is known to deviate
    Explain(explain::Arguments),
    /// Run the reference server alone
    Serve(serve::Arguments),
    /// Measure how many messages a second a server takes, and how long it takes for each
    Load(Box<load::Arguments>),
    /// Show what the reference server has still to deliver
    Queue(queue::Arguments),
    /// Make an account for the reference server's user file
    User(user::Arguments),
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const EXAMPLES: &str = "\
Examples:
  msaspec                                 judge the reference server, the same as: msaspec run embedded
  msaspec run smtp://mail.example.org     what can be seen without an account
  msaspec run smtps://mail.example.org --user alice --password-file secret.txt
  msaspec run embedded --only chapter:starttls -vv
  msaspec check /etc/mail/sendmail.mc     what this configuration does, before it is installed
  msaspec explain rfc4954-4-second-auth-503

Exit status: 0 everything as expected, 1 a deviation that is not known, 2 usage or an unreadable file,
3 a target that could not be judged.";

const COMPLETIONS: &str = "\
Examples:
  msaspec completions bash > ~/.local/share/bash-completion/completions/msaspec
  msaspec completions fish > ~/.config/fish/completions/msaspec.fish

Exit status: 0 done, 2 usage.";

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Something that was written on the command line or in a file, in one sentence.
    #[error("{0}")]
    Usage(String),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

/// Reads the command line and obeys.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(match &cli.command {
        Some(Command::Serve(arguments)) => Some(arguments.log),
        _ => None,
    });
    match obey(cli.command) {
        Ok(status) => ExitCode::from(status),
        // Whoever reads our output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            failure.tell();
            ExitCode::from(status::USAGE)
        }
    }
}

impl Failure {
    /// Says it to whoever gave the command.
    fn tell(&self) {
        let style = terminal::verdict_style(Verdict::Fail);
        let lines: Vec<_> = self.to_string().lines().map(terminal::harmless).collect();
        let text = lines.join("\n");
        let _ = writeln!(anstream::stderr(), "{style}error:{style:#} {text}");
    }
}

fn obey(command: Option<Command>) -> Result<u8, Failure> {
    let nothing_said = || Command::Run(Box::new(run::Arguments::of_a_newcomer()));
    match command.unwrap_or_else(nothing_said) {
        Command::Run(arguments) => run::run(*arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Serve(arguments) => serve::serve(arguments),
        Command::Load(arguments) => load::load(&arguments),
        Command::Queue(arguments) => queue::queue(&arguments),
        Command::User(arguments) => user::user(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "msaspec", &mut script);
            io::stdout().write_all(&script)?;
            Ok(status::AS_EXPECTED)
        }
    }
}

/// A server's log is for machines too and has times; everybody else speaks up only when there is need.
/// What the embedded server warns of is what the cases provoke.
fn log_to_stderr(serving: Option<serve::LogForm>) {
    use tracing_subscriber::EnvFilter;
    let usual = if serving.is_some() {
        "info"
    } else {
        "warn,msaspec_server=error"
    };
    let wanted = std::env::var_os(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let wanted = wanted.to_string_lossy();
    let understood = match wanted.is_empty() {
        true => EnvFilter::try_new(usual),
        false => EnvFilter::try_new(&wanted),
    };
    let (filter, fault) = match understood {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(usual), Some(error)),
    };
    let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // A line that cannot be written is lost. Told of it by a panic, a session would be too.
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_target(false);
    match serving {
        Some(serve::LogForm::Text) => log.init(),
        Some(serve::LogForm::Json) => log.json().with_span_list(false).init(),
        None => log.without_time().init(),
    }
    if let Some(fault) = fault {
        tracing::warn!("RUST_LOG={wanted:?} is not understood, and {usual} holds: {fault}");
    }
}

/// The columns of the terminal, or a width that is easily read.
fn columns() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
