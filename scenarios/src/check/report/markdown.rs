//! A comment for a pull request.

use msaspec_harness::report::{Run, terminal::cut};

use super::{Conclusion, count, destination, deviation, expectation, fails, lines_of, sign};
use crate::check::{
    difference::Comparison,
    findings::{Advice, Findings, Kind, Place, Promise},
};

mod escape;

use escape::{code, fenced, html, inline};

/// Sites take comments of 65536 characters; more is not read either.
const LONGEST: usize = 60_000;
/// Lines of a difference, and characters of a line, that are read.
const MOST: usize = 200;
const WIDEST: usize = 500;

/// What was found, in GitHub's Markdown; without findings, why there are none.
pub fn render(findings: Option<&Findings>, run: &Run) -> String {
    let mut comment = Comment::default();
    match findings {
        Some(findings) => checked(&mut comment, findings, run),
        None => {
            let name = code(&run.target.name);
            comment.add(&format!("### {name}: could not be checked\n"));
            comment.add(&why(run));
        }
    }
    comment.end()
}

/// Blocks with blank lines between them.
#[derive(Default)]
struct Comment {
    text: String,
    left_out: usize,
}

impl Comment {
    /// A block, whole or not at all: half a fence would take what comes behind it.
    fn add(&mut self, block: &str) {
        if block.is_empty() {
            return;
        }
        if self.text.len() + block.len() > LONGEST {
            self.left_out += 1;
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(block);
    }

    fn end(mut self) -> String {
        if self.left_out > 0 {
            let left_out = count(self.left_out, "more part");
            self.text += &format!("\n{left_out} did not fit here: see the JSON document.\n");
        }
        self.text
    }
}

fn checked(comment: &mut Comment, findings: &Findings, run: &Run) {
    comment.add(&heading(findings, run));
    if run.unjudged.is_some() {
        comment.add(&why(run));
    }
    if let Some(comparison) = &findings.comparison {
        comment.add(&differences(comparison));
    }
    if let Some(bisection) = &findings.bisection {
        let lines = bisection.lines.iter();
        let lines: Vec<_> = lines.map(|l| code(&lines_of(&l.place))).collect();
        let certainty = if bisection.minimal { "" } else { " at most" };
        comment.add(&format!(
            "{}{certainty} of {} make this difference: {} {}\n",
            lines.len(),
            count(bisection.among, "changed line"),
            inline(&bisection.difference),
            lines.join(", "),
        ));
    }
    comment.add(&changed_lines(findings));
    let fails: String = fails(run)
        .map(|case| format!("- {} {}\n", code(&case.id), inline(&deviation(case))))
        .collect();
    comment.add(&fails);
    for advice in &findings.advice {
        comment.add(&advise(advice));
    }
    comment.add(&listeners(findings));
    if !findings.supplied.is_empty() {
        let supplied = inline(&findings.supplied.join(", "));
        comment.add(&format!("Supplied: {supplied}.\n"));
    }
    for text in findings.comparison.iter().flat_map(|c| &c.transcripts) {
        let block = diff(&text.lines);
        comment.add(&details(&text.name, &block));
    }
    if let Some(comparison) = &findings.comparison
        && !comparison.cf.is_empty()
    {
        let block = diff(&comparison.cf);
        comment.add(&details("Lines of the .cf that differ", &block));
    }
    let promises: String = findings.promises.iter().map(promise).collect();
    comment.add(&details("What the configuration promises", &promises));
    let not_run: String = findings
        .not_run
        .iter()
        .map(|case| format!("- {}: {}\n", code(&case.id), inline(&case.reason)))
        .collect();
    comment.add(&details("Cases that were not asked", &not_run));
}

fn heading(findings: &Findings, run: &Run) -> String {
    let file = code(&findings.file);
    let with = findings.comparison.as_ref().map_or("", |c| &c.with);
    let with = code(with);
    let verdict = match Conclusion::of(findings, run) {
        Conclusion::Unjudged => "the server could not be judged".to_owned(),
        Conclusion::Differences(number) if findings.comparison.is_some() => {
            format!("{} to {with}", count(number, "difference"))
        }
        Conclusion::Differences(_) => "the lines that make a difference".to_owned(),
        Conclusion::Lines => {
            format!("nothing is answered in another way than in {with}, but lines differ")
        }
        Conclusion::Same => format!("no difference to {with}"),
        Conclusion::Faults(number) => format!(
            "{}, and nothing to compare with ({} is missing)",
            count(number, "fault"),
            code(&expectation(&findings.file))
        ),
        Conclusion::Sound => format!(
            "no fault, and nothing to compare with ({} is missing)",
            code(&expectation(&findings.file))
        ),
    };
    format!("### {file}: {verdict}\n")
}

fn why(run: &Run) -> String {
    let why = run.unjudged.as_deref().unwrap_or_default();
    fenced("text", [why])
}

fn differences(comparison: &Comparison) -> String {
    let items = comparison.differences.iter().map(|difference| {
        let causes = difference.causes.iter();
        let mut causes: Vec<_> = causes.map(|c| code(&lines_of(&c.place))).collect();
        // A line that was changed was taken out and came in at the same place.
        causes.dedup();
        let causes = match causes.is_empty() {
            true => String::new(),
            false => format!(" ({})", causes.join(", ")),
        };
        format!("- {}{causes}\n", inline(&difference.sentence))
    });
    items.collect()
}

/// The lines of the `.mc` that differ, or that make the difference.
fn changed_lines(findings: &Findings) -> String {
    let changes = match (&findings.comparison, &findings.bisection) {
        (Some(comparison), _) => &comparison.mc,
        (None, Some(bisection)) => &bisection.lines,
        (None, None) => return String::new(),
    };
    let mut lines = Vec::new();
    for change in changes {
        lines.push(format!("@@ {} @@", lines_of(&change.place)));
        let text = change.place.text.lines();
        lines.extend(text.map(|line| format!("{}{line}", sign(change.side))));
    }
    match lines.is_empty() {
        true => String::new(),
        false => diff(&lines),
    }
}

/// Marked lines; more of them than anybody reads are not shown.
fn diff(lines: &[String]) -> String {
    let shown = lines.iter().take(MOST).map(|line| cut(line, WIDEST));
    let mut shown: Vec<_> = shown.collect();
    let left = lines.len().saturating_sub(MOST);
    if left > 0 {
        shown.push(format!("… {}", count(left, "more line")));
    }
    fenced("diff", shown.iter().map(String::as_str))
}

fn advise(advice: &Advice) -> String {
    let word = match advice.kind {
        Kind::Fault => "Fault",
        Kind::Hint => "Hint",
    };
    let place = advice.place.as_ref().map(found_at).unwrap_or_default();
    let (what, reason) = (inline(&advice.what), inline(&advice.reason));
    let source = match advice.source.is_empty() {
        true => String::new(),
        false => format!(" ({})", inline(&advice.source)),
    };
    let remedy = match advice.remedy.trim().is_empty() {
        true => String::new(),
        false => format!(
            "\nPaste {}\n\n{}",
            inline(&destination(advice)),
            fenced("m4", [advice.remedy.as_str()])
        ),
    };
    format!(
        "**{word} {}**{place}: {what} {reason}{source}\n{remedy}",
        code(&advice.id)
    )
}

fn found_at(place: &Place) -> String {
    format!(" at {}", code(&lines_of(place)))
}

/// Listeners that are not as promised.
fn listeners(findings: &Findings) -> String {
    let odd = findings.listeners.iter().filter(|l| l.promised != l.open);
    let items = odd.map(|listener| {
        let words = match listener.open {
            true => "is open and was not promised",
            false => "is promised and not open",
        };
        format!("- {} {words}\n", code(&listener.listener))
    });
    items.collect()
}

fn promise(promise: &Promise) -> String {
    let place = match &promise.place {
        Some(place) => found_at(place),
        None => " by default".to_owned(),
    };
    let (subject, words) = (inline(&promise.subject), inline(&promise.words));
    format!("- **{subject}**{place}: {words}\n")
}

/// Folded away; nothing where there is nothing to fold.
fn details(summary: &str, block: &str) -> String {
    match block.is_empty() {
        true => String::new(),
        false => format!(
            "<details><summary>{}</summary>\n\n{block}\n</details>\n",
            html(summary)
        ),
    }
}

#[cfg(test)]
mod tests;
