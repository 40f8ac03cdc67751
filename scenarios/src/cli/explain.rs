//! `msaspec explain ID`: one requirement, how it is asked, how the case is proved, and who deviates.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use clap::Args;
use msaspec::{
    CHAPTERS,
    catalogue::{self, Requirement},
};
use msaspec_harness::{
    case::{Case, Chapter, Mutant, On, Untested},
    known::Known,
    report::terminal::{BOLD, QUIET},
    target::embedded::{self, Profile},
};

use super::{Failure, status};

mod lie;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The id of a case or of a requirement, as in `msaspec list`
    id: String,
}

const EXAMPLES: &str = "\
Examples:
  msaspec explain rfc4954-4-second-auth-503

Exit status: 0 done, 2 usage, or an id that is not in the catalogue.";

pub(super) fn explain(arguments: &Arguments) -> Result<u8, Failure> {
    let id = arguments.id.as_str();
    let out = &mut anstream::stdout();
    let untested = CHAPTERS
        .iter()
        .flat_map(|chapter| chapter.untested)
        .find(|untested| untested.id == id);
    match (
        catalogue::case(id),
        untested,
        catalogue::requirements().get(id),
    ) {
        (Some((chapter, case)), _, _) => about_case(out, chapter, case)?,
        (None, Some(untested), requirement) => about_untested(out, untested, requirement)?,
        (None, None, Some(requirement)) => about_requirement(out, requirement)?,
        (None, None, None) => return Err(unknown(id)),
    }
    Ok(status::AS_EXPECTED)
}

fn about_case(out: &mut dyn Write, chapter: &Chapter, case: &'static Case) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}", case.id)?;
    writeln!(out, "{}", case.requirement)?;
    writeln!(
        out,
        "{QUIET}{}, {}; chapter {}{QUIET:#}",
        case.level, case.severity, chapter.name
    )?;
    writeln!(out, "\n{BOLD}asked on{BOLD:#}\n  {}", place(case.on))?;
    if case.failed_logins > 0 {
        writeln!(out, "  logins that fail on purpose: {}", case.failed_logins)?;
    }
    for id in case.covers() {
        if let Some(requirement) = catalogue::requirements().get(*id) {
            about(out, requirement, case.covers().len() > 1)?;
        }
    }
    writeln!(out, "\n{BOLD}proved by{BOLD:#}")?;
    match case.mutant {
        Mutant::None(why) => writeln!(out, "  no lie: {why}")?,
        _ => writeln!(
            out,
            "  a server that lies once the case is prepared, and has to be found out:"
        )?,
    }
    for lie in case.mutant.lies() {
        writeln!(out, "  - {}", lie::in_words(lie))?;
    }
    writeln!(out, "\n{BOLD}known to deviate{BOLD:#}")?;
    let deviates = known_of_all();
    let mut nobody = true;
    for (server, known) in &deviates {
        if let Some(entry) = known.entry(case.id) {
            nobody = false;
            writeln!(out, "  {server}: {}", entry.reason)?;
        }
    }
    if nobody {
        let names: Vec<_> = deviates.iter().map(|(server, _)| server.as_str()).collect();
        writeln!(out, "  none of {}", names.join(", "))?;
    }
    Ok(())
}

fn about_untested(
    out: &mut dyn Write,
    untested: &Untested,
    requirement: Option<&Requirement>,
) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}", untested.id)?;
    writeln!(out, "{}", untested.requirement)?;
    writeln!(out, "\n{BOLD}untested{BOLD:#}\n  {}", untested.why)?;
    match requirement {
        Some(requirement) => about(out, requirement, false),
        None => Ok(()),
    }
}

fn about_requirement(out: &mut dyn Write, requirement: &Requirement) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}", requirement.id)?;
    writeln!(out, "{}", requirement.requirement)?;
    writeln!(
        out,
        "{QUIET}{}, {}{QUIET:#}",
        requirement.level, requirement.severity
    )?;
    about(out, requirement, false)?;
    let covering: Vec<_> = catalogue::cases()
        .filter(|(_, case)| case.covers().contains(&requirement.id.as_str()))
        .map(|(_, case)| case.id)
        .collect();
    writeln!(out, "\n{BOLD}asked by{BOLD:#}")?;
    match covering.as_slice() {
        [] => writeln!(out, "  no case yet"),
        ids => writeln!(out, "  {}", ids.join(", ")),
    }
}

/// What the list of requirements says.
fn about(out: &mut dyn Write, requirement: &Requirement, one_of_several: bool) -> io::Result<()> {
    let Requirement {
        id, rfc, section, ..
    } = requirement;
    let place = match section.as_str() {
        "-" => rfc.clone(),
        section => format!("{rfc} section {section}"),
    };
    writeln!(out, "\n{BOLD}required by{BOLD:#}\n  {place}")?;
    if one_of_several {
        writeln!(out, "  {id}: {}", requirement.requirement)?;
    }
    writeln!(out, "\n{BOLD}tested by{BOLD:#}")?;
    for line in &requirement.probe {
        writeln!(out, "  {line}")?;
    }
    writeln!(out, "\n{BOLD}passes{BOLD:#}\n  {}", requirement.pass)?;
    writeln!(
        out,
        "\n{BOLD}fails, for example{BOLD:#}\n  {}",
        requirement.fail_example
    )?;
    if let Some(note) = &requirement.contested_note {
        writeln!(out, "\n{BOLD}contested{BOLD:#}\n  {note}")?;
    }
    if let Some(note) = &requirement.known_deviation {
        writeln!(out, "\n{BOLD}in the wild{BOLD:#}\n  {note}")?;
    }
    Ok(())
}

/// The servers that come with the program, with what they are known to do.
fn known_of_all() -> Vec<(String, Known)> {
    let of_folder = |name: &'static str| {
        let file = msaspec_fixtures::server(name)?.get_file("known.toml")?;
        let known = Known::parse(file.contents_utf8()?).ok()?;
        Some((name.to_owned(), known))
    };
    let of_profile =
        |profile: Profile| (profile.target_name().to_owned(), embedded::known(profile));
    [Profile::Modern, Profile::Origin]
        .map(of_profile)
        .into_iter()
        .chain(msaspec_fixtures::servers().filter_map(of_folder))
        .collect()
}

fn place(on: On) -> &'static str {
    match on {
        On::Any => "the first submission listener",
        On::Submission => "every submission listener",
        On::ClearText => "every submission listener that begins in clear text",
        On::ImplicitTls => "every listener with implicit TLS",
        On::EveryListener => "every listener, port 25 too",
    }
}

fn unknown(id: &str) -> Failure {
    let cases = catalogue::cases().map(|(_, case)| case.id);
    let requirements = catalogue::requirements().keys().map(String::as_str);
    let ids: BTreeSet<_> = cases.chain(requirements).collect();
    let near = msaspec_server::did_you_mean(id, ids.into_iter());
    Failure::Usage(format!(
        "there is no requirement {id}; `msaspec list` shows the ids{near}"
    ))
}
