//! Replies that depend on the mechanism by which a user logged in.

use std::collections::BTreeMap;

use super::Leaf;
use crate::check::facts::Area;

/// The question whose answer can name mechanisms: `250 2.1.5 by CRAM-MD5, 550 5.7.1 by PLAIN LOGIN`.
pub(super) const RELAY: &str = "RCPT elsewhere after login";

/// A change of that answer as one change for those mechanisms that it is one for.
pub(super) fn told_apart(leaf: Leaf) -> Vec<Leaf> {
    let names = |answer: &Option<String>| answer.as_deref().is_some_and(|it| it.contains(" by "));
    let is_it = leaf.area == Area::Answers && leaf.question == RELAY;
    let (true, Some(before), Some(after)) = (is_it, &leaf.before, &leaf.after) else {
        return vec![leaf];
    };
    if !names(&leaf.before) && !names(&leaf.after) {
        return vec![leaf];
    }
    let (before, after) = (replies(before), replies(after));
    let mut changes: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for mechanism in before.keys().chain(after.keys()) {
        // A mechanism that is offered on one side only is told as such.
        let (Some(old), Some(new)) = (reply_to(&before, mechanism), reply_to(&after, mechanism))
        else {
            continue;
        };
        let mechanisms = changes.entry((old, new)).or_default();
        if old != new && *mechanism != ANY && !mechanisms.contains(mechanism) {
            mechanisms.push(mechanism);
        }
    }
    let changes = changes
        .into_iter()
        .filter(|(_, mechanisms)| !mechanisms.is_empty());
    changes
        .map(|((old, new), mechanisms)| Leaf {
            question: format!("{RELAY} by {}", mechanisms.join(" or ")),
            before: Some(old.to_owned()),
            after: Some(new.to_owned()),
            ..leaf.clone()
        })
        .collect()
}

/// For every mechanism that is not named.
const ANY: &str = "";

fn reply_to<'a>(replies: &BTreeMap<&str, &'a str>, mechanism: &str) -> Option<&'a str> {
    replies.get(mechanism).or_else(|| replies.get(ANY)).copied()
}

/// The reply by mechanism.
fn replies(answer: &str) -> BTreeMap<&str, &str> {
    let parts = answer
        .split(", ")
        .map(|part| part.split_once(" by ").unwrap_or((part, ANY)));
    let mut replies = BTreeMap::new();
    for (reply, mechanisms) in parts {
        match mechanisms {
            ANY => drop(replies.insert(ANY, reply)),
            names => replies.extend(names.split(' ').map(|name| (name, reply))),
        }
    }
    replies
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("250", "550", &[("", "250", "550")])]
    #[case("250", "250 by CRAM-MD5, 550 by PLAIN LOGIN", &[(" by LOGIN or PLAIN", "250", "550")])]
    #[case("250 by CRAM-MD5, 550 by PLAIN", "250", &[(" by PLAIN", "550", "250")])]
    #[case("250 by CRAM-MD5, 550 by PLAIN", "550 by CRAM-MD5, 250 by PLAIN", &[
        (" by CRAM-MD5", "250", "550"),
        (" by PLAIN", "550", "250"),
    ])]
    fn each_mechanism_has_its_change(
        #[case] before: &str,
        #[case] after: &str,
        #[case] expected: &[(&str, &str, &str)],
    ) {
        let leaf = Leaf {
            area: Area::Answers,
            question: RELAY.to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
            place: "587/inet".to_owned(),
        };
        let changes: Vec<_> = told_apart(leaf).into_iter().collect();
        let changes: Vec<_> = (changes.iter())
            .map(|leaf| {
                let by = leaf.question.strip_prefix(RELAY).unwrap();
                (
                    by,
                    leaf.before.as_deref().unwrap(),
                    leaf.after.as_deref().unwrap(),
                )
            })
            .collect();
        assert_eq!(changes, expected);
    }
}
