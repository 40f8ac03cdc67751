use super::*;
use crate::{
    known::Deviates,
    report::{Observation, StaleKnown, Summary, TargetReport, TlsState},
};

fn case(id: &str, verdict: Verdict) -> CaseReport {
    let transcript = [
        "== connected 587 IPv4",
        "S: 220 [host]",
        "C: AUTH PLAIN",
        "S: 235 2.7.0 [text]",
        "== fail",
    ];
    let transcript: Vec<_> = transcript.map(str::to_owned).into();
    CaseReport {
        id: id.to_owned(),
        chapter: "authentication".to_owned(),
        requirement: "A second AUTH is refused.".to_owned(),
        requirements: Vec::new(),
        level: "must".to_owned(),
        severity: "security".to_owned(),
        contested: false,
        verdict,
        reason: (verdict == Verdict::Skip).then(|| "no account".to_owned()),
        known: None,
        expected: Some("503".to_owned()),
        observed: Some("235 2.7.0 Go\u{1b}[31m ahead".to_owned()),
        duration_ms: 1,
        transcript: transcript.clone(),
        decisive: Some(3),
        observations: vec![Observation {
            port: 587,
            family: crate::promises::Family::Inet,
            tls: TlsState::Clear,
            verdict,
            reason: None,
            expected: None,
            observed: None,
            transcript,
            decisive: Some(3),
        }],
    }
}

fn shown(cases: Vec<CaseReport>, verbosity: u8) -> String {
    show(&run(cases), verbosity)
}

fn run(cases: Vec<CaseReport>) -> Run {
    Run {
        target: TargetReport {
            name: "mail.example".to_owned(),
            ..TargetReport::default()
        },
        started: String::new(),
        duration_ms: 1500,
        summary: Summary::of(&cases),
        cases,
        untested: Vec::new(),
        unjudged: None,
        stale_known: vec![StaleKnown {
            id: "stale-id".to_owned(),
            reason: "once".to_owned(),
        }],
    }
}

fn show(run: &Run, verbosity: u8) -> String {
    let mut out = Vec::new();
    let options = Options {
        width: 80,
        verbosity,
    };
    write_run(&mut out, run, options).unwrap();
    write_end(&mut out, &Document::new(vec![run.clone()])).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_deviation_shows_the_line_that_decided() {
    let text = shown(vec![case("a", Verdict::Fail), case("b", Verdict::Skip)], 0);
    assert!(text.contains("FAIL a"), "{text}");
    assert!(text.contains("=>  S: 235 2.7.0 [text]"), "{text}");
    assert!(
        text.contains("1 × no account") && text.contains("stale-id"),
        "{text}"
    );
    assert!(text.ends_with("judged 1 of 2\n"), "{text}");
}

#[test]
fn no_text_of_a_server_commands_the_terminal() {
    let text = shown(vec![case("a", Verdict::Fail)], 2);
    assert!(!text.contains("Go\u{1b}"), "{text}");
    assert!(text.contains("Go\u{fffd}[31m"), "{text}");
}

#[test]
fn no_name_commands_the_terminal_or_turns_what_is_read() {
    let mut run = run(vec![case("a", Verdict::Pass)]);
    run.target.name = "mail\u{1b}]0;x\u{7}\u{202e}elpmaxe\u{2066}\u{200f}".to_owned();
    run.cases[0].chapter = "\u{9b}2Jdata".to_owned();
    let text = show(&run, 0);
    let odd = ['\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200f}'];
    assert!(!text.contains(odd) && !text.contains("\u{1b}]"), "{text:?}");
}

#[test]
fn a_reason_of_several_lines_is_shown_line_by_line() {
    let mut run = run(Vec::new());
    run.unjudged = Some("the image is not built:\n\tstep 3\nno such package".to_owned());
    let text = show(&run, 0);
    assert!(!text.contains('\u{fffd}'), "{text:?}");
    let lines: Vec<_> = text.lines().collect();
    let place = lines.iter().position(|line| line.contains("not built:"));
    assert!(lines[place.unwrap() + 1].contains("step 3"));
    assert!(lines[place.unwrap() + 2].contains("no such package"));
}

#[test]
fn a_line_far_above_the_end_is_shown_and_so_is_the_end() {
    let mut case = case("a", Verdict::Fail);
    case.transcript = (0..50).map(|line| format!("S: 250-LINE{line}")).collect();
    case.decisive = Some(15);
    let text = shown(vec![case.clone()], 0);
    assert!(text.contains("=>  S: 250-LINE15"), "{text}");
    assert!(
        !text.contains("LINE30") && text.contains("LINE49"),
        "{text}"
    );
    case.decisive = Some(4711);
    let text = shown(vec![case], 0);
    assert!(text.contains("=>  S: 250-LINE49"), "{text}");
}

#[test]
fn a_long_observation_is_cut() {
    let mut case = case("a", Verdict::Fail);
    case.observed = Some("ä".repeat(301));
    let text = shown(vec![case], 0);
    assert!(text.contains('…'), "{text}");
    assert_eq!(text.matches('ä').count(), 300);
}

#[test]
fn what_is_known_is_shown_with_its_reason_and_not_as_news() {
    let mut known = case("a", Verdict::Fail);
    known.known = Some(Deviates {
        reason: "agreed upon".to_owned(),
        verdict: None,
        observed: None,
    });
    let text = shown(vec![known], 0);
    assert!(
        text.contains("agreed upon") && !text.contains("FAIL a"),
        "{text}"
    );
    assert!(text.contains("(1 known)"), "{text}");
}

#[test]
fn transcripts_of_passes_need_two_words_of_verbosity() {
    for (verbosity, expected) in [(0, false), (1, false), (2, true)] {
        let text = shown(vec![case("a", Verdict::Pass)], verbosity);
        assert_eq!(text.contains("C: AUTH PLAIN"), expected, "{verbosity}");
    }
}
