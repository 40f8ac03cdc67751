//! What a person reads: first what was judged, then what deviates, what is known, what was not asked.

use std::io::{self, Write};

use super::{CaseReport, Document, Run};
use crate::verdict::Verdict;

mod deviation;
mod page;
mod target;
mod text;

pub use page::{BOLD, Layout, PLAIN, Page, QUIET, verdict_style};
pub use text::{copied, cut, harmless, wrap};

/// How a report is shown.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// 0: deviations with the exchange that decided; 1: whole transcripts of what did not pass; 2: of all.
    pub verbosity: u8,
}

/// Writes what was found about one target, with ANSI styles.
///
/// # Errors
/// Those of `out`.
pub fn write_run(out: &mut dyn Write, run: &Run, options: Options) -> io::Result<()> {
    let page = &mut Page::new(out, options.width, LAYOUT);
    target::header(page, run)?;
    if let Some(why) = &run.unjudged {
        page.blank()?;
        page.text(
            2,
            verdict_style(Verdict::Fail),
            &format!("could not be judged: {why}"),
        )?;
        return page.blank();
    }
    target::chapters(page, run)?;
    for case in run.cases.iter().filter(|case| case.is_news()) {
        deviation::write(page, case, options.verbosity)?;
    }
    known(page, run)?;
    reasons(page, run, Verdict::Skip, "skipped")?;
    reasons(page, run, Verdict::Inconclusive, "inconclusive")?;
    transcripts(page, run, options.verbosity)?;
    summary(page, run)
}

/// Writes the last line of all.
///
/// # Errors
/// Those of `out`.
pub fn write_end(out: &mut dyn Write, document: &Document) -> io::Result<()> {
    let (judged, all) = document.judged();
    writeln!(out, "judged {judged} of {all}")
}

const LAYOUT: Layout = Layout {
    label: 19,
    hang: 2,
    longest: usize::MAX,
};

fn known(page: &mut Page<'_>, run: &Run) -> io::Result<()> {
    let known = || {
        let cases = run.cases.iter();
        cases.filter_map(|case| case.known.as_ref().map(|deviates| (case, deviates)))
    };
    if known().next().is_some() {
        page.heading("known deviations")?;
    }
    for (case, deviates) in known() {
        page.text(2, PLAIN, &format!("{} {}", case.verdict, case.id))?;
        page.text(6, QUIET, &deviates.reason)?;
        if let Some(observed) = &case.observed {
            page.text(6, QUIET, &format!("observed {}", deviation::cut(observed)))?;
        }
    }
    if !run.stale_known.is_empty() {
        page.heading("known deviations that were not seen")?;
        let advice = "These cases pass now: take them off the list of known deviations.";
        page.text(2, PLAIN, advice)?;
    }
    for stale in &run.stale_known {
        page.text(2, verdict_style(Verdict::Fail), &stale.id)?;
        page.text(6, QUIET, &stale.reason)?;
    }
    Ok(())
}

/// Cases without a verdict about the target, by reason, the most frequent reason first.
fn reasons(page: &mut Page<'_>, run: &Run, verdict: Verdict, heading: &str) -> io::Result<()> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for case in run.cases.iter().filter(|case| case.verdict == verdict) {
        let reason = case.reason.as_deref().unwrap_or("no reason was given");
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(&case.id),
            None => reasons.push((reason, vec![&case.id])),
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    reasons.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    page.heading(heading)?;
    for (reason, ids) in reasons {
        page.text(2, PLAIN, &format!("{} × {reason}", ids.len()))?;
        page.text(6, QUIET, &ids.join("  "))?;
    }
    Ok(())
}

/// Whole dialogues, where there was one; those of what nobody knew stand with their deviation.
fn transcripts(page: &mut Page<'_>, run: &Run, verbosity: u8) -> io::Result<()> {
    let shown = |case: &&CaseReport| match verbosity {
        0 => false,
        1 => case.verdict != Verdict::Pass && !case.is_news(),
        _ => !case.is_news(),
    };
    let spoke = |case: &&CaseReport| {
        let lines = case.observations.iter().flat_map(|o| &o.transcript);
        lines.into_iter().any(|line| !line.starts_with("=="))
    };
    for case in run.cases.iter().filter(shown).filter(spoke) {
        page.heading(&format!("{} {}", case.verdict, case.id))?;
        deviation::dialogues(page, case)?;
    }
    Ok(())
}

fn summary(page: &mut Page<'_>, run: &Run) -> io::Result<()> {
    let summary = run.summary;
    page.blank()?;
    if !run.untested.is_empty() {
        let text = format!(
            "{} more requirements cannot be observed by any client: msaspec list says which and why",
            run.untested.len()
        );
        page.text(0, QUIET, &text)?;
    }
    let counts = [
        (summary.pass, "pass", Verdict::Pass),
        (summary.warn, "warn", Verdict::Warn),
        (summary.fail, "fail", Verdict::Fail),
        (summary.skip, "skip", Verdict::Skip),
        (summary.inconclusive, "inconclusive", Verdict::Inconclusive),
    ];
    let counts = counts.map(|(count, word, verdict)| match count {
        0 => format!("{count} {word}"),
        _ => page::styled(verdict_style(verdict), &format!("{count} {word}")),
    });
    let known = match summary.known {
        0 => String::new(),
        known => format!(" ({known} known)"),
    };
    let seconds = run.duration_ms as f64 / 1000.0;
    let name = harmless(&run.target.name);
    page.raw(&format!(
        "{name}: {}{known} in {seconds:.1} s",
        counts.join(", ")
    ))?;
    page.blank()
}

#[cfg(test)]
mod tests;
