//! What a check has found, for those who read it: a person, a pull request, a machine.

use std::path::Path;

use msaspec_harness::{
    report::{CaseReport, Run},
    verdict::Verdict,
};

use super::{
    facts::Area,
    findings::{Advice, Findings, Kind, Place, Side},
};

pub mod json;
pub mod markdown;
#[cfg(test)]
mod sample;
pub mod sarif;
pub mod terminal;

/// What a check comes to: the last line of a page, the heading of a comment, and the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The server could not be judged.
    Unjudged,
    /// Compared, and so much has changed for a user.
    Differences(usize),
    /// Compared: transcripts or lines of the `.cf` differ, or a fault is new, and nothing else does.
    Lines,
    /// Compared: it is the same.
    Same,
    /// Not compared, and so many faults were seen.
    Faults(usize),
    /// Not compared, and no fault was seen.
    Sound,
}

impl Conclusion {
    /// What was found comes to this.
    pub fn of(findings: &Findings, run: &Run) -> Conclusion {
        let Some(comparison) = &findings.comparison else {
            return match (&run.unjudged, faults(findings).count() + fails(run).count()) {
                _ if findings.bisection.is_some() => Conclusion::Differences(1),
                (Some(_), _) => Conclusion::Unjudged,
                (None, 0) => Conclusion::Sound,
                (None, faults) => Conclusion::Faults(faults),
            };
        };
        match comparison.differences.len() {
            0 if run.unjudged.is_some() => Conclusion::Unjudged,
            0 if comparison.transcripts.is_empty()
                && comparison.cf.is_empty()
                && faults(findings).all(|fault| comparison.accepted.contains(&fault.id)) =>
            {
                Conclusion::Same
            }
            0 => Conclusion::Lines,
            differences => Conclusion::Differences(differences),
        }
    }

    /// Whether somebody has to look: something differs, or is at fault.
    pub fn is_news(self) -> bool {
        use Conclusion::{Differences, Faults, Lines};
        matches!(self, Differences(_) | Lines | Faults(_))
    }
}

/// The name of the folder beside an `.mc` that holds what was accepted.
pub fn expectation(file: &str) -> String {
    let folder = Path::new(file).with_extension("expect");
    folder
        .file_name()
        .unwrap_or(folder.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// What was seen to be wrong.
fn faults(findings: &Findings) -> impl Iterator<Item = &Advice> {
    let advice = findings.advice.iter();
    advice.filter(|advice| advice.kind == Kind::Fault)
}

/// Cases that fail, and nobody knew.
fn fails(run: &Run) -> impl Iterator<Item = &CaseReport> {
    let cases = run.cases.iter().filter(|case| case.is_news());
    cases.filter(|case| case.verdict == Verdict::Fail)
}

/// Whether it was compared with what was accepted for this `.mc`.
fn has_baseline(findings: &Findings) -> bool {
    let with = findings.comparison.as_ref().map(|c| Path::new(&c.with));
    let with = with.and_then(Path::file_name);
    with.is_some_and(|name| *name == *expectation(&findings.file))
}

/// A number of things.
fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// `origin.mc:41`, or `origin.mc:41-43`.
fn lines_of(place: &Place) -> String {
    match place.last > place.first {
        true => format!("{}:{}-{}", place.file, place.first, place.last),
        false => format!("{}:{}", place.file, place.first),
    }
}

/// Where the lines of a remedy go.
fn destination(advice: &Advice) -> String {
    let lines = advice.remedy.lines();
    let listeners = lines.filter(|line| line.starts_with("DAEMON_OPTIONS("));
    match &advice.place {
        Some(place) if advice.replaces() && listeners.count() > 1 => format!(
            "in place of your lines of the same name ({} ...):",
            lines_of(place)
        ),
        Some(place) if advice.replaces() => format!("in place of {}:", lines_of(place)),
        _ => "into the .mc:".to_owned(),
    }
}

/// As in a diff.
fn sign(side: Side) -> char {
    match side {
        Side::TakenOut => '-',
        Side::CameIn => '+',
    }
}

/// The kind of fact, as the documents write it.
fn area(area: Area) -> &'static str {
    match area {
        Area::Listeners => "listeners",
        Area::Answers => "answers",
        Area::Mechanisms => "mechanisms",
        Area::Keywords => "keywords",
        Area::Delivery => "delivery",
        Area::Routes => "routes",
        Area::Limits => "limits",
        Area::Verdicts => "verdicts",
    }
}

/// What was expected and what was seen instead, in a sentence.
fn deviation(case: &CaseReport) -> String {
    format!(
        "{} Expected {}, observed {}.",
        case.requirement,
        case.expected.as_deref().unwrap_or("something else"),
        case.observed.as_deref().unwrap_or("nothing"),
    )
}

#[cfg(test)]
mod tests;
