//! What an administrator should look at: faults that were seen on the wire or stand in the `.cf`, and hints.

use std::collections::BTreeSet;

use super::{
    cf::Cf,
    daemon::Daemon,
    facts::{Area, Facts},
    findings::{Advice, Kind, ListenerFinding, Place},
    mc::{self, Mc},
};

mod limits;
mod listeners;
mod login;
mod milters;
mod privacy;
mod relay;
mod remedy;
mod seen;
mod tls;

/// What the rules go by.
pub struct Evidence<'a> {
    /// The site's `.mc`.
    pub mc: &'a Mc,
    /// The `.cf` that m4 made from it.
    pub cf: &'a Cf,
    /// The listeners of the `.cf`.
    pub daemons: &'a [Daemon],
    /// What was heard on the wire.
    pub facts: &'a Facts,
    /// Listeners as promised and as they are.
    pub listeners: &'a [ListenerFinding],
    /// The statement that a line of the `.cf` came from.
    pub placed: &'a dyn Fn(&str) -> Option<Place>,
}

/// Something to look for.
struct Rule {
    /// A name that stays.
    id: &'static str,
    look: fn(&Evidence<'_>) -> Vec<Found>,
    /// Why it matters, in one sentence.
    reason: &'static str,
    source: &'static str,
}

/// What a rule has found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    kind: Kind,
    /// What is so, in one sentence.
    what: String,
    /// Lines of `.mc`.
    remedy: String,
    place: Option<Place>,
}

const TOPICS: &[&[Rule]] = &[
    relay::RULES,
    login::RULES,
    tls::RULES,
    listeners::RULES,
    limits::RULES,
    privacy::RULES,
    milters::RULES,
];

/// What the text of the `.mc` makes likely is left out where the other was seen.
const SEEN_INSTEAD: &[(&str, &str)] = &[("mechanism-not-trusted", "no-trust-auth-mech")];

/// Everything to look at: faults first, then hints, and nothing twice.
pub fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let rules = TOPICS.iter().copied().flatten();
    let seen = rules.flat_map(|rule| {
        let found = (rule.look)(evidence).into_iter();
        found.map(|found| rule.advice(found))
    });
    let mut all: Vec<Advice> = Vec::new();
    for advice in seen {
        if !all.contains(&advice) {
            all.push(advice);
        }
    }
    let suspicions = mc::suspicions(evidence.mc).into_iter();
    let news: Vec<_> = suspicions
        .filter(|suspicion| !is_said(&suspicion.id, &all))
        .collect();
    all.extend(news);
    all.sort_by_key(|advice| advice.kind);
    drop_repeated(&mut all);
    all
}

/// A listener or a feature that is pasted twice is there twice: the first remedy has it.
fn drop_repeated(all: &mut [Advice]) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for advice in all {
        let lines = advice.remedy.split_inclusive('\n');
        advice.remedy = lines.filter(|line| !known.contains(*line)).collect();
        let once =
            |line: &&str| line.starts_with("DAEMON_OPTIONS(") || line.starts_with("FEATURE(");
        let lines = advice.remedy.split_inclusive('\n').filter(once);
        known.extend(lines.map(str::to_owned));
    }
}

fn is_said(id: &str, all: &[Advice]) -> bool {
    let says_it = |other: &str| other == id || SEEN_INSTEAD.contains(&(id, other));
    all.iter().any(|advice| says_it(&advice.id))
}

impl Rule {
    fn advice(&self, found: Found) -> Advice {
        Advice {
            id: self.id.to_owned(),
            kind: found.kind,
            what: found.what,
            reason: self.reason.to_owned(),
            remedy: found.remedy,
            source: self.source.to_owned(),
            place: found.place,
        }
    }
}

impl Evidence<'_> {
    /// Where a line of the `.cf` comes from.
    fn placed(&self, line: &str) -> Option<Place> {
        if line.is_empty() {
            return None;
        }
        (self.placed)(line)
    }

    /// Where an option is set, by its name in the `.cf` or else by that of its `define`.
    fn option_place(&self, option: &str, define: &str) -> Option<Place> {
        let line = self.cf.option_line(option);
        line.and_then(|line| self.placed(line)).or_else(|| {
            let statement = self.mc.define(define)?;
            Some(self.mc.place(statement.first, statement.last))
        })
    }

    /// Where a feature is asked for.
    fn feature(&self, name: &str) -> Option<Place> {
        let mut features = self.mc.find("FEATURE");
        let statement = features.find(|feature| feature.argument(0) == name)?;
        Some(self.mc.place(statement.first, statement.last))
    }

    fn answer(&self, place: &str, question: &str) -> Option<&str> {
        self.facts.at(Area::Answers, place, question)
    }
}

const FILTERS: &str = "cf/README, section \"ADDING NEW MAIL FILTERS\"";
const OPTIONS: &str = "cf/README, section \"TWEAKING CONFIGURATION OPTIONS\"";
const DAEMON: &str = "Sendmail Installation and Operation Guide, option DaemonPortOptions";

#[cfg(test)]
mod tests;
