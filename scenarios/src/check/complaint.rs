//! What m4 and sendmail complain about, with the line of the `.mc` and what to do.

use std::fmt::Write;

use msaspec_harness::target::container::Output;

use super::{
    daemon::Daemon,
    findings::{Advice, Kind},
    mc::{self, Mc, Statement},
};

/// Why m4 made no `.cf`.
pub fn of_m4(mc: &Mc, output: &Output) -> String {
    let problem = match output.status {
        124 => {
            "m4 does not come to an end: a macro that calls itself, or a loop; find it by taking lines out"
        }
        125 => {
            "m4 needs more memory, processes or output than any configuration does: a macro that calls itself, or a syscmd"
        }
        _ => "m4 does not build this",
    };
    let mut said = lines(mc, &output.stderr);
    // m4 may notice only in a file of its own that a quote was left open here.
    let about_quotes = [
        "unclosed",
        "quote-too-long",
        "wrong-quotes",
        "unknown-feature",
    ];
    said.extend(suspected(mc, &about_quotes));
    if said.is_empty() {
        return format!("{}: {problem}", mc.name);
    }
    format!("{}: {problem}:\n{}", mc.name, said.join("\n"))
}

/// What the text of the `.mc` alone says about some of the things that are looked for.
fn suspected(mc: &Mc, ids: &[&str]) -> Vec<String> {
    let mut said = Vec::new();
    for suspicion in mc::suspicions(mc) {
        if let Some(place) = suspicion
            .place
            .filter(|_| ids.contains(&suspicion.id.as_str()))
        {
            said.push(format!(
                "  {}:{}: {}",
                place.file, place.first, suspicion.what
            ));
            let remedy = suspicion.remedy.lines();
            said.extend(remedy.map(|line| format!("    write: {line}")));
        }
    }
    said
}

/// What is wrong with a listener, at the statement that it comes from.
pub fn of_listener(mc: &Mc, problem: &str) -> String {
    let mut statements = mc.find("DAEMON_OPTIONS");
    let its = statements.find(|it| {
        let text = it.argument(0).trim();
        !text.is_empty() && problem.contains(text)
    });
    match its {
        Some(its) => format!("{}:{}: {problem}", mc.name, its.first),
        None => format!("{}: {problem}", mc.name),
    }
}

/// Why sendmail does not stay with these listeners.
pub fn of_rivals(mc: &Mc, first: &Daemon, second: &Daemon) -> String {
    let listener = second.listener();
    let statement = |daemon: &Daemon| {
        let mut statements = mc.find("DAEMON_OPTIONS");
        statements.find(|statement| {
            let name = format!("name={}", daemon.name.to_ascii_lowercase());
            let text = compact(statement.argument(0));
            let value = daemon.cf.split_once('=').map(|(_, value)| compact(value));
            value.as_ref() == Some(&text) || text.split(',').any(|pair| pair == name)
        })
    };
    let line = |daemon: &Daemon| match statement(daemon) {
        Some(its) => format!("{} ({}:{})", daemon.name, mc.name, its.first),
        None => format!("{} (sendmail's own, not in the .mc)", daemon.name),
    };
    let what_to_do = match (statement(first), statement(second)) {
        (Some(_), Some(_)) => {
            "two of your DAEMON_OPTIONS want the same socket: take one out or give it another Port= or Addr="
        }
        _ => "to have only your own: FEATURE(`no_default_msa')dnl before the DAEMON_OPTIONS",
    };
    format!(
        "{}: two listeners want {listener}, and one of them cannot be opened: {} and {}. sendmail tries for 50 s, \
         greets nobody meanwhile, and then ends (\"server SMTP socket wedged\").\n  {what_to_do}",
        mc.name,
        line(first),
        line(second)
    )
}

/// The options of a listener, as they can be compared.
fn compact(options: &str) -> String {
    let options = options.to_ascii_lowercase();
    options.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What m4 said of a configuration that it built nevertheless.
pub fn advice(warnings: &[String], mc: &Mc) -> Vec<Advice> {
    let said = warnings.iter().filter(|line| line.contains("***"));
    let said = said.map(|line| {
        let words = line.trim().trim_start_matches("*** ");
        let is_error = words.starts_with("ERROR");
        let reason = match is_error {
            true => "m4 ends with status 0 all the same, so the .cf is there, without what this line was to do.",
            false => "m4 makes the .cf all the same, and whoever installs it by a script never reads this.",
        };
        let what_to_do = remedy(line).map(|words| format!(" What to do: {words}."));
        Advice {
            id: "m4-complains".to_owned(),
            kind: if is_error { Kind::Fault } else { Kind::Hint },
            what: format!("m4 says: {words}"),
            reason: format!("{reason}{}", what_to_do.unwrap_or_default()),
            remedy: String::new(),
            source: "cf/README, section \"FEATURES\"".to_owned(),
            place: meant(words, mc).map(|statement| mc.place(statement.first, statement.last)),
        }
    });
    said.collect()
}

/// The statement that m4 speaks of without a line.
fn meant<'a>(words: &str, mc: &'a Mc) -> Option<&'a Statement> {
    if words.contains("should be before MAILER") {
        let mailer = mc.find("MAILER").next()?;
        return mc.find("FEATURE").find(|it| it.first > mailer.first);
    }
    if words.contains("outside of the Computer Science Division") {
        return mc.find("DOMAIN").next();
    }
    if words.contains("operating system type") {
        return mc.find("OSTYPE").next();
    }
    // "FEATURE(x) requires FEATURE(y)": the one that is named first.
    let (_, rest) = words.split_once("FEATURE(")?;
    let name = rest
        .split([')', ','])
        .next()?
        .trim_matches(['`', '\'', ' ']);
    mc.find("FEATURE").find(|it| it.argument(0) == name)
}

/// What m4 warned of, a line each.
pub fn warnings(mc: &Mc, output: &Output) -> Vec<String> {
    lines(mc, &output.stderr)
}

/// Why sendmail does not start with this `.cf`.
pub fn of_sendmail(mc: &Mc, cf: &str, output: &Output) -> String {
    let cf: Vec<_> = cf.lines().collect();
    let mut is_of_the_cf = false;
    let said = output.stderr.lines().filter(|line| !line.trim().is_empty());
    let said = said.take(MOST).map(|line| {
        let shown = short(line);
        // "/etc/mail/sendmail.cf: line 12: …"
        let number = line
            .split_once("sendmail.cf: line ")
            .and_then(|(_, rest)| rest.split(':').next()?.trim().parse::<usize>().ok());
        let mut words = format!("  {shown}");
        let text = number.and_then(|number| cf.get(number.checked_sub(1)?));
        if let Some(text) = text {
            let _ = write!(words, "\n    the line of the .cf: {}", short(text));
        }
        is_of_the_cf |= number.is_some() || line.contains("unknown configuration line");
        let quoted = line
            .split_once('"')
            .and_then(|(_, rest)| rest.rsplit_once('"'));
        let texts = [text.copied(), quoted.map(|(words, _)| words)];
        let origin = texts
            .into_iter()
            .flatten()
            .find_map(|text| origin(mc, text));
        if let Some((number, text)) = origin {
            let _ = write!(words, "\n    {}:{number}  {}", mc.name, short(text));
        }
        if let Some(remedy) = remedy_for_sendmail(line) {
            let _ = write!(words, "\n    {remedy}");
        }
        words
    });
    let mut said: Vec<_> = said.collect();
    if is_of_the_cf {
        said.extend(suspected(mc, &["text-in-cf"]));
    }
    format!(
        "{}: sendmail does not start with this configuration:\n{}",
        mc.name,
        said.join("\n")
    )
}

/// The line of the `.mc` in which a line of the `.cf` stands as it is.
fn origin<'a>(mc: &'a Mc, text: &str) -> Option<(usize, &'a str)> {
    let text = text.trim();
    // Fewer characters stand in any line.
    if text.chars().count() < FEWEST {
        return None;
    }
    let lines = || {
        let lines = mc.text.lines().map(str::trim).enumerate();
        lines.filter(|(_, line)| !line.starts_with("dnl"))
    };
    let same = lines().find(|(_, line)| *line == text);
    let found = same.or_else(|| lines().find(|(_, line)| line.contains(text)));
    found.map(|(index, line)| (index + 1, line))
}

/// m4's own lines with ours beneath: the text of the line, and what to do about it.
fn lines(mc: &Mc, stderr: &str) -> Vec<String> {
    let file = mc.name.rsplit('/').next().unwrap_or(&mc.name);
    let mut all = Vec::new();
    for line in stderr
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(MOST)
    {
        let words = line.strip_prefix("m4:").unwrap_or(line);
        let here = words
            .split_once(&format!("{file}:"))
            .and_then(|(_, rest)| rest.split_once(':'))
            .and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest.trim())));
        match here {
            Some((number, rest)) => {
                all.push(format!("  {}:{number}: {}", mc.name, short(rest)));
                let text = mc.place(number, number).text;
                if !text.trim().is_empty() {
                    all.push(format!("    {}", short(text.trim())));
                }
            }
            None => all.push(format!("  {}", short(words.trim()))),
        }
        if let Some(remedy) = remedy(line) {
            all.push(format!("    {remedy}"));
        }
    }
    all
}

/// What to do, by words of m4 and of sendmail's macros.
fn remedy(line: &str) -> Option<String> {
    let cannot_open = line.contains("cannot open") || line.contains("No such file");
    let missing = |folder: &str| cannot_open && line.contains(folder);
    let words = match () {
        () if missing("/feature/'")
            || missing("/ostype/'")
            || missing("/mailer/'")
            || missing("/domain/'") =>
        {
            "the name is in quotes of the wrong kind: m4 begins a quote with ` and ends it with '"
        }
        () if missing("/feature/") => {
            "sendmail has no feature of this name: compare with the list in cf/README, section FEATURES"
        }
        () if missing("/ostype/") => {
            "sendmail has no system type of this name: linux and debian are two that fit here"
        }
        () if missing("/domain/") => {
            "DOMAIN takes a file of the machine that the .mc comes from: put its text into the .mc in place of this line, or take the line out"
        }
        () if missing("/mailer/") => {
            "sendmail has no mailer of this name: local, smtp and procmail are some"
        }
        () if cannot_open => "put a copy of this file beside the .mc",
        () if line.contains("end of file in string") => {
            "a quote that begins with ` in this statement is never closed by '"
        }
        () if line.contains("end of file in argument list") => {
            "a parenthesis that this statement opens is never closed"
        }
        () if line.contains("outside of the Computer Science Division") => {
            "DOMAIN names a file of the university that wrote sendmail: name one of your own, or take the line out"
        }
        () if line.contains("valid operating system type") => {
            "name the system in OSTYPE: OSTYPE(`linux')dnl"
        }
        () if line.contains("should be before MAILER") => {
            "move every FEATURE above the first MAILER"
        }
        () if line.contains("m4exit") => {
            "an m4exit in the .mc, or in a file that it includes, ends m4: take it out"
        }
        () if line.contains("No system type defined") => "add OSTYPE(`linux')dnl behind VERSIONID",
        () => return None,
    };
    Some(words.to_owned())
}

/// What to do about words of sendmail's.
fn remedy_for_sendmail(line: &str) -> Option<&'static str> {
    Some(match () {
        () if line.contains("cannot be used as daemon") => {
            "this is the configuration of the program that hands mail in (FEATURE(`msp')): check the server's .mc instead, which is often sendmail.mc"
        }
        () if line.contains("unknown") && line.contains("service") => {
            "the Port= of a DAEMON_OPTIONS: smtp, submission, submissions, or a number"
        }
        () if line.contains("fileclass: cannot open") => {
            "put a copy of this file beside the .mc, or an empty one"
        }
        () if line.contains("unknown user") => {
            "the machine has no user of this name: correct the name"
        }
        _ => return None,
    })
}

fn short(line: &str) -> String {
    line.chars().take(LONGEST).collect()
}

/// Lines of m4's that are shown.
const MOST: usize = 20;
/// Characters by which a line of the `.cf` is found again.
const FEWEST: usize = 4;
/// In characters.
const LONGEST: usize = 300;

#[cfg(test)]
mod tests;
