//! What has changed between two configurations, for a user of the server first.

pub mod cause;
mod consequence;
pub mod lines;
mod mechanisms;
mod options;
mod places;
mod sentence;
mod states;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    facts::{Area, Facts, Key},
    findings::Change,
};

/// How one configuration differs from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// With what it was compared, as a report names it.
    pub with: String,
    /// What has changed for a user, in order of importance.
    pub differences: Vec<Difference>,
    /// The ids of the faults that were there before.
    pub accepted: BTreeSet<String>,
    /// Transcripts that differ.
    pub transcripts: Vec<TextDifference>,
    /// Lines of the `.mc` that differ, and of the files beside it.
    pub mc: Vec<Change>,
    /// Lines of the `.cf` that differ, `-` or `+` before each.
    pub cf: Vec<String>,
}

/// One change that a user can observe; the same change on several listeners is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The kind of fact.
    pub area: Area,
    /// The listeners that it was seen on; empty where it is about the whole server.
    pub places: Vec<String>,
    /// What was asked.
    pub question: String,
    /// What was so before; none: nothing was.
    pub before: Option<String>,
    /// What is so now; none: nothing is.
    pub after: Option<String>,
    /// The change in one sentence.
    pub sentence: String,
    /// The changed lines of the `.mc` that it came from; empty: none of them explains it.
    pub causes: Vec<Change>,
}

/// A text that differs, as lines with ` `, `-` or `+` before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TextDifference {
    /// The name of the dialogue.
    pub name: String,
    /// The lines with some context.
    pub lines: Vec<String>,
}

impl Difference {
    /// Whether the same has changed in the same way, whatever the cause.
    pub fn is_among(&self, others: &[Difference]) -> bool {
        others.iter().any(|other| {
            (self.area, &self.places, &self.question)
                == (other.area, &other.places, &other.question)
                && (&self.before, &self.after) == (&other.before, &other.after)
        })
    }
}

/// What has changed for a user, the most important first; causes are not yet known. What follows from
/// another change is not said again.
pub fn differences(before: &Facts, after: &Facts) -> Vec<Difference> {
    let leaves = consequence::without(leaves(before, after), before, after);
    let mut differences: Vec<Difference> = grouped(leaves)
        .into_iter()
        .map(|(leaf, places)| {
            let mut difference = Difference {
                area: leaf.area,
                places: places.into_iter().collect(),
                question: leaf.question,
                before: leaf.before,
                after: leaf.after,
                sentence: String::new(),
                causes: Vec::new(),
            };
            difference.places.sort_by_key(|place| places::order(place));
            difference.sentence = sentence::of(&difference);
            difference
        })
        .collect();
    differences.sort_by_cached_key(|difference| {
        (
            difference.area,
            sentence::urgency(difference),
            difference.places.first().map(|place| places::order(place)),
            difference.question.clone(),
        )
    });
    differences
}

/// One question that is answered in another way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Leaf {
    area: Area,
    question: String,
    before: Option<String>,
    after: Option<String>,
    place: String,
}

/// The question that every listener's own state answers.
const LISTENER: &str = "listener";

fn leaves(before: &Facts, after: &Facts) -> Vec<Leaf> {
    let keys: BTreeSet<&Key> = (before.iter().chain(after.iter()))
        .map(|(key, _)| key)
        .collect();
    let changed = keys.into_iter().filter_map(|key| {
        let [before, after] = [before, after].map(|facts| facts.answer(key).map(str::to_owned));
        let (place, question) = match key.area {
            Area::Listeners => (&key.question, LISTENER),
            _ => (&key.place, key.question.as_str()),
        };
        (!same(key.area, before.as_deref(), after.as_deref())).then(|| Leaf {
            area: key.area,
            question: question.to_owned(),
            before,
            after,
            place: place.clone(),
        })
    });
    changed.flat_map(mechanisms::told_apart).collect()
}

/// A mechanism or keyword that was not asked for is not offered either.
fn same(area: Area, before: Option<&str>, after: Option<&str>) -> bool {
    let offered = |answer: Option<&str>| match area {
        Area::Mechanisms | Area::Keywords => {
            answer.filter(|answer| *answer != NOT_OFFERED).is_some()
        }
        _ => true,
    };
    before == after || (!offered(before) && !offered(after))
}

const NOT_OFFERED: &str = "not offered";

type Groups = BTreeMap<Leaf, BTreeSet<String>>;

/// The same change on several listeners is one.
fn grouped(leaves: Vec<Leaf>) -> Groups {
    let mut groups = Groups::new();
    for mut leaf in leaves {
        let place = std::mem::take(&mut leaf.place);
        let places = groups.entry(leaf).or_default();
        if !place.is_empty() {
            places.insert(place);
        }
    }
    groups
}

#[cfg(test)]
mod tests;
