//! What the administrator reads: what has changed first, then what is so, and at last what to do.

use std::io::{self, Write};

use msaspec_harness::{
    report::{
        Run,
        terminal::{self, BOLD, Layout, PLAIN, Page, verdict_style},
    },
    verdict::Verdict,
};

use super::{Conclusion, count, expectation, has_baseline};
use crate::check::findings::{Findings, Kind};

mod advice;
mod change;
mod server;

/// How a report is shown.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// 1: everything in words, and the run as `msaspec run` shows it; 2: with every transcript.
    pub verbosity: u8,
    /// What was found has been accepted.
    pub accepted: bool,
}

/// Writes what was found, with ANSI styles.
///
/// # Errors
/// Those of `out`.
pub fn write(
    out: &mut dyn Write,
    findings: &Findings,
    run: &Run,
    options: Options,
) -> io::Result<()> {
    let page = &mut Page::new(out, options.width, LAYOUT);
    // Whoever compares knows his configuration, and wants to know what is new about it.
    let whole = findings.comparison.is_none() || options.verbosity > 0;
    title(page, findings)?;
    if let Some(bisection) = &findings.bisection {
        change::bisection(page, bisection)?;
    }
    match &findings.comparison {
        Some(comparison) => {
            change::differences(page, comparison)?;
            change::healed(page, comparison, &findings.advice)?;
        }
        None => advice::write(page, findings, Kind::Fault, true)?,
    }
    server::write(page, findings, run, options.verbosity)?;
    if findings.comparison.is_some() {
        advice::write(page, findings, Kind::Fault, whole)?;
    }
    advice::write(page, findings, Kind::Hint, whole)?;
    if whole {
        server::promises(page, findings)?;
    }
    if let Some(comparison) = &findings.comparison {
        change::texts(page, comparison, options.verbosity)?;
    }
    server::not_run(page, findings, options.verbosity)?;
    if options.verbosity > 1 {
        server::dialogues(page, findings)?;
    }
    page.blank()?;
    if options.verbosity > 0 {
        let options = terminal::Options {
            width: options.width,
            verbosity: options.verbosity,
        };
        terminal::write_run(out, &of_a_site(run), options)?;
    }
    last_line(
        &mut Page::new(out, options.width, LAYOUT),
        findings,
        run,
        options,
    )
}

/// No paragraph is honestly longer.
const LAYOUT: Layout = Layout {
    label: 14,
    hang: 0,
    longest: 2000,
};

/// A run whose known deviations are sendmail's: no list of the site's that could be too long.
fn of_a_site(run: &Run) -> Run {
    let mut run = run.clone();
    run.stale_known.clear();
    for known in run.cases.iter_mut().filter_map(|case| case.known.as_mut()) {
        known.reason = format!("sendmail is known for it: {}", known.reason);
    }
    run
}

fn title(page: &mut Page<'_>, findings: &Findings) -> io::Result<()> {
    let file = &findings.file;
    match &findings.comparison {
        Some(comparison) => page.text(0, BOLD, &format!("{file} against {}", comparison.with)),
        None => page.text(0, BOLD, file),
    }
}

/// What it comes to, and what to do next.
fn last_line(
    page: &mut Page<'_>,
    findings: &Findings,
    run: &Run,
    options: Options,
) -> io::Result<()> {
    let conclusion = Conclusion::of(findings, run);
    let style = match conclusion {
        Conclusion::Unjudged | Conclusion::Faults(_) => verdict_style(Verdict::Fail),
        Conclusion::Differences(_) | Conclusion::Lines => verdict_style(Verdict::Warn),
        Conclusion::Same | Conclusion::Sound => verdict_style(Verdict::Pass),
    };
    let judged = run.cases.iter().filter(|case| case.is_judged()).count();
    let judged = format!("judged {judged} of {}", run.cases.len());
    let inconclusive = match run.summary.inconclusive {
        0 => String::new(),
        number => format!(" ({number} inconclusive)"),
    };
    if options.accepted {
        let folder = expectation(&findings.file);
        let text = format!(
            "{judged}{inconclusive}; accepted: {folder}/ is what later checks compare with"
        );
        return page.text(0, PLAIN, &text);
    }
    let words = conclude(conclusion, findings);
    page.text(0, style, &format!("{judged}{inconclusive}; {words}"))
}

fn conclude(conclusion: Conclusion, findings: &Findings) -> String {
    let with = findings.comparison.as_ref().map_or("", |c| &c.with);
    let accept = match has_baseline(findings) {
        true => ": --accept or undo them",
        false => "",
    };
    let folder = expectation(&findings.file);
    match conclusion {
        Conclusion::Unjudged => "the server could not be judged".to_owned(),
        Conclusion::Differences(number) => match &findings.bisection {
            Some(bisection) => format!(
                "{} of {} make this difference",
                bisection.lines.len(),
                count(bisection.among, "changed line")
            ),
            None => format!("{} to {with}{accept}", count(number, "difference")),
        },
        Conclusion::Lines => {
            format!("nothing is answered in another way than in {with}, but lines differ{accept}")
        }
        Conclusion::Same => format!("no difference to {with}"),
        Conclusion::Faults(number) => format!(
            "{}; no baseline yet: --accept writes {folder}/",
            count(number, "fault")
        ),
        Conclusion::Sound => {
            format!("no fault was seen; no baseline yet: --accept writes {folder}/")
        }
    }
}

#[cfg(test)]
mod tests;
