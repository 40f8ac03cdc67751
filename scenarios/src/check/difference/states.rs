//! Questions that are asked in several states of a session: `LOGIN, clear` and `LOGIN, TLS`.

use std::collections::BTreeSet;

use super::Leaf;
use crate::check::facts::{Area, Facts};

/// The end of questions in clear text.
pub(super) const CLEAR: &str = "clear";
/// The end of questions inside TLS.
pub(super) const TLS: &str = "TLS";
/// The end of questions after a login.
pub(super) const AFTER_LOGIN: &str = "after login";

/// A question without its end, and the end: the state of the session, or in `Delivery` the account.
pub(super) fn subject(question: &str) -> (&str, Option<&str>) {
    match question.rsplit_once(", ") {
        Some((subject, end)) => (subject, Some(end)),
        None => (question, None),
    }
}

/// What of a question is about mechanisms as a whole.
pub(super) const AUTH: &str = "AUTH";

/// The same change in every state in which a listener was asked is one, of the question without the
/// state. A listener with one state only goes with the others.
pub(super) fn merged(leaves: Vec<Leaf>, asked: &Asked) -> Vec<Leaf> {
    let with_states: Vec<(Leaf, usize, BTreeSet<String>)> = leaves
        .iter()
        .filter(|leaf| leaf.area != Area::Delivery && leaf.area != Area::Verdicts)
        .filter_map(|leaf| {
            let (name, state) = subject(&leaf.question);
            let whole = Leaf {
                question: name.to_owned(),
                ..leaf.clone()
            };
            state?;
            let is_same = |other: &&Leaf| {
                let (name, state) = subject(&other.question);
                let other = Leaf {
                    question: name.to_owned(),
                    ..(*other).clone()
                };
                state.is_some() && other == whole
            };
            let same = leaves.iter().filter(is_same).count();
            let states = asked.states(leaf.area, &leaf.place, name);
            Some((whole, same, states))
        })
        .collect();
    let elsewhere = |leaf: &Leaf| Leaf {
        place: String::new(),
        ..leaf.clone()
    };
    let everywhere: BTreeSet<Leaf> = with_states
        .iter()
        .filter(|(_, same, states)| *same > 1 && *same >= states.len())
        .map(|(whole, ..)| elsewhere(whole))
        .collect();
    let wholes: BTreeSet<Leaf> = with_states
        .into_iter()
        .filter(|(whole, same, states)| {
            *same >= states.len() && (*same > 1 || everywhere.contains(&elsewhere(whole)))
        })
        .map(|(whole, ..)| whole)
        .collect();
    let mut merged: Vec<Leaf> = leaves
        .into_iter()
        .map(|leaf| {
            let whole = Leaf {
                question: subject(&leaf.question).0.to_owned(),
                ..leaf.clone()
            };
            match wholes.contains(&whole) {
                true => whole,
                false => leaf,
            }
        })
        .collect();
    merged.sort();
    merged.dedup();
    merged
}

/// In which states questions were asked.
pub(super) struct Asked(BTreeSet<(Area, String, String, String)>);

impl Asked {
    /// The questions of both sides, without those that can be asked on one side only.
    pub(super) fn of(before: &Facts, after: &Facts, dropped: &[Leaf]) -> Asked {
        let is_dropped = |area, place: &str, question: &str| {
            dropped
                .iter()
                .any(|leaf| leaf.area == area && leaf.place == place && leaf.question == question)
        };
        let keys = before.iter().chain(after.iter()).map(|(key, _)| key);
        let asked = keys.filter(|key| !is_dropped(key.area, &key.place, &key.question));
        let mut all = BTreeSet::new();
        for key in asked {
            if let (name, Some(state)) = subject(&key.question) {
                let of = |name: &str| {
                    (
                        key.area,
                        key.place.clone(),
                        name.to_owned(),
                        state.to_owned(),
                    )
                };
                all.insert(of(name));
                if key.area == Area::Mechanisms {
                    all.insert(of(AUTH));
                }
            }
        }
        Asked(all)
    }

    fn states(&self, area: Area, place: &str, name: &str) -> BTreeSet<String> {
        let is_it = |found: &&(Area, String, String, String)| {
            found.0 == area && found.1 == place && found.2 == name
        };
        self.0
            .iter()
            .filter(is_it)
            .map(|found| found.3.clone())
            .collect()
    }
}
