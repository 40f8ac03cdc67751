//! Listeners in the words of administrators: `587 (both families)` rather than `587/inet, 587/inet6`.

use std::collections::BTreeMap;

/// What to sort places by: ports as numbers, IPv4 first.
pub(super) fn order(place: &str) -> (u32, String) {
    let port = place.split('/').next().and_then(|port| port.parse().ok());
    (port.unwrap_or(u32::MAX), place.to_owned())
}

/// Listeners after `on` or `through`.
pub(super) fn on(places: &[String]) -> String {
    phrase(places, " (both families)")
}

/// Listeners as the subject of a sentence.
pub(super) fn over(places: &[String]) -> String {
    phrase(places, " over both families")
}

/// Whether a sentence about the listeners themselves has more than one subject.
pub(super) fn several(places: &[String]) -> bool {
    by_port(places).len() > 1
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn phrase(places: &[String], both: &str) -> String {
    let ports = by_port(places);
    if ports.len() > 1 && ports.iter().all(|(_, families)| families.len() == 2) {
        let ports: Vec<String> = ports.into_iter().map(|(port, _)| port.to_owned()).collect();
        return format!("{}{both}", listed(&ports));
    }
    let words: Vec<String> = ports
        .into_iter()
        .map(|(port, families)| match families.as_slice() {
            ["inet"] => format!("{port} over IPv4"),
            ["inet6"] => format!("{port} over IPv6"),
            [_, _, ..] => format!("{port}{both}"),
            _ => port.to_owned(),
        })
        .collect();
    listed(&words)
}

fn by_port(places: &[String]) -> Vec<(&str, Vec<&str>)> {
    let mut ports: BTreeMap<(u32, String), (&str, Vec<&str>)> = BTreeMap::new();
    for place in places {
        let (port, family) = place.split_once('/').unwrap_or((place, ""));
        let entry = ports.entry(order(port)).or_insert((port, Vec::new()));
        if !family.is_empty() {
            entry.1.push(family);
        }
    }
    ports.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("587/inet6", "587 over IPv6", "587 over IPv6")]
    #[case("587/inet 587/inet6", "587 (both families)", "587 over both families")]
    #[case(
        "587/inet 25/inet",
        "25 over IPv4 and 587 over IPv4",
        "25 over IPv4 and 587 over IPv4"
    )]
    #[case(
        "587/inet 587/inet6 25/inet 25/inet6 465/inet 465/inet6",
        "25, 465 and 587 (both families)",
        "25, 465 and 587 over both families"
    )]
    #[case("587", "587", "587")]
    fn listeners_are_named(#[case] places: &str, #[case] after_on: &str, #[case] as_subject: &str) {
        let places: Vec<String> = places.split(' ').map(str::to_owned).collect();
        assert_eq!(on(&places), after_on);
        assert_eq!(over(&places), as_subject);
    }
}
