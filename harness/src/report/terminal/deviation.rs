//! One deviation: what was required, what was seen instead, and the exchange in which it was seen.

use std::io;

use super::{PLAIN, Page, QUIET, verdict_style};
use crate::report::{CaseReport, Observation, RequirementReport, TlsState};

/// How much of a dialogue stands before and behind the line that decided.
const BEFORE: usize = 6;
const BEHIND: usize = 2;
/// As many characters of an observation are shown.
const LONGEST: usize = 300;

pub(super) fn write(page: &mut Page<'_>, case: &CaseReport, verbosity: u8) -> io::Result<()> {
    page.blank()?;
    let style = verdict_style(case.verdict);
    let word = case.verdict.to_string().to_uppercase();
    page.text(0, style, &format!("{word} {}", case.id))?;
    page.text(2, PLAIN, &case.requirement)?;
    let places: Vec<_> = case.requirements.iter().filter_map(place).collect();
    let mut about = vec![format!("{}, {}", case.level, case.severity)];
    about.extend((!places.is_empty()).then(|| places.join(", ")));
    about.extend(
        case.contested
            .then(|| "implementations read it differently".to_owned()),
    );
    page.text(2, QUIET, &about.join("; "))?;
    page.labelled(
        "expected",
        PLAIN,
        case.expected.as_deref().unwrap_or_default(),
    )?;
    page.labelled(
        "observed",
        style,
        &cut(case.observed.as_deref().unwrap_or_default()),
    )?;
    page.labelled("asked on", PLAIN, &listeners(&case.observations))?;
    page.blank()?;
    match verbosity {
        0 => excerpt(page, &case.transcript, case.decisive),
        _ => dialogues(page, case),
    }
}

/// The dialogues of a case, one for each listener.
pub(super) fn dialogues(page: &mut Page<'_>, case: &CaseReport) -> io::Result<()> {
    for observation in &case.observations {
        if case.observations.len() > 1 {
            let name = format!("{}: {}", name(observation), observation.verdict);
            page.text(2, QUIET, &name)?;
        }
        for (index, line) in observation.transcript.iter().enumerate() {
            page.dialogue(line, observation.decisive == Some(index))?;
        }
    }
    Ok(())
}

/// What surrounds the line that decided, and how the dialogue ended.
fn excerpt(page: &mut Page<'_>, transcript: &[String], decisive: Option<usize>) -> io::Result<()> {
    let last = transcript.len().saturating_sub(1);
    let decisive = decisive.unwrap_or(last).min(last);
    let around = decisive.saturating_sub(BEFORE)..=decisive + BEHIND;
    let mut left_out = false;
    for (index, line) in transcript.iter().enumerate() {
        let shown = around.contains(&index) || index + BEHIND > last;
        if shown && left_out {
            page.dialogue("...", false)?;
        }
        if shown {
            page.dialogue(line, index == decisive)?;
        }
        left_out = !shown;
    }
    Ok(())
}

/// What was observed, where that is not a whole document.
pub(super) fn cut(observed: &str) -> String {
    match observed.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &observed[..end]),
        None => observed.to_owned(),
    }
}

fn place(requirement: &RequirementReport) -> Option<String> {
    let rfc = requirement.rfc?;
    Some(match &requirement.section {
        Some(section) => format!("RFC {rfc} section {section}"),
        None => format!("RFC {rfc}"),
    })
}

/// The listeners by what they did, the worst first.
fn listeners(observations: &[Observation]) -> String {
    let mut verdicts: Vec<_> = observations.iter().map(|o| o.verdict).collect();
    verdicts.sort_unstable_by(|a, b| b.cmp(a));
    verdicts.dedup();
    if let [_] = verdicts.as_slice() {
        return names(observations.iter());
    }
    let groups: Vec<_> = verdicts
        .into_iter()
        .map(|verdict| {
            let these = observations.iter().filter(|o| o.verdict == verdict);
            format!("{} ({verdict})", names(these))
        })
        .collect();
    groups.join(", ")
}

fn names<'o>(observations: impl Iterator<Item = &'o Observation>) -> String {
    observations.map(name).collect::<Vec<_>>().join(", ")
}

fn name(observation: &Observation) -> String {
    let family = observation.family.ip();
    let tls = match observation.tls {
        TlsState::Clear => "in clear",
        TlsState::Starttls => "with STARTTLS",
        TlsState::Implicit => "with implicit TLS",
    };
    format!("{} {family} {tls}", observation.port)
}
