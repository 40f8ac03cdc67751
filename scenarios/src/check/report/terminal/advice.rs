//! What the administrator should look at: what is so, why it matters, and what to write instead.

use std::io;

use msaspec_harness::{
    report::terminal::{PLAIN, Page, QUIET, verdict_style},
    verdict::Verdict,
};

use crate::check::{
    findings::{Advice, Findings, Kind, Place},
    report::{destination, lines_of},
};

/// Advice of a kind; where it is not `whole`, a sentence and a line each.
pub(super) fn write(
    page: &mut Page<'_>,
    findings: &Findings,
    kind: Kind,
    whole: bool,
) -> io::Result<()> {
    let advice = findings.advice.iter().filter(|a| a.kind == kind);
    // What was accepted is no news.
    let accepted = |advice: &&Advice| {
        let comparison = findings.comparison.as_ref();
        kind == Kind::Fault && comparison.is_some_and(|it| it.accepted.contains(&advice.id))
    };
    let is_short = |advice: &&Advice| !whole && (kind == Kind::Hint || accepted(advice));
    let (short, long): (Vec<_>, Vec<_>) = advice.partition(is_short);
    long.into_iter()
        .try_for_each(|advice| block(page, advice))?;
    let heading = match kind {
        Kind::Fault => "faults that were there before (in full with -v)",
        Kind::Hint => "hints (in full with -v)",
    };
    match short.as_slice() {
        [] => Ok(()),
        advice => {
            page.heading(heading)?;
            advice.iter().try_for_each(|advice| {
                page.text(2, PLAIN, &advice.what)?;
                beneath(page, 6, advice.place.as_ref())
            })
        }
    }
}

/// Where something stands; nothing where it stands nowhere.
pub(super) fn beneath(page: &mut Page<'_>, indent: usize, place: Option<&Place>) -> io::Result<()> {
    match place {
        Some(place) => page.line(indent, QUIET, &line_of(place)),
        None => Ok(()),
    }
}

/// Where it stands, and what stands there.
pub(super) fn line_of(place: &Place) -> String {
    let mut lines = place.text.trim().lines();
    let first = lines.next().unwrap_or_default();
    let more = if lines.next().is_some() { " …" } else { "" };
    format!("{}  {first}{more}", lines_of(place))
}

fn block(page: &mut Page<'_>, advice: &Advice) -> io::Result<()> {
    let (word, style) = match advice.kind {
        Kind::Fault => ("FAULT", verdict_style(Verdict::Fail)),
        Kind::Hint => ("HINT", verdict_style(Verdict::Warn)),
    };
    page.blank()?;
    page.line(0, style, &format!("{word} {}", advice.id))?;
    page.text(2, PLAIN, &advice.what)?;
    beneath(page, 2, advice.place.as_ref())?;
    page.labelled("why", PLAIN, &advice.reason)?;
    if !advice.remedy.trim().is_empty() {
        page.labelled("paste", PLAIN, &destination(advice))?;
        page.paste(6, &advice.remedy)?;
    }
    page.labelled("source", QUIET, &advice.source)
}
