use msaspec_harness::report::StaleKnown;
use rstest::rstest;

use super::*;
use crate::check::report::sample;

fn shown(findings: &Findings, run: &Run, verbosity: u8) -> String {
    let options = Options {
        width: 80,
        verbosity,
        accepted: false,
    };
    let mut out = Vec::new();
    write(&mut out, findings, run, options).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

fn first_screen(text: &str) -> String {
    text.lines().take(24).collect::<Vec<_>>().join("\n")
}

#[test]
fn faults_stand_first_where_there_is_nothing_to_compare_with() {
    insta::assert_snapshot!(shown(&sample::findings(), &sample::run(), 0), @r##"
    origin.mc

    FAULT password-in-clear
      PLAIN and LOGIN are offered before TLS.
      origin.mc:41  DAEMON_OPTIONS(`Port=587, Name=MSA, M=Ea')dnl
      why         Whoever is on the way reads the password.
      paste       into the .mc:
          define(`confAUTH_OPTIONS', `A p y')dnl
      source      RFC 4954 section 4

      verdicts    1 pass
      listeners   587/inet (MSA): open as promised
                  587/inet6 (MSA): promised and not open; modifier O keeps sendmail
                  quiet about it
      supplied    account alice, next hop for every domain

    HINT no-dnl
      A line does not end with dnl.
      why         An empty line goes to the .cf.
      source      cf/README

    what it promises
      listener 587/inet: Mail is submitted here.
          origin.mc:41  DAEMON_OPTIONS(`Port=587, Name=MSA, M=Ea')dnl

    by sendmail's defaults, not in your .mc
      MaxMessageSize: Messages may have any size.

    not asked
      1 case: it waits for 300 s
          rfc5321-4.5.3.2-timeout

    judged 1 of 1; 1 fault; no baseline yet: --accept writes origin.expect/
    "##);
}

#[test]
fn what_has_changed_stands_first_where_there_is() {
    insta::assert_snapshot!(shown(&sample::compared(), &sample::run(), 0), @r##"
    origin.mc against origin.expect

      587/inet asks for a login before MAIL.
      587/inet offers LOGIN.
        - origin.mc:41  DAEMON_OPTIONS(`Port=587, M=E')dnl
        + origin.mc:41  DAEMON_OPTIONS(`Port=587, M=Ea')dnl

      587/inet offers HELP.
        no changed line of the .mc explains it

      1 fault less: default-msa-beside

      verdicts    1 pass
      listeners   587/inet (MSA): open as promised
                  587/inet6 (MSA): promised and not open; modifier O keeps sendmail
                  quiet about it
      supplied    account alice, next hop for every domain

    FAULT password-in-clear
      PLAIN and LOGIN are offered before TLS.
      origin.mc:41  DAEMON_OPTIONS(`Port=587, Name=MSA, M=Ea')dnl
      why         Whoever is on the way reads the password.
      paste       into the .mc:
          define(`confAUTH_OPTIONS', `A p y')dnl
      source      RFC 4954 section 4

    hints (in full with -v)
      A line does not end with dnl.

    transcripts that differ
      587/inet: MAIL before login
        -S: 250 2.1.0 [text]
        +S: 530 5.7.0 [text]

    other lines that differ
        + origin.mc:3  dnl # a remark

    lines of the .cf that differ
        +O Option0
        +O Option1
        +O Option2
        +O Option3
        +O Option4
        +O Option5
        +O Option6
        +O Option7
        +O Option8
        +O Option9
        20 more lines: see --json

    not asked
      1 case: it waits for 300 s
          rfc5321-4.5.3.2-timeout

    judged 1 of 1; 3 differences to origin.expect: --accept or undo them
    "##);
}

#[test]
fn every_difference_and_its_line_is_on_the_first_screen() {
    let screen = first_screen(&shown(&sample::compared(), &sample::run(), 0));
    for words in [
        "asks for a login",
        "offers LOGIN",
        "offers HELP",
        "- origin.mc:41  DAEMON_OPTIONS(`Port=587, M=E')dnl",
        "+ origin.mc:41  DAEMON_OPTIONS(`Port=587, M=Ea')dnl",
    ] {
        assert_eq!(screen.matches(words).count(), 1, "{words}: {screen}");
    }
    assert!(screen.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn where_nothing_differs_little_is_said() {
    let mut findings = sample::same();
    findings.advice.clear();
    if let Some(comparison) = &mut findings.comparison {
        comparison.accepted.clear();
    }
    let text = shown(&findings, &sample::run(), 0);
    assert!(text.lines().count() < 15, "{text}");
    assert!(
        text.ends_with("judged 1 of 1; no difference to origin.expect\n"),
        "{text}"
    );
}

#[test]
fn the_lines_of_a_bisection_are_named() {
    let text = shown(&sample::bisected(), &sample::run(), 0);
    assert!(text.contains("+ origin.mc:41  DAEMON_OPTIONS"), "{text}");
    assert!(
        text.contains("among 14 changed lines; 9 configurations built"),
        "{text}"
    );
    assert!(
        text.ends_with("1 of 14 changed lines make this difference\n"),
        "{text}"
    );
}

#[test]
fn a_search_that_was_ended_is_not_called_exact() {
    let mut findings = sample::bisected();
    if let Some(bisection) = &mut findings.bisection {
        bisection.minimal = false;
    }
    let text = shown(&findings, &sample::run(), 0);
    assert!(text.contains("ended at its bound"), "{text}");
}

#[test]
fn what_was_accepted_is_said_to_be() {
    let mut out = Vec::new();
    let options = Options {
        width: 80,
        verbosity: 0,
        accepted: true,
    };
    write(&mut out, &sample::findings(), &sample::run(), options).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.ends_with("accepted: origin.expect/ is what later checks compare with\n"),
        "{text}"
    );
}

#[test]
fn a_case_that_fails_is_shown_with_what_was_seen() {
    let run = sample::run_of(vec![sample::case("rfc5321-3.6.2-relay", Verdict::Fail)]);
    let text = shown(&sample::findings(), &run, 0);
    assert!(text.contains("rfc5321-3.6.2-relay"), "{text}");
    assert!(
        text.contains("No stranger relays. Expected 550, observed 250."),
        "{text}"
    );
    assert!(
        text.ends_with("2 faults; no baseline yet: --accept writes origin.expect/\n"),
        "{text}"
    );
}

#[test]
fn more_words_show_the_promises_and_then_every_dialogue() {
    let findings = sample::compared();
    for (verbosity, promises, dialogues) in [(0, false, false), (1, true, false), (2, true, true)] {
        let text = shown(&findings, &sample::run(), verbosity);
        assert_eq!(
            text.contains("Messages may have any size."),
            promises,
            "{text}"
        );
        assert_eq!(text.contains("C: EHLO client.example"), dialogues, "{text}");
    }
}

#[test]
fn known_deviations_are_sendmails_and_no_list_of_the_sites() {
    let known = msaspec_harness::known::Deviates {
        reason: "agreed upon".to_owned(),
        verdict: None,
        observed: None,
    };
    let mut case = sample::case("rfc5321-3.6.2-relay", Verdict::Fail);
    case.known = Some(known);
    let mut run = sample::run_of(vec![case]);
    run.stale_known = vec![StaleKnown {
        id: "rfc5321-4.1.1.1-ehlo".to_owned(),
        reason: "was so once".to_owned(),
    }];
    let text = shown(&sample::findings(), &run, 0);
    assert!(
        text.contains("1 fail (sendmail is known for 1 of them)"),
        "{text}"
    );
    let text = shown(&sample::findings(), &run, 1);
    assert!(
        text.contains("sendmail is known for it: agreed upon"),
        "{text}"
    );
    assert!(!text.contains("were not seen"), "{text}");
    assert!(!text.contains("was so once"), "{text}");
}

#[rstest]
fn nothing_commands_the_terminal(#[values(0, 1, 2)] verbosity: u8) {
    let mut out = Vec::new();
    let options = Options {
        width: 80,
        verbosity,
        accepted: false,
    };
    let mut run = sample::run_of(vec![sample::case(sample::HOSTILE, Verdict::Fail)]);
    run.cases[0].requirement = sample::HOSTILE.to_owned();
    write(&mut out, &sample::hostile(), &run, options).unwrap();
    let text = String::from_utf8(out).unwrap();
    let odd = ['\u{7}', '\u{9b}', '\u{202e}'];
    assert!(!text.contains(odd) && !text.contains("\u{1b}]"), "{text:?}");
    let longest = text.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < 4000, "{longest}");
}
