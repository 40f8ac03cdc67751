//! Changes that follow from another one, which is enough to say.

use std::collections::BTreeSet;

use super::{
    LISTENER, Leaf, NOT_OFFERED, mechanisms,
    sentence::octets,
    states::{AFTER_LOGIN, AUTH, Asked, CLEAR, TLS, merged, subject},
};
use crate::check::facts::{Area, Facts};

/// The changes without those that follow from others.
pub(super) fn without(leaves: Vec<Leaf>, before: &Facts, after: &Facts) -> Vec<Leaf> {
    let all = All {
        leaves: &leaves,
        sides: [before, after],
    };
    let (dropped, kept): (Vec<Leaf>, Vec<Leaf>) =
        leaves.iter().cloned().partition(|leaf| all.follows(leaf));
    let asked = Asked::of(before, after, &dropped);
    let kept = merged(with_authentication_as_one(kept, before, after), &asked);
    let seen_by_users = kept.iter().any(|leaf| leaf.area != Area::Verdicts);
    kept.into_iter()
        .filter(|leaf| leaf.area != Area::Verdicts || is_news(leaf, seen_by_users))
        .collect()
}

struct All<'a> {
    leaves: &'a [Leaf],
    sides: [&'a Facts; 2],
}

impl All<'_> {
    fn follows(&self, leaf: &Leaf) -> bool {
        if leaf.area != Area::Listeners && self.listener_is_on_one_side(&leaf.place) {
            return true;
        }
        if self.is_not_greeted(leaf) {
            return true;
        }
        match leaf.area {
            Area::Answers => {
                self.state_is_on_one_side(leaf)
                    || self.follows_from_mail(leaf)
                    || self.is_asked_elsewhere(leaf)
                    || self.begins_otherwise(leaf)
                    || self.filter_says_it(leaf)
                    || self.is_told_by_mechanism(leaf)
            }
            Area::Mechanisms => self.state_is_on_one_side(leaf),
            Area::Keywords => {
                self.state_is_on_one_side(leaf)
                    || self.answer_says_it(leaf)
                    || self.limit_says_it(leaf)
            }
            Area::Delivery => self.delivery_follows(leaf),
            Area::Limits => self.wire_says_it(leaf),
            Area::Listeners | Area::Routes | Area::Verdicts => false,
        }
    }

    /// Nothing can be asked where nothing is open.
    fn listener_is_on_one_side(&self, place: &str) -> bool {
        let Some(listener) = self.find(Area::Listeners, place, LISTENER) else {
            return false;
        };
        let is_open = |state: &Option<String>| {
            state
                .as_deref()
                .is_some_and(|state| state.starts_with("open"))
        };
        let is_silent = |facts: &&Facts| !facts.iter().any(|(key, _)| key.place == place);
        !is_open(&listener.before) || !is_open(&listener.after) || self.sides.iter().any(is_silent)
    }

    /// Where TLS comes and goes, so do the questions that are asked inside; where it begins with the
    /// first octet nothing is asked in clear text; and without a login nothing is asked after it.
    fn state_is_on_one_side(&self, leaf: &Leaf) -> bool {
        if !is_unasked(leaf) {
            return false;
        }
        let after_login = leaf.question.ends_with(AFTER_LOGIN);
        let starttls = self.find(Area::Answers, &leaf.place, "STARTTLS");
        if let Some(starttls) = starttls.filter(|starttls| *starttls != leaf) {
            let is_implicit = starttls.before.is_none() || starttls.after.is_none();
            let state = subject(&leaf.question).1;
            return after_login || state == Some(TLS) || (state == Some(CLEAR) && is_implicit);
        }
        let is_about_login =
            |other: &Leaf| other.area == Area::Mechanisms && other.place == leaf.place;
        after_login && self.leaves.iter().any(is_about_login)
    }

    /// RCPT cannot be asked where MAIL is refused. That strangers may relay is never kept back.
    fn follows_from_mail(&self, leaf: &Leaf) -> bool {
        let (name, state) = subject(&leaf.question);
        let ends = match state {
            Some(state) => vec![format!(", {state}")],
            None => vec![format!(", {CLEAR}"), format!(", {TLS}"), String::new()],
        };
        let before_login = ends.iter().find_map(|end| {
            self.find(
                Area::Answers,
                &leaf.place,
                &format!("MAIL before login{end}"),
            )
        });
        let starts = |beginnings: [&str; 2]| beginnings.iter().any(|it| name.starts_with(it));
        let mail = match name.ends_with(AFTER_LOGIN) {
            true => self.find(Area::Answers, &leaf.place, "MAIL after login"),
            false => before_login,
        };
        let Some(mail) = mail.filter(|mail| *mail != leaf) else {
            return false;
        };
        let relays = name.starts_with("RCPT elsewhere before")
            && (leaf.after.as_deref()).is_some_and(|after| after.starts_with('2'));
        // A table is not reached by who is refused before.
        let is_refused = |answer: &Option<String>| {
            answer
                .as_deref()
                .is_some_and(|answer| !answer.starts_with('2'))
        };
        let is_same = (is_refused(&mail.before) && leaf.before == mail.before)
            || (is_refused(&mail.after) && leaf.after == mail.after);
        (starts(["MAIL from ", "mail from "]) && is_same)
            || (starts(["RCPT ", "mail to "]) && is_unasked(leaf) && !relays)
    }

    /// The addresses of a table are tried on one listener, which is another one when listeners change.
    fn is_asked_elsewhere(&self, leaf: &Leaf) -> bool {
        let of_table = ["mail from ", "mail to ", "MAIL from ", "RCPT to "];
        let listener = |leaf: &Leaf| leaf.area == Area::Listeners;
        of_table.iter().any(|it| leaf.question.starts_with(it))
            && (leaf.before.is_none() || leaf.after.is_none())
            && self.leaves.iter().any(listener)
    }

    /// What an option comes to on the wire is said rather than its value.
    fn wire_says_it(&self, leaf: &Leaf) -> bool {
        let on_the_wire = |other: &Leaf| {
            let is_about_login = other.question.contains(AFTER_LOGIN);
            match leaf.question.as_str() {
                "AuthMechanisms" | "AuthOptions" => {
                    other.area == Area::Mechanisms
                        || (other.area == Area::Answers && is_about_login)
                }
                "PrivacyOptions" => {
                    let commands = ["VRFY", "EXPN", "ETRN", "VERB"];
                    matches!(other.area, Area::Answers | Area::Keywords)
                        && commands.contains(&subject(&other.question).0)
                }
                _ => false,
            }
        };
        self.leaves.iter().any(on_the_wire)
    }

    /// Who is not greeted asks nothing; and a listener that was not asked at all, for want of connections,
    /// has not changed.
    fn is_not_greeted(&self, leaf: &Leaf) -> bool {
        if leaf.area == Area::Listeners || leaf.place.is_empty() {
            return false;
        }
        let Some(greeting) = self.find(Area::Answers, &leaf.place, "greeting") else {
            return false;
        };
        match (greeting.before.as_deref(), greeting.after.as_deref()) {
            (Some(before), Some(after)) => {
                leaf != greeting && before.starts_with("220") != after.starts_with("220")
            }
            _ => true,
        }
    }

    /// A filter that is down answers in place of what comes after it.
    fn filter_says_it(&self, leaf: &Leaf) -> bool {
        let is_filter = |it: &Leaf| it.area == Area::Limits && it.question.starts_with("milter ");
        ["ETRN", "VRFY", "EXPN"].contains(&leaf.question.as_str())
            && self.leaves.iter().any(is_filter)
    }

    /// Where TLS comes first there is no STARTTLS.
    fn begins_otherwise(&self, leaf: &Leaf) -> bool {
        leaf.question == "STARTTLS" && self.find(Area::Answers, &leaf.place, "TLS").is_some()
    }

    /// Where mechanisms are not tried one by one, the first one speaks for all.
    fn is_told_by_mechanism(&self, leaf: &Leaf) -> bool {
        let beginning = format!("{} by ", mechanisms::RELAY);
        let tried = |facts: &&Facts| {
            (facts.iter()).any(|(key, _)| key.area == Area::Mechanisms && key.place == leaf.place)
        };
        leaf.question == mechanisms::RELAY
            && !self.sides.iter().any(tried)
            && (self.leaves.iter()).any(|other| other.question.starts_with(&beginning))
    }

    /// A keyword and the answer to the command of that name are one change.
    fn answer_says_it(&self, leaf: &Leaf) -> bool {
        let keyword = subject(&leaf.question).0;
        self.find(Area::Answers, &leaf.place, keyword).is_some()
    }

    fn limit_says_it(&self, leaf: &Leaf) -> bool {
        let limit = self.find(Area::Limits, "", "MaxMessageSize");
        subject(&leaf.question).0 == "SIZE"
            && limit.is_some_and(|limit| {
                octets(limit.after.as_deref()) == octets(leaf.after.as_deref())
            })
    }

    /// A message that cannot be sent, or that does not arrive, is not looked at; and its way in is told
    /// by the listener.
    fn delivery_follows(&self, leaf: &Leaf) -> bool {
        let (name, account) = subject(&leaf.question);
        let arrives = |leaf: &Leaf| {
            let (name, of) = subject(&leaf.question);
            leaf.area == Area::Delivery && name.starts_with("arrive") && of == account
        };
        let way_in = |leaf: &Leaf| {
            matches!(leaf.area, Area::Listeners | Area::Mechanisms)
                || (leaf.area == Area::Answers && leaf.question.contains(AFTER_LOGIN))
                || (leaf.area == Area::Answers
                    && ["STARTTLS", "greeting"].contains(&leaf.question.as_str()))
        };
        let is_unasked = leaf.before.is_none() || leaf.after.is_none();
        (is_unasked && !arrives(leaf) && self.leaves.iter().any(arrives))
            || ((is_unasked || name == "protocol") && self.leaves.iter().any(way_in))
    }

    fn find(&self, area: Area, place: &str, question: &str) -> Option<&Leaf> {
        self.leaves
            .iter()
            .find(|leaf| leaf.area == area && leaf.place == place && leaf.question == question)
    }
}

/// Whether one side has no answer, because the question could not be asked there.
fn is_unasked(leaf: &Leaf) -> bool {
    is_gone(leaf.before.as_deref()) || is_gone(leaf.after.as_deref())
}

/// 503 is the answer to a command out of order.
fn is_gone(answer: Option<&str>) -> bool {
    answer.is_none_or(|answer| answer == NOT_OFFERED || answer.starts_with("503"))
}

/// That there is no mechanism any more, or that there are some now, is one change.
fn with_authentication_as_one(leaves: Vec<Leaf>, before: &Facts, after: &Facts) -> Vec<Leaf> {
    let (mechanisms, mut kept): (Vec<Leaf>, Vec<Leaf>) = leaves
        .into_iter()
        .partition(|leaf| leaf.area == Area::Mechanisms);
    let state_of = |leaf: &Leaf| {
        let state = subject(&leaf.question).1.unwrap_or_default();
        (leaf.place.clone(), state.to_owned())
    };
    let states: BTreeSet<(String, String)> = mechanisms.iter().map(state_of).collect();
    for (place, state) in states {
        let [old, new] = [before, after].map(|facts| offered(facts, &place, &state));
        let of_state = mechanisms
            .iter()
            .filter(|leaf| state_of(leaf) == (place.clone(), state.clone()));
        let works = |leaf: &Leaf| leaf.after.as_deref() == Some("235");
        let came = old.is_empty() && of_state.clone().all(works);
        if of_state.clone().count() < 2 || !(new.is_empty() || came) {
            kept.extend(of_state.cloned());
            continue;
        }
        let words = |offered: Vec<&str>| match offered.is_empty() {
            true => NOT_OFFERED.to_owned(),
            false => offered.join(", "),
        };
        kept.push(Leaf {
            area: Area::Mechanisms,
            question: format!("{AUTH}, {state}"),
            before: Some(words(old)),
            after: Some(words(new)),
            place,
        });
    }
    kept
}

fn offered<'a>(facts: &'a Facts, place: &str, state: &str) -> Vec<&'a str> {
    facts
        .iter()
        .filter(|(key, answer)| {
            key.area == Area::Mechanisms && key.place == place && !is_gone(Some(answer))
        })
        .map(|(key, _)| subject(&key.question))
        .filter(|(_, found)| found.unwrap_or_default() == state)
        .map(|(mechanism, _)| mechanism)
        .collect()
}

/// A case that was not asked on one side says nothing, unless it fails now; one that does not apply on one
/// side follows from what a user sees, unless it failed.
fn is_news(leaf: &Leaf, seen_by_users: bool) -> bool {
    match (leaf.before.as_deref(), leaf.after.as_deref()) {
        (None, after) => after == Some("fail"),
        (Some(_), None) => false,
        (Some("fail" | "warn"), _) | (_, Some("fail" | "warn")) => true,
        (Some("skip"), _) | (_, Some("skip")) => !seen_by_users,
        (Some(_), Some(_)) => true,
    }
}
