//! Two servers as lists of facts, and the sentences about them.

use rstest::rstest;

use super::*;

/// Facts, one a line: `area | place | question | answer`. `*` is 587 over both families.
fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [area, place, question, answer] = parts.as_slice() else {
            panic!("{line}");
        };
        let area = match *area {
            "L" => Area::Listeners,
            "A" => Area::Answers,
            "M" => Area::Mechanisms,
            "K" => Area::Keywords,
            "D" => Area::Delivery,
            "R" => Area::Routes,
            "I" => Area::Limits,
            _ => Area::Verdicts,
        };
        match (*place, *question) {
            ("*", _) => {
                facts.note(area, "587/inet", *question, *answer);
                facts.note(area, "587/inet6", *question, *answer);
            }
            (_, "*") => {
                facts.note(area, *place, "587/inet", *answer);
                facts.note(area, *place, "587/inet6", *answer);
            }
            _ => facts.note(area, *place, *question, *answer),
        }
    }
    facts
}

fn sentences(before: &str, after: &str) -> Vec<String> {
    differences(&facts(before), &facts(after))
        .into_iter()
        .map(|difference| difference.sentence)
        .collect()
}

const WHOLE: &str = "
    L | | * | open
    A | * | MAIL before login, clear | 530 5.7.0
    A | * | MAIL before login, TLS | 530 5.7.0
    A | * | RCPT elsewhere after login | 250 2.1.5
    A | * | STARTTLS | works, TLS 1.3
    A | * | ETRN | 502 5.7.0
    M | * | LOGIN, clear | 235
    M | * | PLAIN, clear | 235
    M | * | LOGIN, TLS | 235
    M | * | PLAIN, TLS | 235
    K | * | SIZE, clear | offered
    K | * | SIZE, TLS | offered
    K | * | SIZE, after login | offered
    K | * | STARTTLS, clear | offered
    K | * | DSN, TLS | offered
    D | | arrived | yes
    D | | sender | alice@site.example
    V | | rfc4954-4-x | pass";

/// The whole server with some lines left out and others put in.
fn changed(without: &[&str], with: &str) -> String {
    let kept: Vec<&str> = WHOLE
        .lines()
        .filter(|line| !without.iter().any(|part| line.contains(part)))
        .collect();
    format!("{}\n{with}", kept.join("\n"))
}

#[rstest]
#[case::nothing(&[], "", &[])]
#[case::listener_gone(&[" * "], "", &["587 over both families is not open any more"])]
#[case::one_family(&[], "L | | 587/inet6 | closed", &["587 over IPv6 is not open any more, although promised"])]
#[case::etrn(&["ETRN"], "A | * | ETRN | 250 2.0.0", &["on 587 (both families) ETRN is accepted now: 250 2.0.0 (was 502 5.7.0)"])]
#[case::both_states(
    &["MAIL"],
    "A | * | MAIL before login, clear | 250 2.1.0\nA | * | MAIL before login, TLS | 250 2.1.0",
    &["login is not required on 587 (both families): MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)"]
)]
#[case::rcpt_follows_from_mail(
    &["MAIL before login, clear"],
    "A | * | MAIL before login, clear | 250 2.1.0\nA | * | RCPT elsewhere before login, clear | 550 5.7.1",
    &["login is not required on 587 (both families) in clear text: MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)"]
)]
#[case::relay_is_told(
    &["MAIL before login, clear"],
    "A | * | MAIL before login, clear | 250 2.1.0\nA | * | RCPT elsewhere before login, clear | 250 2.1.5",
    &[
        "strangers may send to other domains through 587 (both families) in clear text: 250 2.1.5",
        "login is not required on 587 (both families) in clear text: MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)",
    ]
)]
#[case::starttls_gone(
    &["TLS |", "STARTTLS"],
    "A | * | STARTTLS | not offered",
    &["STARTTLS is no longer offered on 587 (both families)"]
)]
#[case::implicit_tls(
    &["clear |", "STARTTLS"],
    "A | * | TLS | from the first octet",
    &["clients of 587 (both families) have to begin with TLS now: who speaks clear text first is not greeted"]
)]
#[case::authentication_gone(
    &["M | ", "after login"],
    "K | * | SIZE, after login | offered",
    &["logging in is not possible any more on 587 (both families): AUTH is not offered (was LOGIN, PLAIN)"]
)]
#[case::one_mechanism_gone(
    &["PLAIN"],
    "M | * | PLAIN, clear | not offered\nM | * | PLAIN, TLS | not offered",
    &["PLAIN is no longer offered on 587 (both families)"]
)]
#[case::passwords_protected(
    &["LOGIN, clear", "PLAIN, clear"],
    "",
    &["logging in in clear text is not possible any more on 587 (both families): AUTH is not offered (was LOGIN, PLAIN)"]
)]
#[case::not_offered_is_nothing(&[], "M | * | CRAM-MD5, clear | not offered", &[])]
#[case::size(
    &["SIZE"],
    "K | * | SIZE, clear | 1000\nK | * | SIZE, TLS | 1000\nK | * | SIZE, after login | 1000\nI | | MaxMessageSize | 1000",
    &["the largest message is 1000 octets (was unlimited)"]
)]
#[case::size_on_the_wire(
    &["SIZE"],
    "K | * | SIZE, clear | 1000\nK | * | SIZE, TLS | 1000\nK | * | SIZE, after login | 1000",
    &["the largest message on 587 (both families) is 1000 octets (was unlimited)"]
)]
#[case::keyword(&["DSN"], "", &["DSN is no longer offered inside TLS on 587 (both families)"])]
#[case::keyword_in_the_only_state(
    &["SIZE"],
    "K | * | SIZE, clear | 9\nK | * | SIZE, TLS | 9\nK | * | SIZE, after login | 9\nK | 465/inet | SIZE, TLS | 9",
    &["SIZE 9 is offered inside TLS on 465 over IPv4 now", "the largest message on 587 (both families) is 9 octets (was unlimited)"]
)]
#[case::not_arrived(&["D |"], "D | | arrived | no", &["mail does not arrive at the next hop any more"])]
#[case::failure_is_told(&["V |", "ETRN"], "V | | rfc4954-4-x | fail\nA | * | ETRN | 250 2.0.0", &[
    "on 587 (both families) ETRN is accepted now: 250 2.0.0 (was 502 5.7.0)",
    "rfc4954-4-x fails now (was pass)",
])]
#[case::skip_follows(&["V |", "ETRN"], "V | | rfc4954-4-x | skip\nA | * | ETRN | 250 2.0.0", &[
    "on 587 (both families) ETRN is accepted now: 250 2.0.0 (was 502 5.7.0)",
])]
#[case::skip_alone(&["V |"], "V | | rfc4954-4-x | skip", &["rfc4954-4-x does not apply any more (was pass)"])]
#[case::failure_that_is_not_asked(&["V |"], "V | | rfc4954-4-y | warn", &[])]
#[case::failure_that_was_not_asked(&["V |"], "V | | rfc4954-4-y | fail", &["rfc4954-4-y fails now"])]
#[case::not_asked(&["V |"], "", &[])]
#[case::most_important_first(
    &["ETRN", "D | "],
    "A | * | ETRN | 250 2.0.0\nD | | arrived | no\nL | | 465/inet | open\nV | | a | fail\nA | 25/inet | RCPT elsewhere before login | 250 2.1.5",
    &[
        "465 over IPv4 is open now",
        "strangers may send to other domains through 25 over IPv4: 250 2.1.5",
        "on 587 (both families) ETRN is accepted now: 250 2.0.0 (was 502 5.7.0)",
        "mail does not arrive at the next hop any more",
        "a fails now",
    ]
)]
fn what_is_said(#[case] without: &[&str], #[case] with: &str, #[case] said: &[&str]) {
    assert_eq!(sentences(WHOLE, &changed(without, with)), said);
}

/// 465 speaks only TLS, and goes with what 587 says in clear text and inside TLS.
#[test]
fn one_state_goes_with_two() {
    let with = |answer| {
        format!(
            "A | 587/inet | ETRN, clear | x
             M | 587/inet | CRAM-MD5, clear | {answer}
             M | 587/inet | CRAM-MD5, TLS | {answer}
             M | 465/inet | CRAM-MD5, TLS | {answer}
             M | 587/inet | PLAIN, TLS | 235
             M | 587/inet | PLAIN, clear | 235
             M | 465/inet | PLAIN, TLS | 235"
        )
    };
    assert_eq!(
        sentences(&with("235"), &with("not offered")),
        ["CRAM-MD5 is no longer offered on 465 over IPv4 and 587 over IPv4"]
    );
}

#[rstest]
#[case::of_each_account(
    "D | | sender, alice | alice@[host]\nD | | sender, bob | bob@[host]",
    "D | | sender, alice | alice@a.example\nD | | sender, bob | bob@[host]",
    &["what alice sends has the sender alice@a.example (was alice@[host])"]
)]
#[case::not_arrived(
    "D | | arrives at the next hop, alice | yes\nD | | sender, alice | alice@[host]",
    "D | | arrives at the next hop, alice | no",
    &["mail of alice does not arrive at the next hop any more"]
)]
#[case::not_sent(
    "A | 587/inet | MAIL after login | 250 2.1.0\nD | | arrives at the next hop, alice | yes\nA | 587/inet | RCPT here after login | 250 2.1.5",
    "A | 587/inet | MAIL after login | 501 5.5.4",
    &["MAIL after login is refused now on 587 over IPv4: 501 5.5.4 (was 250 2.1.0)"]
)]
#[case::refused_before_the_table(
    "A | 25/inet | MAIL before login, clear | 250 2.1.0\nA | 25/inet | mail from a@b.example | 550 5.7.1\nA | 25/inet | mail to c@d.example | 250 2.1.5",
    "A | 25/inet | MAIL before login, clear | 530 5.7.0\nA | 25/inet | mail from a@b.example | 530 5.7.0\nA | 25/inet | mail to c@d.example | 503 5.0.0",
    &["MAIL before login is refused now on 25 over IPv4 in clear text: 530 5.7.0 (was 250 2.1.0)"]
)]
#[case::table_is_tried_elsewhere(
    "L | | 25/inet | open\nL | | 587/inet | open\nA | 25/inet | mail from a@b.example | 550 5.7.1",
    "L | | 587/inet | open\nA | 587/inet | mail from a@b.example | 530 5.7.0",
    &["25 over IPv4 is not open any more"]
)]
#[case::table("A | 25/inet | mail from a@b.example | 550 5.7.1", "", &["no table is about mail from a@b.example any more (was 550 5.7.1)"])]
fn delivery_and_tables(#[case] before: &str, #[case] after: &str, #[case] said: &[&str]) {
    assert_eq!(sentences(before, after), said);
}

/// A listener that comes is told with no more words than one that goes.
#[test]
fn a_new_listener_is_one_change() {
    assert_eq!(
        sentences("", WHOLE)[..1],
        ["587 over both families is open now"]
    );
    assert_eq!(sentences(&changed(&[" * "], ""), WHOLE).len(), 1);
}

#[test]
fn places_are_together_and_in_order() {
    let found = differences(&facts(""), &facts("L | | * | open\nL | | 25/inet | open"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].places, ["25/inet", "587/inet", "587/inet6"]);
    assert_eq!(
        found[0].sentence,
        "25 over IPv4 and 587 over both families are open now"
    );
    assert!(found[0].is_among(&found));
    assert!(!found[0].is_among(&[]));
}
