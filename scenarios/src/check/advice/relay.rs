//! Mail for elsewhere from somebody who did not log in.

use super::{Evidence, Found, Rule, seen::list};
use crate::check::{
    facts::Area,
    findings::{Kind, Place},
};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "open-relay",
    look: open_relay,
    reason: "Whoever finds it sends spam through it, and within days nobody takes mail from this server.",
    source: RELAYING,
}];

const RELAYING: &str =
    "RFC 5068 section 3.2; cf/README, section \"ANTI-SPAM CONFIGURATION CONTROL\"";

/// The features that can open a relay to strangers, the widest first.
const FEATURES: &[&str] = &[
    "promiscuous_relay",
    "relay_local_from",
    "relay_mail_from",
    "loose_relay_check",
    "relay_based_on_MX",
    "relay_entire_domain",
    "access_db",
];

/// Macros that can do the same.
const MACROS: &[&str] = &["RELAY_DOMAIN", "RELAY_DOMAIN_FILE", "LOCAL_RULESETS"];

/// The case that tries it with more addresses.
const CASE: &str = "rfc5068-3.2-no-open-relay";

fn open_relay(evidence: &Evidence<'_>) -> Vec<Found> {
    let (open, refused) = asked(evidence);
    let failed = || {
        let verdict = evidence.facts.at(Area::Verdicts, "", CASE);
        verdict.is_some_and(|verdict| verdict.starts_with("fail"))
    };
    let what = match open.is_empty() {
        true if !failed() => return Vec::new(),
        true => format!("An address was found that is relayed without a login: see {CASE}."),
        false => format!(
            "RCPT for another domain is answered with 250 before a login on {}.",
            list(&open)
        ),
    };
    let causes = causes(evidence);
    let promiscuous = evidence.feature("promiscuous_relay").is_some();
    if !promiscuous && is_by_network(evidence, &open, &refused) {
        return vec![Found {
            kind: Kind::Hint,
            what: format!(
                "{what} It is so for the check's own IPv4 network; make sure that it is one of yours."
            ),
            remedy: String::new(),
            place: causes.into_iter().next().map(|(_, place)| place),
        }];
    }
    let names: Vec<_> = causes.iter().map(|(name, _)| name.as_str()).collect();
    let cause = match names.as_slice() {
        [] => String::new(),
        [one, ..] if promiscuous => format!(" {one} lets everybody."),
        names => format!(" What can let it: {}.", list(names)),
    };
    let place = causes.first().map(|(_, place)| place.clone());
    let is_sure = match names.as_slice() {
        // Of the access map it is one entry; a macro may be there for good reasons.
        [only] => only.starts_with("FEATURE"),
        _ => promiscuous,
    };
    let lines = place.as_ref().filter(|_| is_sure);
    vec![Found {
        kind: Kind::Fault,
        remedy: lines.map(taken_out).unwrap_or_default(),
        what: what + &cause,
        place,
    }]
}

/// Where it was taken, and where it was refused.
fn asked(evidence: &Evidence<'_>) -> (Vec<String>, Vec<String>) {
    let (mut open, mut refused) = (Vec::new(), Vec::new());
    for (key, answer) in evidence.facts.iter() {
        let is_asked = key.question.starts_with("RCPT elsewhere before login");
        if key.area != Area::Answers || !is_asked || is_loopback(evidence, &key.place) {
            continue;
        }
        let places = match answer.as_bytes().first() {
            Some(b'2') => &mut open,
            Some(b'5') => &mut refused,
            _ => continue,
        };
        if !places.contains(&key.place) {
            places.push(key.place.clone());
        }
    }
    (open, refused)
}

/// The machine may relay for itself.
fn is_loopback(evidence: &Evidence<'_>, place: &str) -> bool {
    let mut here = evidence
        .daemons
        .iter()
        .filter(|it| it.listener().to_string() == place)
        .peekable();
    here.peek().is_some() && here.all(|daemon| daemon.is_loopback())
}

/// A relay for its own network is none for everybody. The check comes from a private IPv4 network of the
/// container engine and from an IPv6 network that nobody else has: what differs by family goes by the address.
fn is_by_network(evidence: &Evidence<'_>, open: &[String], refused: &[String]) -> bool {
    let over_ipv6 = |places: &[String]| places.iter().any(|place| place.ends_with("/inet6"));
    if open.is_empty() || over_ipv6(open) {
        return false;
    }
    let networks = evidence.cf.class("R").members;
    let is_private = |it: &String| {
        it == "172"
            || it.starts_with("172.")
            || it.starts_with("192.168")
            || it == "10"
            || it.starts_with("10.")
    };
    over_ipv6(refused) || networks.iter().any(is_private)
}

/// What stands in the `.mc` that can be the reason, and where.
fn causes(evidence: &Evidence<'_>) -> Vec<(String, Place)> {
    let mut causes: Vec<(String, Place)> = Vec::new();
    for name in FEATURES {
        let words = match *name {
            "access_db" => "the access map (an entry RELAY)".to_owned(),
            name => format!("FEATURE(`{name}')"),
        };
        causes.extend(evidence.feature(name).map(|place| (words, place)));
    }
    for name in MACROS {
        let statement = evidence.mc.find(name).next();
        causes
            .extend(statement.map(|it| ((*name).to_owned(), evidence.mc.place(it.first, it.last))));
    }
    causes
}

/// The lines of a place, out of use.
fn taken_out(place: &Place) -> String {
    place
        .text
        .lines()
        .map(|line| format!("dnl {line}\n"))
        .collect()
}
