//! JUnit's XML, for machines that show test results: a suite a target, a test case a case.

use std::{fmt::Write, time::Duration};

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{CaseReport, Document, Run};
use crate::verdict::Verdict;

/// The document as XML. With `strict` a warning that nobody knew is a failure.
///
/// # Errors
/// Those of the serializer.
pub fn render(document: &Document, strict: bool) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new(&*document.suite.name);
    let suites = document.runs.iter().map(|run| suite(run, strict));
    report.add_test_suites(suites);
    report.to_string()
}

fn suite(run: &Run, strict: bool) -> TestSuite {
    let mut suite = TestSuite::new(legal(&run.target.name));
    suite.set_time(Duration::from_millis(run.duration_ms));
    let properties = [
        ("address", &run.target.address),
        ("greeting", &run.target.greeting),
    ];
    for (name, value) in properties
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
    {
        suite.add_property(Property::new(name, legal(value)));
    }
    suite.add_test_cases(run.cases.iter().map(|case| {
        let stale = run.stale_known.iter().any(|stale| stale.id == case.id);
        test_case(case, stale, strict)
    }));
    suite
}

fn test_case(case: &CaseReport, stale: bool, strict: bool) -> TestCase {
    let mut test_case = TestCase::new(legal(&case.id), status(case, stale, strict));
    test_case.set_classname(legal(&case.chapter));
    test_case.set_time(Duration::from_millis(case.duration_ms));
    test_case.set_system_out(legal(&system_out(case)));
    test_case
}

fn status(case: &CaseReport, stale: bool, strict: bool) -> TestCaseStatus {
    let deviation = || {
        format!(
            "expected {}, observed {}",
            case.expected.as_deref().unwrap_or("something else"),
            case.observed.as_deref().unwrap_or("nothing"),
        )
    };
    let reason = || case.reason.clone().unwrap_or_default();
    let (mut status, message) = match case.verdict {
        Verdict::Pass if stale => (
            TestCaseStatus::non_success(NonSuccessKind::Failure),
            "known as a deviation, and passes: the list of known deviations is out of date"
                .to_owned(),
        ),
        Verdict::Fail | Verdict::Warn if !case.is_news() => return TestCaseStatus::success(),
        Verdict::Fail => (
            TestCaseStatus::non_success(NonSuccessKind::Failure),
            deviation(),
        ),
        Verdict::Warn if strict => (
            TestCaseStatus::non_success(NonSuccessKind::Failure),
            deviation(),
        ),
        Verdict::Pass | Verdict::Warn => return TestCaseStatus::success(),
        Verdict::Skip => (TestCaseStatus::skipped(), reason()),
        Verdict::Inconclusive => (TestCaseStatus::non_success(NonSuccessKind::Error), reason()),
    };
    let message = legal(&message);
    // An attribute has one line: readers take line ends in it for blanks.
    let first = message.lines().next().unwrap_or_default();
    status.set_message(first).set_type(case.verdict.to_string());
    if first.len() < message.len() {
        status.set_description(&*message);
    }
    status
}

/// What XML can say (XML 1.0 section 2.2): most control characters and two others have no place in it,
/// not even escaped.
fn legal(text: &str) -> String {
    let char = |character: char| match character {
        '\t' | '\n' | '\r' => character,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        _ => character,
    };
    text.chars().map(char).collect()
}

/// The requirement, the verdict where JUnit has no word for it, and the dialogues.
fn system_out(case: &CaseReport) -> String {
    let mut text = format!("{}\n", case.requirement);
    if matches!(case.verdict, Verdict::Warn | Verdict::Fail) {
        let seen = case.observed.as_deref().unwrap_or_default();
        let wanted = case.expected.as_deref().unwrap_or_default();
        let _ = writeln!(text, "{}: expected {wanted}, observed {seen}", case.verdict);
    }
    if let Some(known) = &case.known {
        let _ = writeln!(text, "known: {}", known.reason);
    }
    for observation in &case.observations {
        let _ = writeln!(text, "\n{}", observation.transcript.join("\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Summary, TargetReport};

    #[test]
    fn whatever_is_said_is_xml() {
        let case = CaseReport {
            id: "a".to_owned(),
            chapter: "greeting".to_owned(),
            requirement: "The server greets.".to_owned(),
            requirements: Vec::new(),
            level: "must".to_owned(),
            severity: "interop".to_owned(),
            contested: false,
            verdict: Verdict::Fail,
            reason: None,
            known: None,
            expected: Some("220".to_owned()),
            observed: Some("554 \u{ffff}\u{1b}no\nmore\u{fffe}".to_owned()),
            duration_ms: 0,
            transcript: Vec::new(),
            decisive: None,
            observations: Vec::new(),
        };
        let run = Run {
            target: TargetReport {
                name: "mail\u{fffe}".to_owned(),
                ..TargetReport::default()
            },
            started: String::new(),
            duration_ms: 0,
            summary: Summary::default(),
            cases: vec![case],
            untested: Vec::new(),
            unjudged: None,
            stale_known: Vec::new(),
        };
        let xml = render(&Document::new(vec![run]), false).unwrap();
        let odd = |c: char| c < ' ' && c != '\n' || matches!(c, '\u{fffe}' | '\u{ffff}');
        assert!(!xml.contains(odd), "{xml:?}");
        let message = "message=\"expected 220, observed 554 \u{fffd}\u{fffd}no\"";
        assert!(xml.contains(message), "{xml}");
        assert!(xml.contains("no\nmore\u{fffd}</failure>"), "{xml}");
    }
}
