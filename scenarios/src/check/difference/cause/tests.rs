//! Which of several changes is behind a difference. Beside the one that is, each case has one that is not.

use rstest::rstest;

use super::*;
use crate::check::{
    facts::Area::{self, *},
    findings::{Place, Side},
};

fn effect(name: &str, cf: &[&str]) -> Effect {
    Effect {
        changes: vec![Change {
            side: Side::CameIn,
            place: Place {
                file: "new.mc".to_owned(),
                first: 1,
                last: 1,
                text: name.to_owned(),
            },
        }],
        cf: cf.iter().map(|line| (*line).to_owned()).collect(),
    }
}

fn difference(area: Area, places: &[&str], question: &str) -> Difference {
    Difference {
        area,
        places: places.iter().map(|place| (*place).to_owned()).collect(),
        question: question.to_owned(),
        before: None,
        after: None,
        sentence: String::new(),
        causes: Vec::new(),
    }
}

/// The names of those effects that are behind a difference.
fn named(difference: &Difference, effects: &[Effect]) -> String {
    let causes = causes(difference, effects);
    let names: Vec<&str> = causes
        .iter()
        .map(|change| change.place.text.as_str())
        .collect();
    names.join(" ")
}

const BOTH: &[&str] = &["587/inet", "587/inet6"];

#[rstest]
#[case::listener(
    Listeners,
    BOTH,
    "listener",
    "+O DaemonPortOptions=Family=inet6, Port=submission"
)]
#[case::default_msa(Listeners, &["587/inet"], "listener", "-O DaemonPortOptions=Port=587, Name=MSA, M=E")]
#[case::greeting(Answers, BOTH, "greeting", "+O SmtpGreetingMessage=$j")]
#[case::greet_pause(Answers, BOTH, "greeting", "+Sgreet_pause: 12 lines, 0123456789ab")]
#[case::login_required(
    Answers,
    BOTH,
    "MAIL before login, TLS",
    "+O DaemonPortOptions=Port=submission, M=a"
)]
#[case::access_from(Answers, &["25/inet"], "MAIL from a@b.example", "+Kaccess hash /etc/mail/access")]
#[case::open_relay(Answers, &["25/inet"], "RCPT elsewhere before login", "+SRcpt_ok: 3 lines, 0123456789ab")]
#[case::relay_domain(Answers, &["25/inet"], "RCPT elsewhere before login, clear", "+CRexample.org")]
#[case::trusted(
    Answers,
    BOTH,
    "RCPT elsewhere after login",
    "-C{TrustAuthMech}LOGIN PLAIN"
)]
#[case::local_domain(Answers, BOTH, "RCPT here before login", "+Cwsite.example")]
#[case::access_to(Answers, BOTH, "RCPT to a@b.example", "-Kaccess hash /etc/mail/access")]
#[case::etrn(Answers, BOTH, "ETRN", "+O DaemonPortOptions=Port=587, Modifiers=E")]
#[case::etrn_private(Answers, BOTH, "ETRN", "+O PrivacyOptions=noetrn")]
#[case::vrfy(Answers, BOTH, "VRFY", "+O PrivacyOptions=novrfy")]
#[case::expn(Answers, BOTH, "EXPN", "-O privacyoptions=noexpn")]
#[case::certificate(
    Answers,
    BOTH,
    "STARTTLS",
    "-O ServerCertFile=/etc/mail/certs/host.cert"
)]
#[case::no_starttls(Answers, BOTH, "STARTTLS", "+O DaemonPortOptions=Port=587, M=S")]
#[case::features(Answers, BOTH, "STARTTLS", "+Ssrv_features: 4 lines, 0123456789ab")]
#[case::mechanism(Mechanisms, BOTH, "PLAIN, clear", "+O AuthMechanisms=PLAIN")]
#[case::protected(Mechanisms, BOTH, "PLAIN", "+O AuthOptions=p")]
#[case::no_auth(Mechanisms, BOTH, "AUTH", "+O DaemonPortOptions=Port=587, M=A")]
#[case::size(Keywords, BOTH, "SIZE, after login", "+O MaxMessageSize=10485760")]
#[case::etrn_keyword(Keywords, BOTH, "ETRN, clear", "+O DaemonPortOptions=Port=587, M=E")]
#[case::dsn(Keywords, BOTH, "DSN", "+O PrivacyOptions=noreceipts")]
#[case::keyword_starttls(Keywords, BOTH, "STARTTLS, clear", "+O CACertPath=/etc/mail/certs")]
#[case::eight_bit(Keywords, BOTH, "8BITMIME", "+O EightBitMode=strict")]
#[case::deliver_by(Keywords, BOTH, "DELIVERBY", "+O DeliverByMin=60")]
#[case::utf8(Keywords, BOTH, "SMTPUTF8", "+O SMTPUTF8=true")]
#[case::pipelining(Keywords, BOTH, "PIPELINING", "+Ssrv_features: 4 lines, 0123456789ab")]
#[case::masquerade(Delivery, &[], "sender", "+DMexample.org")]
#[case::generics(Delivery, &[], "header From", "+Kgenerics hash /etc/mail/genericstable")]
#[case::exposed(Delivery, &[], "sender", "-CEroot")]
#[case::smart_host(Delivery, &[], "arrived", "+DSsmart.example")]
#[case::mailer(Delivery, &[], "recipient", "+Msmtp, P=[IPC], F=mDFMuX")]
#[case::protocol(Delivery, &[], "protocol", "-O ServerKeyFile=/etc/mail/certs/host.key")]
#[case::client(Delivery, &[], "STARTTLS to the next hop", "+O ClientCertFile=/etc/mail/certs/client.cert")]
#[case::virtual_user(Routes, &[], "info@virt.example", "+Kvirtuser hash /etc/mail/virtusertable")]
#[case::aliases(Routes, &[], "staff@site.example", "+O AliasFile=/etc/mail/aliases")]
#[case::after_login(
    Answers,
    BOTH,
    "MAIL after login",
    "+O DaemonPortOptions=Port=587, M=f"
)]
#[case::access_from_words(Answers, &["25/inet"], "mail from a@b.example", "+Kaccess hash /etc/mail/access")]
#[case::access_to_words(Answers, &["25/inet"], "mail to a@b.example", "+Kaccess hash /etc/mail/access")]
#[case::of_account(Delivery, &[], "sender, alice", "+DMexample.org")]
#[case::arrives(Delivery, &[], "arrives at the next hop, bob", "+DSsmart.example")]
#[case::milter(Limits, &[], "milter dkim", "+Xdkim, S=local:/run/dkim.sock, F=T")]
#[case::limit(Limits, &[], "Timeout.ident", "-O Timeout.ident=0s")]
fn a_row_each(
    #[case] area: Area,
    #[case] places: &[&str],
    #[case] question: &str,
    #[case] line: &str,
) {
    let effects = [
        effect("another", &["-O LogLevel=9", "+O LogLevel=14"]),
        effect("this", &[line]),
        effect("comment", &[]),
    ];
    assert_eq!(named(&difference(area, places, question), &effects), "this");
}

#[rstest]
#[case::that_family(&["587/inet6"], "six")]
#[case::that_port(&["25/inet"], "smtp")]
#[case::both(BOTH, "four six")]
#[case::another(&["465/inet"], "four six smtp")]
fn a_listener_has_its_own_line(#[case] places: &[&str], #[case] expected: &str) {
    let effects = [
        effect(
            "four",
            &["+O DaemonPortOptions=Family=inet, Port=submission, M=Ea"],
        ),
        effect("six", &["-O DaemonPortOptions=family=INET6,  Port = 587"]),
        effect(
            "smtp",
            &[
                "-O DaemonPortOptions=Name=MTA",
                "+O DaemonPortOptions=Name=MTA, M=f",
            ],
        ),
        effect("other", &["+O LogLevel=14"]),
    ];
    assert_eq!(
        named(&difference(Listeners, places, "listener"), &effects),
        expected
    );
}

#[test]
fn a_modifier_has_to_have_changed() {
    let effects = [
        effect(
            "etrn",
            &[
                "-O DaemonPortOptions=Port=587, M=a",
                "+O DaemonPortOptions=Port=587, M=Ea",
            ],
        ),
        effect(
            "login",
            &[
                "-O DaemonPortOptions=Port=587, M=E",
                "+O DaemonPortOptions=Port=587, M=Ea",
            ],
        ),
    ];
    let places = &["587/inet"];
    assert_eq!(
        named(&difference(Answers, places, "ETRN"), &effects),
        "etrn"
    );
    assert_eq!(
        named(&difference(Answers, places, "MAIL before login"), &effects),
        "login"
    );
}

#[rstest]
#[case::none_known("rfc4954-4-x", &[("a", "+O LogLevel=1"), ("b", "+DMx")], "a b")]
#[case::the_only_one("rfc4954-4-x", &[("a", "+O LogLevel=1")], "a")]
#[case::nothing_moves("rfc4954-4-x", &[("a", "")], "")]
#[case::no_change("rfc4954-4-x", &[], "")]
fn where_nothing_fits(
    #[case] question: &str,
    #[case] lines: &[(&str, &str)],
    #[case] expected: &str,
) {
    let effects: Vec<Effect> = lines
        .iter()
        .map(|(name, line)| match line.is_empty() {
            true => effect(name, &[]),
            false => effect(name, &[line]),
        })
        .collect();
    assert_eq!(
        named(&difference(Verdicts, &[], question), &effects),
        expected
    );
}

#[test]
fn a_rule_without_a_name_counts_where_nothing_else_does() {
    let relay = difference(Answers, &["25/inet"], "RCPT elsewhere before login");
    let rule = effect("rule", &["+R$*\t\t$@ OK"]);
    let other = effect("other", &["+O LogLevel=14"]);
    let class = effect("class", &["+CRexample.org"]);
    assert_eq!(named(&relay, &[rule.clone(), other.clone()]), "rule");
    assert_eq!(named(&relay, &[rule, other, class]), "class");
}
