//! What the server is and does: verdicts, listeners, what it was supplied with, what it promises.

use std::io;

use msaspec_harness::{
    report::{
        Run,
        terminal::{PLAIN, Page, QUIET, cut, verdict_style},
    },
    verdict::Verdict,
};

use super::advice::beneath;
use crate::check::{
    facts::Area,
    findings::{Findings, ListenerFinding, Place},
    report::{count, deviation, fails},
};

/// Such an observation is not a whole document.
const LONGEST: usize = 300;

/// In a line or two each.
pub(super) fn write(
    page: &mut Page<'_>,
    findings: &Findings,
    run: &Run,
    verbosity: u8,
) -> io::Result<()> {
    page.blank()?;
    // With more words the run is shown as it always is.
    if verbosity == 0 {
        verdicts(page, findings, run)?;
    }
    listeners(page, findings)?;
    page.labelled("supplied", PLAIN, &findings.supplied.join(", "))?;
    page.labelled("left out", PLAIN, &findings.left_out.join("\n"))
}

fn verdicts(page: &mut Page<'_>, findings: &Findings, run: &Run) -> io::Result<()> {
    if let Some(why) = &run.unjudged {
        let text = format!("could not be judged: {why}");
        return page.text(2, verdict_style(Verdict::Fail), &text);
    }
    let summary = run.summary;
    let counts = [
        (summary.pass, "pass"),
        (summary.warn, "warn"),
        (summary.fail, "fail"),
        (summary.skip, "skip"),
        (summary.inconclusive, "inconclusive"),
    ];
    let counts = counts.into_iter().filter(|(number, _)| *number > 0);
    let counts: Vec<_> = counts
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let known = match summary.known {
        0 => String::new(),
        known => format!(" (sendmail is known for {known} of them)"),
    };
    page.labelled("verdicts", PLAIN, &format!("{}{known}", counts.join(", ")))?;
    // What differs was said already.
    let differences = findings.comparison.iter().flat_map(|c| &c.differences);
    let said: Vec<_> = differences
        .filter(|difference| difference.area == Area::Verdicts)
        .map(|difference| difference.question.as_str())
        .collect();
    for case in fails(run).filter(|case| !said.contains(&case.id.as_str())) {
        page.labelled("fail", verdict_style(Verdict::Fail), &case.id)?;
        if findings.comparison.is_none() {
            page.labelled("", PLAIN, &cut(&deviation(case), LONGEST))?;
        }
    }
    let warnings = run.cases.iter().filter(|case| case.is_news());
    let warnings = warnings.filter(|case| case.verdict == Verdict::Warn);
    let warnings: Vec<_> = warnings.map(|case| case.id.as_str()).collect();
    page.labelled("warn", PLAIN, &warnings.join("  "))
}

/// Promised against open.
fn listeners(page: &mut Page<'_>, findings: &Findings) -> io::Result<()> {
    let all = || findings.listeners.iter();
    let kept = all().filter(|listener| listener.promised && listener.open);
    let mut names: Vec<_> = kept.map(name).collect();
    names.dedup();
    let kept = match names.as_slice() {
        [] => String::new(),
        names => format!("{}: open as promised", names.join(", ")),
    };
    let mut label = "listeners";
    if !kept.is_empty() {
        page.labelled(label, PLAIN, &kept)?;
        label = "";
    }
    for listener in all().filter(|listener| listener.promised != listener.open) {
        let (verdict, words) = match (listener.open, listener.optional) {
            (true, _) => (Verdict::Warn, "open and not promised"),
            (false, false) => (Verdict::Fail, "promised and not open"),
            (false, true) => (
                Verdict::Fail,
                "promised and not open; modifier O keeps sendmail quiet about it",
            ),
        };
        let text = format!("{}: {words}", name(listener));
        page.labelled(label, verdict_style(verdict), &text)?;
        label = "";
    }
    Ok(())
}

fn name(listener: &ListenerFinding) -> String {
    let mut name = listener.listener.clone();
    if let Some(address) = &listener.address {
        name = format!("{name} on {address}");
    }
    match &listener.name {
        Some(daemon) => format!("{name} ({daemon})"),
        None => name,
    }
}

/// In words; what comes from the same statement stands together, and defaults at the end.
pub(super) fn promises(page: &mut Page<'_>, findings: &Findings) -> io::Result<()> {
    let mut groups: Vec<(Option<&Place>, Vec<String>)> = Vec::new();
    for promise in &findings.promises {
        let words = format!("{}: {}", promise.subject, promise.words);
        let place = promise.place.as_ref();
        match groups.iter_mut().find(|(known, _)| *known == place) {
            Some((_, promises)) => promises.push(words),
            None => groups.push((place, vec![words])),
        }
    }
    groups.sort_by_key(|(place, _)| place.is_none());
    if !groups.is_empty() {
        page.heading("what it promises")?;
    }
    for (place, promises) in groups {
        if place.is_none() {
            page.heading("by sendmail's defaults, not in your .mc")?;
        }
        for words in promises {
            page.text(2, PLAIN, &words)?;
        }
        beneath(page, 6, place)?;
    }
    Ok(())
}

/// Cases without an answer, by reason.
pub(super) fn not_run(page: &mut Page<'_>, findings: &Findings, verbosity: u8) -> io::Result<()> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for case in &findings.not_run {
        match reasons.iter_mut().find(|(known, _)| *known == case.reason) {
            Some((_, ids)) => ids.push(&case.id),
            None => reasons.push((&case.reason, vec![&case.id])),
        }
    }
    if !reasons.is_empty() {
        page.heading("not asked")?;
    }
    for (reason, ids) in reasons {
        page.text(2, PLAIN, &format!("{}: {reason}", count(ids.len(), "case")))?;
        let shown = match ids.len() {
            few if few <= FEW || verbosity > 0 => ids.join("  "),
            _ => format!("{}  ... (all with -v)", ids[..FEW].join("  ")),
        };
        page.text(6, QUIET, &shown)?;
    }
    Ok(())
}

/// Everything that was tried.
pub(super) fn dialogues(page: &mut Page<'_>, findings: &Findings) -> io::Result<()> {
    for dialogue in &findings.dialogues {
        page.heading(&dialogue.name)?;
        for line in &dialogue.transcript {
            page.paste(4, line)?;
        }
    }
    Ok(())
}

/// As many names as a line or two have.
const FEW: usize = 3;
