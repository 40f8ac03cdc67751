//! What a stranger can ask besides handing in mail: addresses, and the queue.

use super::{
    Evidence, Found, OPTIONS, Rule, remedy,
    seen::{for_users, is_submission_port, list},
};
use crate::check::{facts::Area, findings::Kind};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "addresses-told",
        look: addresses_told,
        reason: "Whoever collects addresses can ask which ones exist, and who is behind an alias.",
        source: OPTIONS,
    },
    Rule {
        id: "etrn-on-submission",
        look: etrn_on_submission,
        reason: "ETRN is for servers that fetch their queue; a submission server must not offer it.",
        source: "RFC 6409 section 7",
    },
];

/// 252 tells nothing, and 250 tells that the address exists.
fn addresses_told(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut places: Vec<String> = Vec::new();
    let mut commands: Vec<&str> = Vec::new();
    for daemon in evidence.daemons.iter().filter(|it| !it.is_loopback()) {
        let place = daemon.listener().to_string();
        for command in ["VRFY", "EXPN"] {
            let answer = evidence.answer(&place, command);
            if !answer.is_some_and(|answer| answer.starts_with("250")) {
                continue;
            }
            if !commands.contains(&command) {
                commands.push(command);
            }
            if !places.contains(&place) {
                places.push(place.clone());
            }
        }
    }
    if places.is_empty() {
        return Vec::new();
    }
    let flags: Vec<_> = commands
        .iter()
        .map(|command| format!("no{}", command.to_lowercase()))
        .collect();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    vec![Found {
        kind: Kind::Hint,
        what: format!(
            "{} tells strangers about addresses on {}.",
            list(&commands),
            list(&places)
        )
        .replace(" and EXPN tells", " and EXPN tell"),
        remedy: remedy::option_with(evidence.cf, "PrivacyOptions", "confPRIVACY_FLAGS", &flags),
        place: evidence.option_place("PrivacyOptions", "confPRIVACY_FLAGS"),
    }]
}

fn etrn_on_submission(evidence: &Evidence<'_>) -> Vec<Found> {
    let is_offered = |place: &str| {
        let keywords = ["ETRN, clear", "ETRN, TLS"];
        let listed = keywords.iter().any(|it| {
            let keyword = evidence.facts.at(Area::Keywords, place, it);
            keyword.is_some()
        });
        listed
            || evidence
                .answer(place, "ETRN")
                .is_some_and(|answer| answer.starts_with('2'))
    };
    let all = for_users(evidence).into_iter();
    let found: Vec<_> = all
        .filter(|seen| !seen.daemon.has('E') && is_offered(&seen.place))
        .collect();
    let Some(first) = found.first() else {
        return Vec::new();
    };
    let lines = found.iter().map(|seen| {
        let more = if is_submission_port(seen.daemon) {
            "Ea"
        } else {
            "E"
        };
        remedy::daemon_options(seen.daemon, &remedy::with_modifiers(seen.daemon, more))
    });
    let places: Vec<_> = found.iter().map(|seen| seen.place.as_str()).collect();
    vec![Found {
        kind: Kind::Hint,
        what: format!(
            "ETRN is offered on {}: `E' is missing in its modifiers.",
            list(&places)
        ),
        remedy: lines.collect(),
        place: evidence.placed(&first.daemon.cf),
    }]
}
