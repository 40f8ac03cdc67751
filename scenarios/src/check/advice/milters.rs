//! Filters: the check has none of them, and shows what happens while they are down.

use std::collections::BTreeSet;

use super::{
    Evidence, FILTERS, Found, Rule,
    seen::{add_new, list},
};
use crate::check::{cf::Milter, daemon::Daemon, findings::Kind};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "milter-down",
    look: milter_down,
    reason: "The check does not run the site's filters, so what it sees is what users get on the day one is down.",
    source: FILTERS,
}];

/// What puts everything off, STARTTLS too, or refuses it while the filter is down.
const STOPPING: &[char] = &['T', 'R', '4'];

/// Whether a listener asks a filter that stops everything while it is down, as it is during the check.
pub(super) fn is_stopped(evidence: &Evidence<'_>, daemon: &Daemon) -> bool {
    let used = used_by(evidence, daemon);
    let mut milters = evidence.cf.milters().into_iter();
    milters.any(|milter| used.contains(&milter.name) && is_stopping(&milter))
}

fn is_stopping(milter: &Milter) -> bool {
    milter.flag.is_some_and(|flag| STOPPING.contains(&flag))
}

fn milter_down(evidence: &Evidence<'_>) -> Vec<Found> {
    let used: BTreeSet<_> = evidence
        .daemons
        .iter()
        .flat_map(|daemon| used_by(evidence, daemon))
        .collect();
    let milters = evidence.cf.milters().into_iter();
    milters
        .filter(|milter| used.contains(&milter.name))
        .map(|milter| Found {
            kind: Kind::Hint,
            what: format!(
                "The filter {} ({}) does not run here, and {}{}.",
                milter.name,
                milter.socket,
                consequence(milter.flag),
                put_off(evidence, &milter)
            ),
            remedy: match milter.flag {
                None => tempfail(&milter),
                Some(_) => String::new(),
            },
            place: evidence.placed(&milter.line),
        })
        .collect()
}

/// The filters that a listener asks: its own, or else those of all.
fn used_by(evidence: &Evidence<'_>, daemon: &Daemon) -> BTreeSet<String> {
    let everywhere = evidence.cf.option("InputMailFilters");
    let list = daemon.filters.as_deref().or(everywhere).unwrap_or_default();
    let names = list.split([',', ';']).map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Where STARTTLS was seen to be put off by it.
fn put_off(evidence: &Evidence<'_>, milter: &Milter) -> String {
    let mut places = Vec::new();
    for daemon in evidence.daemons {
        let place = daemon.listener().to_string();
        let answer = evidence.answer(&place, "STARTTLS");
        let is_454 = answer.is_some_and(|answer| answer.starts_with("454"));
        if is_454 && used_by(evidence, daemon).contains(&milter.name) {
            add_new(&mut places, vec![place]);
        }
    }
    match is_stopping(milter) && !places.is_empty() {
        true => format!(
            "; STARTTLS is answered with 454 meanwhile on {}",
            list(&places)
        ),
        false => String::new(),
    }
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
