//! What has changed: for a user, in the dialogues, and in the lines of the `.mc` and the `.cf`.

use std::io;

use anstyle::{AnsiColor, Style};
use msaspec_harness::report::terminal::{PLAIN, Page, QUIET};

use super::advice::line_of;
use crate::check::{
    difference::{Comparison, Difference},
    findings::{Advice, Bisection, Change},
    report::{count, sign},
};

/// As many differences are worth reading; whoever has more has another server.
const MOST: usize = 60;
/// Changed lines that are shown before all where nothing else differs.
const FIRST: usize = 8;
/// Lines of a text, and texts, that are shown at each verbosity.
const SHOWN: [(usize, usize); 3] = [(10, 3), (40, 20), (usize::MAX, usize::MAX)];

const UNCERTAIN: &str = "The search was ended at its bound: fewer of these lines may be enough.";

/// The sentences, each with the lines that made it so; what the same lines made stands together.
pub(super) fn differences(page: &mut Page<'_>, comparison: &Comparison) -> io::Result<()> {
    let mut groups: Vec<(&[Change], Vec<&Difference>)> = Vec::new();
    for difference in comparison.differences.iter().take(MOST) {
        match groups.iter_mut().find(|(c, _)| *c == difference.causes) {
            Some((_, those)) => those.push(difference),
            None => groups.push((&difference.causes, vec![difference])),
        }
    }
    let unexplained = match comparison.mc.is_empty() {
        true => "the .mc is the same: it comes from another file, or from what was installed",
        false => "no changed line of the .mc explains it",
    };
    if comparison.differences.is_empty() && !comparison.mc.is_empty() {
        page.blank()?;
        page.text(
            2,
            PLAIN,
            "nothing that was asked is answered in another way",
        )?;
        comparison
            .mc
            .iter()
            .take(FIRST)
            .try_for_each(|line| change(page, 4, line))?;
        more(page, comparison.mc.len(), FIRST, "line")?;
    }
    for (causes, differences) in groups {
        page.blank()?;
        for difference in differences {
            page.text(2, PLAIN, &difference.sentence)?;
        }
        if causes.is_empty() {
            page.text(4, QUIET, unexplained)?;
        }
        causes.iter().try_for_each(|cause| change(page, 4, cause))?;
    }
    more(page, comparison.differences.len(), MOST, "difference")
}

/// Faults that were accepted, and are there no more.
pub(super) fn healed(
    page: &mut Page<'_>,
    comparison: &Comparison,
    advice: &[Advice],
) -> io::Result<()> {
    let is_there = |id: &&String| advice.iter().any(|advice| advice.id == **id);
    let healed: Vec<_> = (comparison.accepted.iter())
        .filter(|id| !is_there(id))
        .map(String::as_str)
        .collect();
    match healed.as_slice() {
        [] => Ok(()),
        healed => {
            page.blank()?;
            let what = count(healed.len(), "fault");
            page.text(2, PLAIN, &format!("{what} less: {}", healed.join(", ")))
        }
    }
}

/// The lines that make a difference together.
pub(super) fn bisection(page: &mut Page<'_>, bisection: &Bisection) -> io::Result<()> {
    page.heading("the lines that make the difference")?;
    page.text(2, PLAIN, &bisection.difference)?;
    for line in &bisection.lines {
        change(page, 4, line)?;
    }
    let work = format!(
        "among {}; {} built, {} started",
        count(bisection.among, "changed line"),
        count(bisection.built, "configuration"),
        count(bisection.started, "server"),
    );
    page.text(2, QUIET, &work)?;
    match bisection.minimal {
        true => Ok(()),
        false => page.text(2, PLAIN, UNCERTAIN),
    }
}

/// Transcripts, and the lines that nothing was said about yet.
pub(super) fn texts(page: &mut Page<'_>, comparison: &Comparison, verbosity: u8) -> io::Result<()> {
    let (lines, texts) = SHOWN[usize::from(verbosity).min(SHOWN.len() - 1)];
    if !comparison.transcripts.is_empty() {
        page.heading("transcripts that differ")?;
    }
    for text in comparison.transcripts.iter().take(texts) {
        page.text(2, PLAIN, &text.name)?;
        diff(page, &text.lines, lines)?;
    }
    more(page, comparison.transcripts.len(), texts, "transcript")?;
    let said: Vec<_> = comparison.differences.iter().take(MOST).collect();
    let is_new = |line: &&Change| !said.iter().any(|d| d.causes.contains(line));
    let mut others: Vec<_> = comparison.mc.iter().filter(is_new).collect();
    if said.is_empty() {
        others.clear();
    }
    if !others.is_empty() {
        page.heading("other lines that differ")?;
    }
    for other in others.iter().take(lines) {
        change(page, 4, other)?;
    }
    more(page, others.len(), lines, "line")?;
    if !comparison.cf.is_empty() {
        page.heading("lines of the .cf that differ")?;
    }
    diff(page, &comparison.cf, lines)
}

fn change(page: &mut Page<'_>, indent: usize, change: &Change) -> io::Result<()> {
    let sign = sign(change.side);
    let text = format!("{sign} {}", line_of(&change.place));
    page.line(indent, colour(sign), &text)
}

fn diff(page: &mut Page<'_>, lines: &[String], most: usize) -> io::Result<()> {
    for line in lines.iter().take(most) {
        page.line(4, line.chars().next().map_or(PLAIN, colour), line)?;
    }
    more(page, lines.len(), most, "line")
}

/// That not everything is shown, and where it is.
fn more(page: &mut Page<'_>, all: usize, shown: usize, thing: &str) -> io::Result<()> {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        left => {
            let left = count(left, &format!("more {thing}"));
            page.text(4, QUIET, &format!("{left}: see --json"))
        }
    }
}

fn colour(sign: char) -> Style {
    match sign {
        '+' => AnsiColor::Green.on_default(),
        '-' => AnsiColor::Red.on_default(),
        _ => QUIET,
    }
}
