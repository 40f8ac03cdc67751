//! Whether TLS is offered, and whether it works.

use super::{
    DAEMON, Evidence, Found, Rule, milters, remedy,
    seen::{Seen, for_users, list},
};
use crate::check::{daemon::Daemon, findings::Kind};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "starttls-absent",
        look: starttls_absent,
        reason: "sendmail offers TLS only with all four certificate options, and leaves it out with one line in the log.",
        source: STARTTLS,
    },
    Rule {
        id: "starttls-fails",
        look: starttls_fails,
        reason: "A client that begins TLS, as it should, gets no further; one that does not goes on in clear text.",
        source: "RFC 3207 section 4",
    },
    Rule {
        id: "starttls-switched-off",
        look: starttls_switched_off,
        reason: "Whatever users write, their passwords among it, crosses the network in clear text.",
        source: DAEMON,
    },
    Rule {
        id: "tls-first-on-587",
        look: tls_first_on_587,
        reason: "Clients of port 587 begin in clear text and wait for a greeting; TLS from the first octet belongs to port 465.",
        source: "RFC 8314 section 3.3",
    },
    Rule {
        id: "clear-text-on-465",
        look: clear_text_on_465,
        reason: "Clients of port 465 begin with TLS, and do not understand a greeting in clear text.",
        source: "RFC 8314 section 3.3",
    },
    Rule {
        id: "no-tls",
        look: no_tls,
        reason: "Whatever users write, and who they are, crosses the network in clear text.",
        source: "RFC 8314 section 4.1",
    },
];

const STARTTLS: &str = "cf/README, section \"STARTTLS\"";

fn starttls_absent(evidence: &Evidence<'_>) -> Vec<Found> {
    let missing = remedy::missing_certificates(evidence.cf);
    let listeners = evidence
        .daemons
        .iter()
        .filter(|daemon| !daemon.is_loopback());
    let absent = |daemon: &&Daemon| match daemon.implicit_tls() {
        // Seen in the .cf: nothing can be asked on a listener that cannot speak.
        true => !missing.is_empty(),
        false => remedy::has_server_certificate(evidence.cf) && is_not_offered(evidence, daemon),
    };
    let mut places: Vec<_> = listeners
        .filter(absent)
        .map(|it| it.listener().to_string())
        .collect();
    places.dedup();
    if places.is_empty() {
        return Vec::new();
    }
    let places = list(&places);
    let certificate = evidence.option_place("ServerCertFile", "confSERVER_CERT");
    let place = certificate.or_else(|| evidence.option_place("ServerKeyFile", "confSERVER_KEY"));
    let found = |kind, what| Found {
        kind,
        what,
        remedy: remedy::certificates(evidence.cf),
        place,
    };
    vec![match missing.is_empty() {
        // A rule of the site, or a file that could not be supplied: not known which.
        true => found(
            Kind::Hint,
            format!(
                "STARTTLS is not offered on {places}, although all four certificate options are set."
            ),
        ),
        false => found(
            Kind::Fault,
            format!(
                "There is no TLS on {places}: {} not set.",
                not_set(&missing)
            ),
        ),
    }]
}

fn not_set(missing: &[&str]) -> String {
    let verb = super::seen::verb(missing.len(), "is", "are");
    format!("{} {verb}", list(missing))
}

/// Seen not to be offered where it was not switched off (`S`).
fn is_not_offered(evidence: &Evidence<'_>, daemon: &Daemon) -> bool {
    let place = daemon.listener().to_string();
    !daemon.has('S') && evidence.answer(&place, "STARTTLS") == Some("not offered")
}

fn starttls_fails(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut places: Vec<String> = Vec::new();
    let mut heard = Vec::new();
    for daemon in evidence.daemons {
        let place = daemon.listener().to_string();
        let answer = evidence
            .answer(&place, "STARTTLS")
            .filter(|answer| is_failure(answer) && !is_of_a_filter(evidence, daemon, answer));
        if let Some(answer) = answer
            && !places.contains(&place)
        {
            heard.push(format!("{answer} on {place}"));
            places.push(place);
        }
    }
    if heard.is_empty() {
        return Vec::new();
    }
    vec![Found {
        kind: Kind::Fault,
        what: format!("STARTTLS is offered and fails: {}.", list(&heard)),
        remedy: String::new(),
        place: evidence
            .option_place("CipherList", "confCIPHER_LIST")
            .or_else(|| evidence.option_place("ServerCertFile", "confSERVER_CERT")),
    }]
}

/// The check runs no filters, and one that is down may stop STARTTLS as well.
fn is_of_a_filter(evidence: &Evidence<'_>, daemon: &Daemon, answer: &str) -> bool {
    answer.starts_with(['4', '5']) && milters::is_stopped(evidence, daemon)
}

/// A refusal or a broken handshake; 421 is about the number of connections.
fn is_failure(answer: &str) -> bool {
    let refused = answer.starts_with(['4', '5']) && !answer.starts_with("421");
    refused || answer.contains("handshake") || answer.contains("TLS")
}

fn starttls_switched_off(evidence: &Evidence<'_>) -> Vec<Found> {
    modifier(
        evidence,
        |seen| seen.daemon.has('S') && !seen.daemon.implicit_tls(),
        |places| {
            format!("There is no TLS on {places}: `S' in its modifiers switches STARTTLS off.")
        },
        |modifiers| modifiers.replace('S', ""),
    )
}

fn tls_first_on_587(evidence: &Evidence<'_>) -> Vec<Found> {
    modifier(
        evidence,
        |seen| seen.daemon.port == 587 && seen.daemon.implicit_tls(),
        |places| format!("`s' in the modifiers of {places} demands TLS from the first octet."),
        |modifiers| modifiers.replace('s', ""),
    )
}

fn clear_text_on_465(evidence: &Evidence<'_>) -> Vec<Found> {
    modifier(
        evidence,
        |seen| seen.daemon.port == 465 && !seen.daemon.implicit_tls(),
        |places| format!("{places} begins in clear text: `s' is missing in its modifiers."),
        |modifiers| format!("s{modifiers}"),
    )
}

/// The listeners for users whose modifiers are wrong, and how they would be right.
fn modifier(
    evidence: &Evidence<'_>,
    is_wrong: impl Fn(&Seen<'_>) -> bool,
    what: impl Fn(&str) -> String,
    right: impl Fn(&str) -> String,
) -> Vec<Found> {
    let wrong: Vec<_> = for_users(evidence)
        .into_iter()
        .filter(|it| is_wrong(it))
        .collect();
    let Some(first) = wrong.first() else {
        return Vec::new();
    };
    let places: Vec<_> = wrong.iter().map(|seen| seen.place.as_str()).collect();
    let lines = wrong
        .iter()
        .map(|seen| remedy::daemon_options(seen.daemon, &right(&seen.daemon.modifiers)));
    vec![Found {
        kind: Kind::Fault,
        what: what(&list(&places)),
        remedy: lines.collect(),
        place: evidence.placed(&first.daemon.cf),
    }]
}

fn no_tls(evidence: &Evidence<'_>) -> Vec<Found> {
    if remedy::has_server_certificate(evidence.cf) {
        return Vec::new();
    }
    let all = for_users(evidence).into_iter();
    let without: Vec<_> = all
        .filter(|seen: &Seen<'_>| is_not_offered(evidence, seen.daemon))
        .collect();
    let Some(first) = without.first() else {
        return Vec::new();
    };
    let places: Vec<_> = without.iter().map(|seen| seen.place.as_str()).collect();
    vec![Found {
        kind: Kind::Hint,
        what: format!(
            "There is no TLS on {}: no certificate is named.",
            list(&places)
        ),
        remedy: remedy::certificates(evidence.cf),
        place: evidence.placed(&first.daemon.cf),
    }]
}
