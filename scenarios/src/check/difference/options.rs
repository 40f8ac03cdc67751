//! Which lines of a `.cf` can be behind which change: a table.

use std::collections::BTreeSet;

use Thing::{Class, Daemon, Macro, Mailers, Map, Milters, Option as O, Rules};

use super::{Difference, states};
use crate::check::facts::Area::{self, *};

/// Something in a `.cf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing<'a> {
    /// `O Name=…`; names are compared without regard to case.
    Option(&'a str),
    /// `O DaemonPortOptions=…` of the listener that the change was seen on, with one of these modifiers
    /// on one side only; none: any change to that listener.
    Daemon(&'a str),
    /// `C` and `F` of a class.
    Class(&'a str),
    /// `D` of a macro.
    Macro(&'a str),
    /// `K` of a map.
    Map(&'a str),
    /// A ruleset whose name holds this.
    Rules(&'a str),
    /// The definition of any mailer.
    Mailers,
    /// Any milter.
    Milters,
}

/// What can be behind a difference; nothing where that is not known.
pub(super) fn behind(difference: &Difference) -> Vec<Thing<'_>> {
    let question = difference.question.as_str();
    if difference.area == Limits && !question.starts_with("milter ") {
        let things = match question {
            "greet_pause" => vec![Rules("greet_pause"), Map("access")],
            "ratecontrol" => vec![Rules("ratecontrol"), Map("access")],
            option => vec![O(option)],
        };
        return things;
    }
    let subject = states::subject(question).0;
    let fits = |name: &&str| match name.ends_with(' ') {
        true => subject.starts_with(*name),
        false => subject.eq_ignore_ascii_case(name),
    };
    TABLE
        .iter()
        .find(|(area, subjects, _)| {
            *area == difference.area && (subjects.is_empty() || subjects.iter().any(fits))
        })
        .map_or(Vec::new(), |(_, _, things)| things.concat())
}

const CERTIFICATES: &[Thing<'_>] = &[
    O("ServerCertFile"),
    O("ServerKeyFile"),
    O("CACertFile"),
    O("CACertPath"),
    O("DHParameters"),
    O("CipherList"),
    O("ServerSSLOptions"),
    O("TLSSrvOptions"),
    O("CRLFile"),
    O("CRLPath"),
    Daemon("Ss"),
    Rules("srv_features"),
];
const LOGIN: &[Thing<'_>] = &[
    O("AuthMechanisms"),
    O("AuthOptions"),
    O("AuthMaxBits"),
    O("AuthRealm"),
    Daemon("A"),
    Rules("srv_features"),
];
const LOCAL_DOMAINS: &[Thing<'_>] = &[Class("w"), Class("VirtHost"), Map("virtuser")];
const RELAY: &[Thing<'_>] = &[
    Class("R"),
    Class("TrustAuthMech"),
    Map("access"),
    Rules("rcpt"),
    Rules("relay"),
    Rules("trust_auth"),
];
const SENDER_CHECKS: &[Thing<'_>] = &[
    Map("access"),
    Rules("check_mail"),
    Rules("check_relay"),
    Daemon("fu"),
];
const ROUTES: &[Thing<'_>] = &[
    Macro("S"),
    Macro("R"),
    Macro("H"),
    Macro("L"),
    Map("mailertable"),
    Map("virtuser"),
    Map("domaintable"),
    Map("userdb"),
    Class("w"),
    Class("VirtHost"),
    Class("L"),
    O("AliasFile"),
    Mailers,
    Rules("parse"),
    Rules("mailertable"),
    Rules("localaddr"),
    Rules("envto"),
    Rules("canonify"),
];
const NAMES: &[Thing<'_>] = &[
    Macro("M"),
    Macro("j"),
    Macro("m"),
    Macro("w"),
    Class("M"),
    Class("E"),
    Class("G"),
    Class("w"),
    Class("N"),
    Map("generics"),
    Mailers,
    Rules("masq"),
    Rules("envfrom"),
    Rules("hdrfrom"),
    Rules("adddomain"),
];
const NEXT_HOP_TLS: &[Thing<'_>] = &[
    O("ClientCertFile"),
    O("ClientKeyFile"),
    O("CACertFile"),
    O("CACertPath"),
    O("CipherList"),
    O("ClientSSLOptions"),
    O("ClientPortOptions"),
    Map("access"),
    Rules("try_tls"),
    Rules("tls_server"),
    Rules("tls_rcpt"),
    Rules("clt_features"),
];

type Row = (
    Area,
    &'static [&'static str],
    &'static [&'static [Thing<'static>]],
);

/// The first row that fits is taken. A subject that ends in a blank is a beginning; none: all.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    (Listeners, &[], &[&[Daemon("")]]),
    (Answers, &["greeting"], &[&[O("SmtpGreetingMessage"), O("ConnectionRateThrottle"), Macro("j"), Rules("greet_pause"), Rules("check_relay"), Rules("ratecontrol"), Rules("conncontrol")]]),
    (Answers, &["MAIL before login"], &[&[Daemon("a"), Rules("tls_client"), Rules("check_mail")]]),
    (Answers, &["MAIL from ", "mail from ", "MAIL after login"], &[SENDER_CHECKS]),
    (Answers, &["RCPT elsewhere before login", "RCPT elsewhere after login", "RCPT elsewhere after login by "], &[RELAY]),
    (Answers, &["MAIL without a domain after login"], &[&[Daemon("u")], SENDER_CHECKS]),
    (Answers, &["name"], &[&[Macro("j"), Macro("w"), Macro("m"), O("SmtpGreetingMessage")]]),
    (Answers, &["TLS"], &[&[Daemon("s")]]),
    (Answers, &["RCPT here before login", "RCPT here after login", "RCPT to ", "mail to "], &[LOCAL_DOMAINS, RELAY]),
    (Answers, &["ETRN"], &[&[O("PrivacyOptions"), Daemon("E"), Rules("check_etrn")]]),
    (Answers, &["VRFY"], &[&[O("PrivacyOptions"), Rules("check_vrfy")]]),
    (Answers, &["EXPN"], &[&[O("PrivacyOptions"), Rules("check_expn")]]),
    (Answers, &["STARTTLS"], &[CERTIFICATES]),
    (Mechanisms, &[], &[LOGIN, CERTIFICATES]),
    (Keywords, &["SIZE"], &[&[O("MaxMessageSize")]]),
    (Keywords, &["ETRN"], &[&[O("PrivacyOptions"), Daemon("E")]]),
    (Keywords, &["VRFY", "EXPN", "VERB", "DSN", "HELP"], &[&[O("PrivacyOptions")]]),
    (Keywords, &["STARTTLS"], &[CERTIFICATES]),
    (Keywords, &["8BITMIME"], &[&[O("EightBitMode")]]),
    (Keywords, &["DELIVERBY"], &[&[O("DeliverByMin")]]),
    (Keywords, &["SMTPUTF8"], &[&[O("SMTPUTF8")]]),
    (Keywords, &["PIPELINING"], &[&[Rules("srv_features")]]),
    (Delivery, &["sender", "header "], &[NAMES]),
    (Delivery, &["recipient", "arrived", "arrives at the next hop"], &[ROUTES]),
    (Delivery, &["protocol"], &[LOGIN, CERTIFICATES]),
    (Delivery, &["STARTTLS to the next hop"], &[NEXT_HOP_TLS]),
    (Routes, &[], &[ROUTES]),
    (Limits, &[], &[&[Milters, O("InputMailFilters")]]),
];

impl Thing<'_> {
    /// Whether one of the changed lines is about this. Not `exactly`: about something of its kind.
    pub(super) fn moves(&self, cf: &[String], places: &[String], exactly: bool) -> bool {
        let any = |test: &dyn Fn(&str) -> bool| {
            cf.iter()
                .filter_map(|line| line.strip_prefix(['-', '+']))
                .any(test)
        };
        match *self {
            O(name) => {
                any(&|line| option(line).is_some_and(|(found, _)| found.eq_ignore_ascii_case(name)))
            }
            Daemon(_) if !exactly => any(&|line| daemon(line).is_some()),
            Daemon(modifiers) => moves_daemon(cf, places, modifiers),
            Class(name) => any(&|line| names(line, "CF", name)),
            Macro(name) => any(&|line| names(line, "D", name)),
            Map(name) => any(&|line| {
                line.strip_prefix('K')
                    .and_then(|line| line.split_whitespace().next())
                    .is_some_and(|found| found == name)
            }),
            // A rule alone does not say whose it is.
            Rules(_) if !exactly => any(&|line| line.starts_with(['R', 'S'])),
            Rules(name) => any(&|line| {
                line.strip_prefix('S')
                    .and_then(|line| line.split([':', '=', ' ', '\t']).next())
                    .is_some_and(|found| found.to_ascii_lowercase().contains(name))
            }),
            Milters => any(&|line| line.starts_with('X')),
            Mailers => any(&|line| line.starts_with('M')),
        }
    }
}

/// Name and value of an option.
fn option(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix("O ")?.split_once('=')?;
    Some((name.trim(), value))
}

/// Whether a line defines a class or macro: `Cwlocalhost`, `C{w}localhost`, `DSsmart.example`.
fn names(line: &str, commands: &str, name: &str) -> bool {
    let Some(rest) = line.strip_prefix(|command| commands.contains(command)) else {
        return false;
    };
    match rest.strip_prefix('{') {
        Some(braced) => braced.split('}').next() == Some(name),
        None => name.len() == 1 && rest.starts_with(name),
    }
}

fn moves_daemon(cf: &[String], places: &[String], modifiers: &str) -> bool {
    let of_side = |side: char| -> Vec<BTreeSet<char>> {
        cf.iter()
            .filter_map(|line| daemon(line.strip_prefix(side)?))
            .filter(|(place, _)| places.is_empty() || places.contains(place))
            .map(|(_, modifiers)| modifiers)
            .collect()
    };
    let (gone, came) = (of_side('-'), of_side('+'));
    if modifiers.is_empty() {
        return !gone.is_empty() || !came.is_empty();
    }
    let has = |side: &[BTreeSet<char>], letter| side.iter().any(|found| found.contains(&letter));
    modifiers
        .chars()
        .any(|letter| has(&gone, letter) != has(&came, letter))
}

/// The listener of a `DaemonPortOptions`, such as `587/inet`, and its modifiers. Sendmail goes by the
/// first letter of each name.
fn daemon(line: &str) -> Option<(String, BTreeSet<char>)> {
    let (name, value) = option(line)?;
    if !name.eq_ignore_ascii_case("DaemonPortOptions") {
        return None;
    }
    let (mut port, mut family, mut modifiers) = ("25", "inet", BTreeSet::new());
    for (name, value) in value.split(',').filter_map(|pair| pair.split_once('=')) {
        let value = value.trim();
        match name
            .trim()
            .chars()
            .next()
            .map(|first| first.to_ascii_lowercase())
        {
            Some('p') => port = value,
            Some('f') => family = value,
            Some('m') => {
                modifiers = value
                    .chars()
                    .filter(|found| !found.is_whitespace())
                    .collect()
            }
            _ => {}
        }
    }
    let port = match port.to_ascii_lowercase().as_str() {
        "smtp" => "25".to_owned(),
        "submission" => "587".to_owned(),
        "smtps" | "submissions" | "ssmtp" | "urd" => "465".to_owned(),
        other => other.to_owned(),
    };
    let family = family.to_ascii_lowercase();
    Some((format!("{port}/{family}"), modifiers))
}
