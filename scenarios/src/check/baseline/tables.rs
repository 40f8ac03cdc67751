//! The texts beside the `.mc` that are kept with it, so that a line that is gone can still be named.

use std::collections::BTreeMap;

use super::transcripts;
use crate::check::{findings::Dialogue, site::Site};

/// Lines by the name of the file.
pub type Tables = BTreeMap<String, Vec<String>>;

/// The tables of a site. Those that hold passwords (`authinfo`) are never kept.
pub fn of(site: &Site) -> Tables {
    let own = site.file_name();
    let kept = site.files.iter().filter(|(name, octets)| {
        **name != own
            && (is_table(name) || is_included(site, name))
            && octets.len() <= LARGEST
            && !octets.contains(&0)
    });
    kept.map(|(name, octets)| {
        let text = String::from_utf8_lossy(octets);
        (name.clone(), text.lines().map(str::to_owned).collect())
    })
    .collect()
}

pub(super) fn written(tables: &Tables) -> String {
    let sections: Vec<_> = tables
        .iter()
        .map(|(name, lines)| Dialogue {
            name: name.clone(),
            transcript: lines.clone(),
        })
        .collect();
    format!("{INTRODUCTION}{}", transcripts::written(&sections))
}

pub(super) fn read(text: &str) -> Tables {
    let sections = transcripts::read(text).into_iter();
    sections
        .map(|section| (section.name, section.transcript))
        .collect()
}

fn is_table(name: &str) -> bool {
    KEPT.contains(&name.rsplit('/').next().unwrap_or(name))
}

/// What the `.mc` names is part of it; whatever else lies beside it is not.
fn is_included(site: &Site, name: &str) -> bool {
    (name.ends_with(".m4") || name.ends_with(".mc")) && site.mc.text.contains(name)
}

/// By the names that sendmail's documentation gives them.
const KEPT: [&str; 12] = [
    "access",
    "aliases",
    "bitdomain",
    "domaintable",
    "generics-domains",
    "genericstable",
    "local-host-names",
    "mailertable",
    "relay-domains",
    "trusted-users",
    "uudomain",
    "virtusertable",
];
/// In octets; a table of thousands of users is not what a reader of differences looks for.
const LARGEST: usize = 256 << 10;

/// Before the first heading: not read back.
const INTRODUCTION: &str =
    "The files beside the .mc as they were accepted, without those that hold passwords.\n\n";
