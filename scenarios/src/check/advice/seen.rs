//! The listeners that users come to, and what was seen there.

use super::Evidence;
use crate::check::{daemon::Daemon, facts::Area};

/// A listener for users' messages that others than the machine itself reach.
pub(super) struct Seen<'a> {
    pub(super) daemon: &'a Daemon,
    /// Port and family, as the facts have it.
    pub(super) place: String,
}

/// The listeners for users, each once: 587 and 465, and other ports where clients have to log in.
pub(super) fn for_users<'a>(evidence: &Evidence<'a>) -> Vec<Seen<'a>> {
    let mut all: Vec<Seen<'a>> = Vec::new();
    if is_null_client(evidence) {
        return all;
    }
    for daemon in evidence.daemons.iter().filter(|it| is_for_users(it)) {
        let place = daemon.listener().to_string();
        if all.iter().all(|seen| seen.place != place) {
            all.push(Seen { daemon, place });
        }
    }
    all
}

/// A null client has no users: what it takes goes to its hub.
pub(super) fn is_null_client(evidence: &Evidence<'_>) -> bool {
    evidence.feature("nullclient").is_some()
}

pub(super) fn is_for_users(daemon: &Daemon) -> bool {
    let by_login = daemon.is_submission() && daemon.requires_login();
    !daemon.is_loopback() && (is_submission_port(daemon) || by_login)
}

/// The ports of RFC 6409 and RFC 8314.
pub(super) fn is_submission_port(daemon: &Daemon) -> bool {
    [587, 465].contains(&daemon.port)
}

impl Seen<'_> {
    /// Whether STARTTLS was seen to work, or TLS comes first.
    pub(super) fn has_tls(&self, evidence: &Evidence<'_>) -> bool {
        let starttls = evidence.answer(&self.place, "STARTTLS");
        self.daemon.implicit_tls() || starttls.is_some_and(|answer| answer.starts_with("works"))
    }
}

/// The mechanisms whose answer here is one that is asked for, in a state: `clear` or `TLS`.
pub(super) fn mechanisms(
    evidence: &Evidence<'_>,
    place: &str,
    states: &[&str],
    asked: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (key, answer) in evidence.facts.iter() {
        let Some((mechanism, state)) = key.question.split_once(", ") else {
            continue;
        };
        let here = key.area == Area::Mechanisms && key.place == place;
        let is_new = !found.iter().any(|known| known == mechanism);
        if here && is_new && states.contains(&state) && asked(answer) {
            found.push(mechanism.to_owned());
        }
    }
    found
}

/// Whether an answer about a mechanism says that it is offered.
pub(super) fn is_offered(answer: &str) -> bool {
    answer != "not offered"
}

/// Words as a sentence lists them.
pub(super) fn list<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// Adds what is not there yet.
pub(super) fn add_new(all: &mut Vec<String>, more: Vec<String>) {
    for word in more {
        if !all.contains(&word) {
            all.push(word);
        }
    }
}

/// The verb of a sentence about so many.
pub(super) fn verb(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
