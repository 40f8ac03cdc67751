//! Filters: the check has none of them, and shows what happens while they are down.

use std::collections::BTreeSet;

use super::{Evidence, FILTERS, Found, Rule};
use crate::check::{cf::Milter, findings::Kind};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "milter-down",
    look: milter_down,
    reason: "The check does not run the site's filters, so what it sees is what users get on the day one is down.",
    source: FILTERS,
}];

fn milter_down(evidence: &Evidence<'_>) -> Vec<Found> {
    let used = used(evidence);
    let milters = evidence.cf.milters().into_iter();
    milters
        .filter(|milter| used.contains(&milter.name))
        .map(|milter| Found {
            kind: Kind::Hint,
            what: format!(
                "The filter {} ({}) does not run here, and {}.",
                milter.name,
                milter.socket,
                consequence(milter.flag)
            ),
            remedy: match milter.flag {
                None => tempfail(&milter),
                Some(_) => String::new(),
            },
            place: evidence.placed(&milter.line),
        })
        .collect()
}

/// The filters that some listener asks.
fn used(evidence: &Evidence<'_>) -> BTreeSet<String> {
    let everywhere = evidence.cf.option("InputMailFilters");
    let own = evidence
        .daemons
        .iter()
        .filter_map(|daemon| daemon.filters.as_deref());
    let names = everywhere
        .into_iter()
        .chain(own)
        .flat_map(|list| list.split([',', ';']));
    names.map(|name| name.trim().to_owned()).collect()
}

fn consequence(flag: Option<char>) -> &'static str {
    match flag {
        Some('T') => "while it is down clients are asked to come again (F=T)",
        Some('R') => "while it is down mail is refused for good (F=R)",
        Some('4') => "while it is down connections end with 421 (F=4)",
        _ => "while it is down mail passes unfiltered (no F=)",
    }
}

/// The same filter, without which nothing passes.
fn tempfail(milter: &Milter) -> String {
    let rest = milter.line.split_once(',').map_or("", |(_, rest)| rest);
    let fields = rest.split(',').map(str::trim);
    let fields: Vec<_> = fields
        .filter(|field| !field.is_empty() && !field.starts_with("F="))
        .collect();
    format!(
        "INPUT_MAIL_FILTER(`{}', `{}, F=T')dnl\n",
        milter.name,
        fields.join(", ")
    )
}
