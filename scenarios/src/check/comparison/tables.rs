//! The changed lines of the files beside the `.mc`.

use std::collections::BTreeSet;

use crate::check::{
    baseline::Baseline,
    difference::{
        Difference,
        lines::{Source, hunks},
    },
    facts::Area,
    findings::Change,
    site::Site,
};

/// The lines of tables and included files that differ; none where one side has not kept them.
pub(super) fn changes(
    site: &Site,
    old: Option<&Site>,
    before: &Baseline,
    after: &Baseline,
) -> Vec<Change> {
    let (Some(before), Some(after)) = (&before.tables, &after.tables) else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let text = |lines: Option<&Vec<String>>| lines.map_or(String::new(), |it| it.join("\n"));
    let of = |name: &String| {
        let (before, after) = (text(before.get(name)), text(after.get(name)));
        let old = Source {
            // What was accepted stood in the same place.
            file: &old.unwrap_or(site).beside(name),
            octets: before.as_bytes(),
        };
        let new = Source {
            file: &site.beside(name),
            octets: after.as_bytes(),
        };
        hunks(old, new)
    };
    names.into_iter().flat_map(of).flatten().collect()
}

/// Those that name what a difference is about.
pub(super) fn about(difference: &Difference, changes: &[Change]) -> Vec<Change> {
    let tables: &[&str] = match difference.area {
        Area::Routes => &[
            "virtusertable",
            "aliases",
            "mailertable",
            "domaintable",
            "local-host-names",
        ],
        Area::Answers => &[
            "access",
            "local-host-names",
            "relay-domains",
            "virtusertable",
            "aliases",
        ],
        Area::Delivery => &["genericstable", "generics-domains"],
        // Its entries stand under names of their own.
        Area::Limits if difference.question == "ratecontrol" => {
            return entries(changes, &["clientrate:"]);
        }
        Area::Limits if difference.question == "greet_pause" => {
            return entries(changes, &["greetpause:"]);
        }
        _ => return Vec::new(),
    };
    let parts = [
        Some(&difference.question),
        difference.before.as_ref(),
        difference.after.as_ref(),
    ];
    let words: BTreeSet<&str> = parts
        .into_iter()
        .flatten()
        .flat_map(|part| words(part))
        .collect();
    let is_about = |change: &&Change| {
        let file = change.place.file.rsplit('/').next().unwrap_or_default();
        let text = change.place.text.trim_start();
        tables.contains(&file)
            && !text.starts_with('#')
            && text
                .split(|c: char| c.is_whitespace() || [':', ','].contains(&c))
                .any(|word| !word.is_empty() && words.contains(word))
    };
    changes.iter().filter(is_about).cloned().collect()
}

/// Entries of the access map with one of these tags.
fn entries(changes: &[Change], tags: &[&str]) -> Vec<Change> {
    let has_tag = |change: &&Change| {
        let text = change.place.text.trim_start().to_ascii_lowercase();
        tags.iter().any(|tag| text.starts_with(tag))
    };
    changes.iter().filter(has_tag).cloned().collect()
}

/// Addresses, and their domains with and without an `@`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let separators = |c: char| c.is_whitespace() || ['<', '>', ',', ':'].contains(&c);
    text.split(separators)
        .filter(|word| !word.is_empty())
        .flat_map(|word| {
            let at = word.find('@');
            let domain = at.map(|at| &word[at..]);
            [
                Some(word),
                domain,
                domain.map(|domain| domain.trim_start_matches('@')),
            ]
            .into_iter()
            .flatten()
        })
}
