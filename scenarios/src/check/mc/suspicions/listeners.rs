//! What DAEMON_OPTIONS and the lists of mechanisms say that sendmail does not take up.

use std::collections::BTreeSet;

use super::{
    super::{Mc, Statement},
    Found, names,
};

/// The keys of DaemonPortOptions, as sendmail's guide spells them. It reads the first letter only.
const KEYS: &[&str] = &[
    "Name",
    "Port",
    "Addr",
    "Address",
    "Family",
    "InputMailFilters",
    "Listen",
    "Modifiers",
    "M",
    "ReceiveSize",
    "RcvBuf",
    "SendSize",
    "SndBuf",
    "DeliveryMode",
    "children",
    "delayLA",
    "queueLA",
    "refuseLA",
];

/// First letters that stand for a key in one case only.
const ONE_CASE: &str = "cdDqrR";

/// Modifiers that sendmail shows with `-d37.1`.
const MODIFIERS: &str = "abcfhrsuACEOS";

pub(super) fn keys(mc: &Mc) -> Vec<Found> {
    listeners(mc)
        .filter_map(|statement| {
            let wrong: Vec<_> = pairs(statement)
                .map(|(key, _)| key)
                .filter(|key| !key.is_empty() && !key.contains(['$', '`']) && !is_key(key))
                .collect();
            if wrong.is_empty() {
                return None;
            }
            let what: Vec<_> = wrong
                .iter()
                .map(|key| about_key(key, &statement.name))
                .collect();
            let remedy = match wrong.iter().all(|key| near(key).is_some()) {
                true => rewritten(statement, |key, value| {
                    let wrong = wrong.iter().any(|wrong| wrong == key);
                    let near = near(key).filter(|_| wrong);
                    (near.unwrap_or(key).to_owned(), value.to_owned())
                }),
                false => String::new(),
            };
            Some(Found::at(statement, what.join("; "), remedy))
        })
        .collect()
}

fn about_key(key: &str, of: &str) -> String {
    let what = format!("{key} is no key of {of}");
    match (near(key), taken_for(key)) {
        (Some(near), Some(other)) if near != other => {
            format!("{what}, {near} is; sendmail takes it for {other}")
        }
        (Some(near), _) => format!("{what}, {near} is"),
        (None, Some(other)) => format!("{what}; sendmail takes it for {other}"),
        (None, None) => what,
    }
}

/// Whether sendmail reads a key as what it says: abbreviations and other cases are fine.
fn is_key(key: &str) -> bool {
    KEYS.iter().any(|known| {
        let one_case = known
            .chars()
            .next()
            .is_some_and(|first| ONE_CASE.contains(first));
        let same_case = !one_case || key.chars().next() == known.chars().next();
        let (key, known) = (key.to_lowercase(), known.to_lowercase());
        same_case && (known.starts_with(&key) || (known == "modifiers" && key == "modify"))
    })
}

/// The key that sendmail takes a misspelt one for.
fn taken_for(key: &str) -> Option<&'static str> {
    let first = key.chars().next()?;
    KEYS.iter().copied().find(|known| {
        let letter = known.chars().next();
        letter == Some(first)
            || (!ONE_CASE.contains(first)
                && letter.is_some_and(|letter| letter.eq_ignore_ascii_case(&first)))
    })
}

/// The key that is meant.
fn near(key: &str) -> Option<&'static str> {
    let lower = key.to_lowercase();
    let known: Vec<_> = KEYS.iter().map(|known| known.to_lowercase()).collect();
    let name = names::nearest(
        &lower,
        known
            .iter()
            .map(String::as_str)
            .filter(|known| known.len() > 1),
    )?;
    KEYS.iter()
        .copied()
        .find(|known| known.to_lowercase() == name)
}

pub(super) fn modifiers(mc: &Mc) -> Vec<Found> {
    // A site's own rules may read ${daemon_flags}, and then a letter means what they say.
    if mc.text.contains("daemon_flags") || mc.find("HACK").next().is_some() {
        return Vec::new();
    }
    listeners(mc)
        .filter(|statement| statement.name == "DAEMON_OPTIONS")
        .flat_map(|statement| pairs(statement).map(move |pair| (statement, pair)))
        .filter(|(_, (key, _))| key.starts_with(['m', 'M']))
        .filter_map(|(statement, (_, value))| {
            let unknown: BTreeSet<_> = value
                .chars()
                .filter(|modifier| !MODIFIERS.contains(*modifier) && !modifier.is_whitespace())
                .collect();
            let first = *unknown.iter().next()?;
            let listed: Vec<_> = unknown.iter().map(char::to_string).collect();
            let mut what = format!("sendmail knows no modifier {}", listed.join(", "));
            let swapped = self::swapped(first);
            if let Some(meant) = swapped {
                what += &format!("; {meant} is one, and the case matters");
            }
            let remedy = match swapped.is_some() {
                true => rewritten(statement, |key, value| match key.starts_with(['m', 'M']) {
                    true => (
                        key.to_owned(),
                        value.chars().filter_map(corrected).collect(),
                    ),
                    false => (key.to_owned(), value.to_owned()),
                }),
                false => String::new(),
            };
            Some(Found::at(statement, what, remedy))
        })
        .collect()
}

fn corrected(modifier: char) -> Option<char> {
    match MODIFIERS.contains(modifier) {
        true => Some(modifier),
        false => swapped(modifier),
    }
}

/// The letter in the other case, where that is a modifier.
fn swapped(modifier: char) -> Option<char> {
    let other = match modifier.is_ascii_lowercase() {
        true => modifier.to_ascii_uppercase(),
        false => modifier.to_ascii_lowercase(),
    };
    (other != modifier && MODIFIERS.contains(other)).then_some(other)
}

fn listeners(mc: &Mc) -> impl Iterator<Item = &Statement> {
    mc.statements
        .iter()
        .filter(|statement| matches!(statement.name.as_str(), "DAEMON_OPTIONS" | "CLIENT_OPTIONS"))
        .filter(|statement| {
            statement
                .written
                .first()
                .is_some_and(|written| written.starts_with('`'))
        })
}

fn pairs(statement: &Statement) -> impl Iterator<Item = (String, String)> {
    statement.argument(0).split(',').map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        // The argument may stand in two pairs of quotes.
        let bare = |text: &str| text.trim().trim_matches(['`', '\'']).trim().to_owned();
        (bare(key), bare(value))
    })
}

/// The call with other keys and values.
fn rewritten(statement: &Statement, change: impl Fn(&str, &str) -> (String, String)) -> String {
    let changed: Vec<_> = pairs(statement)
        .map(|(key, value)| {
            let (key, value) = change(&key, &value);
            format!("{key}={value}")
        })
        .collect();
    names::call(&statement.name, &[format!("`{}'", changed.join(", "))])
}

pub(super) fn trusted_not_offered(mc: &Mc) -> Vec<Found> {
    let Some((offered, trusted)) = mechanisms(mc) else {
        return Vec::new();
    };
    mc.find("TRUST_AUTH_MECH")
        .filter_map(|statement| {
            let missing = missing(&words(statement.argument(0)), &offered)?;
            Some(Found::at(
                statement,
                format!("{missing}: trusted, but not in confAUTH_MECHANISMS"),
                trust(trusted.intersection(&offered)),
            ))
        })
        .collect()
}

pub(super) fn offered_not_trusted(mc: &Mc) -> Vec<Found> {
    let Some((offered, trusted)) = mechanisms(mc) else {
        return Vec::new();
    };
    let Some(define) = mc.define("confAUTH_MECHANISMS") else {
        return Vec::new();
    };
    missing(&offered, &trusted)
        .map(|missing| {
            let what = format!("{missing}: offered, but not in TRUST_AUTH_MECH");
            Found::at(define, what, trust(offered.iter()))
        })
        .into_iter()
        .collect()
}

/// What is offered and what is trusted, where this file says both in plain words.
fn mechanisms(mc: &Mc) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let offered = words(mc.define("confAUTH_MECHANISMS")?.argument(1));
    let trusted: BTreeSet<_> = mc
        .find("TRUST_AUTH_MECH")
        .flat_map(|statement| words(statement.argument(0)))
        .collect();
    let plain = |word: &String| {
        word.chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let both = !offered.is_empty() && !trusted.is_empty();
    (both && offered.iter().chain(&trusted).all(plain)).then_some((offered, trusted))
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace()
        .map(str::to_ascii_uppercase)
        .collect()
}

fn missing(of: &BTreeSet<String>, from: &BTreeSet<String>) -> Option<String> {
    let missing: Vec<_> = of.difference(from).cloned().collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

fn trust<'a>(mechanisms: impl Iterator<Item = &'a String>) -> String {
    let listed: Vec<_> = mechanisms.cloned().collect();
    names::call("TRUST_AUTH_MECH", &[format!("`{}'", listed.join(" "))])
}
