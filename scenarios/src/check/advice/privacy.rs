//! What a stranger can ask about the addresses here.

use super::{Evidence, Found, OPTIONS, Rule, remedy, seen::list};
use crate::check::findings::Kind;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "addresses-told",
    look: addresses_told,
    reason: "Whoever collects addresses can ask which ones exist, and who is behind an alias.",
    source: OPTIONS,
}];

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
