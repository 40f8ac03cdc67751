//! What a user of the server can observe, as short words that can be compared and kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Facts by what they are about. Their order is that of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Tables", into = "Tables")]
pub struct Facts(BTreeMap<Key, String>);

/// What one fact is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind of fact.
    pub area: Area,
    /// The listener, such as `587/inet`; empty where the fact is about the whole server.
    pub place: String,
    /// What is asked: a keyword, a mechanism, a command, an address, the id of a case.
    pub question: String,
}

/// The kinds of facts, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// `587/inet = "open"`, `"closed"`, `"open on 127.0.0.1"`. The listener is the question.
    Listeners,
    /// Replies that decide who may do what, by listener: `MAIL before login, clear = "530 5.7.0"`.
    Answers,
    /// What logging in comes to, by listener: `LOGIN, clear = "235"`, `LOGIN, TLS = "not offered"`.
    Mechanisms,
    /// EHLO keywords with their parameters, by listener: `SIZE, clear = "10485760"`. AUTH is not among them.
    Keywords,
    /// What arrives at the next hop: `sender`, `header From`, `protocol`.
    Delivery,
    /// Where sendmail sends an address that the tables name: `info@virt.example = "local: alice"`.
    Routes,
    /// Limits and times of the `.cf` that a user can run into: `MaxMessageSize = "10485760"`.
    Limits,
    /// Verdicts of cases, by id: `pass`.
    Verdicts,
}

impl Facts {
    /// Notes a fact; a fact about the same replaces it.
    pub fn note(
        &mut self,
        area: Area,
        place: impl Into<String>,
        question: impl Into<String>,
        answer: impl Into<String>,
    ) {
        let key = Key {
            area,
            place: place.into(),
            question: question.into(),
        };
        self.0.insert(key, answer.into());
    }

    /// What is so, if anything is known of it.
    pub fn answer(&self, key: &Key) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The answer to a question about one place, if it was asked.
    pub fn at(&self, area: Area, place: &str, question: &str) -> Option<&str> {
        self.answer(&Key {
            area,
            place: place.to_owned(),
            question: question.to_owned(),
        })
    }

    /// All facts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &str)> {
        self.0.iter().map(|(key, answer)| (key, answer.as_str()))
    }

    /// Takes the facts of another, which replace those about the same.
    pub fn extend(&mut self, other: Facts) {
        self.0.extend(other.0);
    }
}

/// As TOML has it: a table an area, and in it one a place, where there are places.
type Tables = BTreeMap<Area, BTreeMap<String, Entry>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Answer(String),
    Place(BTreeMap<String, String>),
}

impl From<Facts> for Tables {
    fn from(facts: Facts) -> Tables {
        let mut tables = Tables::new();
        let mut places: BTreeMap<(Area, String), BTreeMap<String, String>> = BTreeMap::new();
        for (key, answer) in facts.0 {
            if key.place.is_empty() {
                let table = tables.entry(key.area).or_default();
                table.insert(key.question, Entry::Answer(answer));
            } else {
                let place = places.entry((key.area, key.place)).or_default();
                place.insert(key.question, answer);
            }
        }
        // Listeners that answer alike share a table.
        let mut alike: BTreeMap<(Area, BTreeMap<String, String>), Vec<String>> = BTreeMap::new();
        for ((area, place), answers) in places {
            alike.entry((area, answers)).or_default().push(place);
        }
        for ((area, answers), places) in alike {
            let table = tables.entry(area).or_default();
            table.insert(places.join(SEPARATOR), Entry::Place(answers));
        }
        tables
    }
}

impl From<Tables> for Facts {
    fn from(tables: Tables) -> Facts {
        let mut facts = Facts::default();
        for (area, table) in tables {
            for (name, entry) in table {
                match entry {
                    Entry::Answer(answer) => facts.note(area, "", name, answer),
                    Entry::Place(answers) => {
                        for place in name.split(SEPARATOR) {
                            for (question, answer) in &answers {
                                facts.note(area, place, question.as_str(), answer.as_str());
                            }
                        }
                    }
                }
            }
        }
        facts
    }
}

/// Between the listeners of one table.
const SEPARATOR: &str = ", ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_kept_as_tables() {
        let mut facts = Facts::default();
        facts.note(Area::Answers, "587/inet", "ETRN", "502 5.7.0");
        facts.note(Area::Answers, "587/inet6", "ETRN", "502 5.7.0");
        facts.note(Area::Answers, "25/inet", "ETRN", "250 2.0.0");
        facts.note(Area::Listeners, "", "587/inet", "open");
        let text = toml::to_string_pretty(&facts).unwrap();
        assert!(
            text.contains("[answers.\"587/inet, 587/inet6\"]\nETRN = \"502 5.7.0\""),
            "{text}"
        );
        assert!(
            text.contains("[listeners]\n\"587/inet\" = \"open\""),
            "{text}"
        );
        assert_eq!(toml::from_str::<Facts>(&text).unwrap(), facts);
    }
}
