//! Every template, as the change that it is for and what is said.

use rstest::rstest;

use super::*;

const BOTH: &str = "587/inet 587/inet6";

fn difference(area: Area, places: &str, question: &str, before: &str, after: &str) -> Difference {
    let answer = |words: &str| (words != "-").then(|| words.to_owned());
    Difference {
        area,
        places: places.split_whitespace().map(str::to_owned).collect(),
        question: question.to_owned(),
        before: answer(before),
        after: answer(after),
        sentence: String::new(),
        causes: Vec::new(),
    }
}

#[rstest]
#[case("587/inet6", "open", "-", "587 over IPv6 is not open any more")]
#[case("587/inet6", "-", "open", "587 over IPv6 is open now")]
#[case(BOTH, "closed", "open", "587 over both families is open now")]
#[case(
    "25/inet 587/inet",
    "-",
    "open",
    "25 over IPv4 and 587 over IPv4 are open now"
)]
#[case(
    "25/inet",
    "open",
    "open on 127.0.0.1",
    "25 over IPv4 is open on 127.0.0.1 only (was open)"
)]
#[case(
    "25/inet",
    "open on 127.0.0.1",
    "open",
    "25 over IPv4 is open now (was open on 127.0.0.1)"
)]
#[case(
    "587/inet",
    "-",
    "open, not promised",
    "587 over IPv4 is open now, although nothing promises it"
)]
#[case(
    "587/inet",
    "open",
    "open, not promised",
    "587 over IPv4 is open, although nothing promises it any more"
)]
#[case(
    "587/inet6",
    "open",
    "closed",
    "587 over IPv6 is not open any more, although promised"
)]
#[case(
    "465/inet",
    "-",
    "closed",
    "465 over IPv4 is promised now, but does not open"
)]
#[case(
    "465/inet",
    "closed",
    "-",
    "465 over IPv4 is not promised any more, and did not open"
)]
fn listeners(#[case] places: &str, #[case] before: &str, #[case] after: &str, #[case] said: &str) {
    assert_eq!(
        of(&difference(Listeners, places, "listener", before, after)),
        said
    );
}

#[rstest]
#[case(
    "RCPT elsewhere before login",
    "550 5.7.1",
    "250 2.1.5",
    "strangers may send to other domains through 25: 250 2.1.5 (was 550 5.7.1)"
)]
#[case(
    "RCPT elsewhere before login, TLS",
    "250 2.1.5",
    "550 5.7.1",
    "strangers may not send to other domains through 25 inside TLS: 550 5.7.1 (was 250 2.1.5)"
)]
#[case(
    "RCPT elsewhere before login, clear",
    "550 5.7.1",
    "551 5.7.1",
    "strangers who send to other domains through 25 in clear text are answered with 551 5.7.1 (was 550 5.7.1)"
)]
#[case(
    "RCPT here before login",
    "550 5.1.1",
    "250 2.1.5",
    "strangers may send to this server's domains through 25: 250 2.1.5 (was 550 5.1.1)"
)]
#[case(
    "RCPT here before login",
    "250 2.1.5",
    "550 5.7.1",
    "strangers may not send to this server's domains through 25: 550 5.7.1 (was 250 2.1.5)"
)]
#[case(
    "RCPT here before login",
    "550 5.1.1",
    "550 5.7.1",
    "strangers who send to this server's domains through 25 are answered with 550 5.7.1 (was 550 5.1.1)"
)]
#[case(
    "RCPT elsewhere after login",
    "550 5.7.1",
    "250 2.1.5",
    "users who logged in may send to other domains through 25: 250 2.1.5 (was 550 5.7.1)"
)]
#[case(
    "RCPT elsewhere after login",
    "250 2.1.5",
    "550 5.7.1",
    "users who logged in may not send to other domains through 25: 550 5.7.1 (was 250 2.1.5)"
)]
#[case(
    "RCPT elsewhere after login",
    "451 4.7.1",
    "550 5.7.1",
    "users who logged in and send to other domains through 25 are answered with 550 5.7.1 (was 451 4.7.1)"
)]
#[case(
    "RCPT here after login",
    "550 5.1.1",
    "250 2.1.5",
    "users who logged in may send to this server's domains through 25: 250 2.1.5 (was 550 5.1.1)"
)]
#[case(
    "RCPT here after login",
    "250 2.1.5",
    "550 5.1.1",
    "users who logged in may not send to this server's domains through 25: 550 5.1.1 (was 250 2.1.5)"
)]
#[case(
    "RCPT here after login",
    "451 4.7.1",
    "550 5.1.1",
    "users who logged in and send to this server's domains through 25 are answered with 550 5.1.1 (was 451 4.7.1)"
)]
#[case(
    "MAIL before login",
    "530 5.7.0",
    "250 2.1.0",
    "login is not required on 25: MAIL before it is accepted with 250 2.1.0 (was 530 5.7.0)"
)]
#[case(
    "MAIL before login, clear",
    "250 2.1.0",
    "530 5.7.0",
    "MAIL before login is refused now on 25 in clear text: 530 5.7.0 (was 250 2.1.0)"
)]
#[case(
    "MAIL before login, TLS",
    "530 5.7.0",
    "553 5.5.4",
    "MAIL before login is answered with 553 5.5.4 now on 25 inside TLS (was 530 5.7.0)"
)]
#[case(
    "MAIL from a@spam.example",
    "550 5.7.1",
    "250 2.1.0",
    "mail from a@spam.example is accepted now on 25: 250 2.1.0 (was 550 5.7.1)"
)]
#[case(
    "MAIL from a@spam.example",
    "-",
    "550 5.7.1",
    "mail from a@spam.example is refused now on 25: 550 5.7.1"
)]
#[case(
    "MAIL from a@spam.example",
    "550 5.7.1",
    "554 5.7.1",
    "mail from a@spam.example is answered with 554 5.7.1 now on 25 (was 550 5.7.1)"
)]
#[case(
    "MAIL from a@spam.example",
    "550 5.7.1",
    "-",
    "no table is about mail from a@spam.example any more (was 550 5.7.1)"
)]
#[case(
    "RCPT to b@site.example",
    "550 5.7.1",
    "250 2.1.5",
    "mail to b@site.example is accepted now on 25: 250 2.1.5 (was 550 5.7.1)"
)]
#[case(
    "RCPT to b@site.example",
    "250 2.1.5",
    "550 5.7.1",
    "mail to b@site.example is refused now on 25: 550 5.7.1 (was 250 2.1.5)"
)]
#[case(
    "RCPT to b@site.example",
    "550 5.1.1",
    "550 5.7.1",
    "mail to b@site.example is answered with 550 5.7.1 now on 25 (was 550 5.1.1)"
)]
#[case(
    "STARTTLS",
    "not offered",
    "works, TLS 1.3, certificate verifies",
    "STARTTLS works now on 25: TLS 1.3, certificate verifies (was not offered)"
)]
#[case(
    "STARTTLS",
    "not offered",
    "454 4.3.3",
    "STARTTLS is offered now on 25, but does not work: 454 4.3.3"
)]
#[case(
    "STARTTLS",
    "works, TLS 1.3",
    "handshake fails",
    "STARTTLS does not work any more on 25: handshake fails (was works, TLS 1.3)"
)]
#[case(
    "STARTTLS",
    "454 4.3.3",
    "handshake fails",
    "STARTTLS on 25 does not work in another way: handshake fails (was 454 4.3.3)"
)]
#[case(
    "STARTTLS",
    "works, TLS 1.3",
    "works, TLS 1.2",
    "STARTTLS on 25 comes to something else: TLS 1.2 (was works, TLS 1.3)"
)]
#[case(
    "STARTTLS",
    "works, TLS 1.3",
    "not offered",
    "STARTTLS is no longer offered on 25"
)]
#[case("greeting", "220", "554", "the greeting on 25 is 554 now (was 220)")]
#[case(
    "ETRN",
    "502 5.7.0",
    "250 2.0.0",
    "on 25 ETRN is accepted now: 250 2.0.0 (was 502 5.7.0)"
)]
#[case(
    "ETRN",
    "250 2.0.0",
    "502 5.7.0",
    "on 25 ETRN is refused now: 502 5.7.0 (was 250 2.0.0)"
)]
#[case(
    "VRFY",
    "250 2.1.5",
    "252 2.5.2",
    "on 25 VRFY does not tell about addresses any more: 252 2.5.2 (was 250 2.1.5)"
)]
#[case(
    "VRFY",
    "252 2.5.2",
    "250 2.1.5",
    "on 25 VRFY tells about addresses now: 250 2.1.5 (was 252 2.5.2)"
)]
#[case(
    "TLS",
    "-",
    "from the first octet",
    "clients of 25 have to begin with TLS now: who speaks clear text first is not greeted"
)]
#[case(
    "TLS",
    "from the first octet",
    "-",
    "clients of 25 have to begin in clear text now: who speaks TLS first is not understood"
)]
#[case(
    "name",
    "mx.site.example",
    "smtp.site.example",
    "the server calls itself smtp.site.example on 25 (was mx.site.example)"
)]
#[case(
    "RCPT elsewhere after login by LOGIN or PLAIN",
    "250 2.1.5",
    "550 5.7.1",
    "users who logged in by LOGIN or PLAIN may not send to other domains through 25: 550 5.7.1 (was 250 2.1.5)"
)]
#[case(
    "MAIL without a domain after login",
    "553 5.5.4",
    "250 2.1.0",
    "a sender without a domain is accepted after login now on 25: 250 2.1.0 (was 553 5.5.4)"
)]
#[case(
    "NOOP",
    "250 2.0.0",
    "421 4.7.0",
    "NOOP on 25: 421 4.7.0 (was 250 2.0.0)"
)]
fn answers(#[case] question: &str, #[case] before: &str, #[case] after: &str, #[case] said: &str) {
    assert_eq!(
        of(&difference(Answers, "25", question, before, after)),
        said
    );
}

#[rstest]
#[case(
    "AUTH",
    "LOGIN, PLAIN",
    "not offered",
    "logging in is not possible any more on 587 (both families): AUTH is not offered (was LOGIN, PLAIN)"
)]
#[case(
    "AUTH, TLS",
    "not offered",
    "LOGIN, PLAIN",
    "logging in inside TLS is possible now on 587 (both families): LOGIN, PLAIN (was not offered)"
)]
#[case(
    "PLAIN, clear",
    "-",
    "235",
    "PLAIN is offered in clear text on 587 (both families) now"
)]
#[case(
    "CRAM-MD5",
    "-",
    "535 5.7.0",
    "CRAM-MD5 is offered on 587 (both families) now, but logging in fails: 535 5.7.0"
)]
#[case(
    "PLAIN, clear",
    "235",
    "not offered",
    "PLAIN is no longer offered in clear text on 587 (both families)"
)]
#[case(
    "LOGIN, TLS",
    "535 5.7.0",
    "235",
    "logging in by LOGIN inside TLS works on 587 (both families) now (was 535 5.7.0)"
)]
#[case(
    "LOGIN, TLS",
    "235",
    "535 5.7.0",
    "logging in by LOGIN inside TLS fails on 587 (both families) now: 535 5.7.0 (was 235)"
)]
#[case(
    "LOGIN",
    "504 5.3.3",
    "535 5.7.0",
    "logging in by LOGIN fails on 587 (both families) in another way: 535 5.7.0 (was 504 5.3.3)"
)]
fn mechanisms(
    #[case] question: &str,
    #[case] before: &str,
    #[case] after: &str,
    #[case] said: &str,
) {
    assert_eq!(
        of(&difference(Mechanisms, BOTH, question, before, after)),
        said
    );
}

#[rstest]
#[case("DSN, clear", "-", "offered", "DSN is offered in clear text on 25 now")]
#[case("SIZE", "-", "1000", "SIZE 1000 is offered on 25 now")]
#[case(
    "DSN, after login",
    "offered",
    "-",
    "DSN is no longer offered after login on 25"
)]
#[case(
    "SIZE",
    "offered",
    "10485760",
    "the largest message on 25 is 10485760 octets (was unlimited)"
)]
#[case("DELIVERBY, TLS", "3", "600", "DELIVERBY, TLS on 25: 600 (was 3)")]
fn keywords(#[case] question: &str, #[case] before: &str, #[case] after: &str, #[case] said: &str) {
    assert_eq!(
        of(&difference(Keywords, "25", question, before, after)),
        said
    );
}

#[rstest]
#[case(
    Delivery,
    "sender",
    "alice@mail.site.example",
    "alice@example.org",
    "what leaves has the sender alice@example.org (was alice@mail.site.example)"
)]
#[case(
    Delivery,
    "recipient",
    "a@b.example",
    "a@c.example",
    "what leaves goes to a@c.example (was a@b.example)"
)]
#[case(
    Delivery,
    "header From",
    "a@b.example",
    "a@c.example",
    "what leaves has the header From: a@c.example (was a@b.example)"
)]
#[case(
    Delivery,
    "protocol",
    "ESMTPSA",
    "ESMTPA",
    "what leaves says that it came by ESMTPA (was ESMTPSA)"
)]
#[case(Delivery, "arrived", "no", "yes", "mail arrives at the next hop now")]
#[case(
    Delivery,
    "arrived",
    "yes",
    "no",
    "mail does not arrive at the next hop any more"
)]
#[case(
    Delivery,
    "STARTTLS to the next hop",
    "used",
    "not used",
    "STARTTLS to the next hop: not used (was used)"
)]
#[case(
    Routes,
    "info@virt.example",
    "local: alice",
    "local: bob",
    "mail to info@virt.example goes to local: bob (was local: alice)"
)]
#[case(
    Routes,
    "info@virt.example",
    "local: alice",
    "not deliverable: user unknown",
    "mail to info@virt.example is not deliverable: user unknown (was local: alice)"
)]
#[case(
    Routes,
    "info@virt.example",
    "local: alice",
    "-",
    "no table names info@virt.example any more (was local: alice)"
)]
#[case(
    Limits,
    "MaxMessageSize",
    "-",
    "10485760",
    "the largest message is 10485760 octets (was unlimited)"
)]
#[case(
    Limits,
    "MaxMessageSize",
    "10485760",
    "0",
    "the largest message is unlimited (was 10485760 octets)"
)]
#[case(
    Limits,
    "MaxRecipientsPerMessage",
    "-",
    "100",
    "the largest number of recipients is 100 (was not set)"
)]
#[case(
    Limits,
    "milter dkim",
    "-",
    "mail is refused while it does not run",
    "milter dkim: mail is refused while it does not run"
)]
#[case(
    Limits,
    "milter dkim",
    "mail is refused while it does not run",
    "-",
    "milter dkim is not asked any more (was mail is refused while it does not run)"
)]
#[case(Limits, "SuperSafe", "True", "-", "SuperSafe is not set (was True)")]
#[case(
    Verdicts,
    "rfc4954-4-x",
    "fail",
    "pass",
    "rfc4954-4-x passes now (was fail)"
)]
#[case(
    Verdicts,
    "rfc4954-4-x",
    "pass",
    "warn",
    "rfc4954-4-x gets a warning now (was pass)"
)]
#[case(
    Verdicts,
    "rfc4954-4-x",
    "pass",
    "fail",
    "rfc4954-4-x fails now (was pass)"
)]
#[case(
    Verdicts,
    "rfc4954-4-x",
    "pass",
    "skip",
    "rfc4954-4-x does not apply any more (was pass)"
)]
#[case(
    Verdicts,
    "rfc4954-4-x",
    "fail",
    "-",
    "rfc4954-4-x is not asked any more (was fail)"
)]
#[case(
    Verdicts,
    "rfc4954-4-x",
    "pass",
    "inconclusive",
    "rfc4954-4-x: inconclusive (was pass)"
)]
fn the_whole_server(
    #[case] area: Area,
    #[case] question: &str,
    #[case] before: &str,
    #[case] after: &str,
    #[case] said: &str,
) {
    assert_eq!(of(&difference(area, "", question, before, after)), said);
}

#[test]
fn every_template_names_only_what_there_is() {
    for template in TEMPLATES {
        let said = of(&difference(
            template.area,
            BOTH,
            template.subjects.first().unwrap_or(&"X"),
            "-",
            "235",
        ));
        assert!(!said.contains(['{', '}']), "{said}");
        let names = template.sentence.matches('{').count();
        assert_eq!(
            names,
            template.sentence.matches('}').count(),
            "{}",
            template.sentence
        );
    }
    assert_eq!(filled("{a} {b}", &[("{a}", "{b}".to_owned())]), "{b} {b}");
}
