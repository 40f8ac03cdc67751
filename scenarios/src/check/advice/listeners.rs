//! The sockets: one too many, one too few, one that failed without a word.

use super::{
    DAEMON, Evidence, Found, Rule, remedy,
    seen::{for_users, is_for_users, is_null_client, is_submission_port, list},
};
use crate::check::{
    daemon::Daemon,
    findings::{Kind, ListenerFinding},
};
use msaspec_harness::promises::{Family, ListenerName};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "default-msa-beside",
        look: default_msa_beside,
        reason: "Two listeners cannot have one port: sendmail tries for almost a minute to open the second one and then exits.",
        source: "cf/README, section \"FEATURES\", no_default_msa",
    },
    Rule {
        id: "listener-twice",
        look: listener_twice,
        reason: "Two listeners cannot have one port: sendmail tries for almost a minute to open the second one and then \
                 exits, or with `O' goes on without it.",
        source: DAEMON,
    },
    Rule {
        id: "promised-closed",
        look: promised_closed,
        reason: "Whoever connects there is refused.",
        source: DAEMON,
    },
    Rule {
        id: "optional-submission",
        look: optional_submission,
        reason: "With `O' sendmail starts without the listener if it cannot be opened, and one line in the log is all that tells it.",
        source: DAEMON,
    },
    Rule {
        id: "ipv6-missing",
        look: ipv6_missing,
        reason: "Clients try IPv6 first where the name has an AAAA record, and are refused.",
        source: DAEMON,
    },
];

fn default_msa_beside(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut msa = evidence
        .daemons
        .iter()
        .filter(|daemon| remedy::is_default_msa(daemon));
    let Some(default) = msa.next() else {
        return Vec::new();
    };
    let mut others = evidence
        .daemons
        .iter()
        .filter(|daemon| !remedy::is_default_msa(daemon));
    let Some(own) = others.find(|daemon| is_same_socket(daemon, default)) else {
        return Vec::new();
    };
    vec![Found {
        kind: Kind::Fault,
        what: format!(
            "sendmail adds its own listener on 587/inet beside {}: FEATURE(`no_default_msa') is missing.",
            own.name
        ),
        remedy: "FEATURE(`no_default_msa')dnl\n".to_owned(),
        place: evidence.placed(&own.cf),
    }]
}

fn listener_twice(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let own = |daemon: &&Daemon| !remedy::is_default_msa(daemon);
    for (number, second) in evidence
        .daemons
        .iter()
        .enumerate()
        .filter(|(_, it)| own(it))
    {
        let mut before = evidence.daemons.iter().take(number).filter(own);
        if let Some(first) = before.find(|first| is_same_socket(first, second)) {
            found.push(Found {
                kind: Kind::Fault,
                what: format!(
                    "{} and {} both ask for {}.",
                    first.name,
                    second.name,
                    second.listener()
                ),
                remedy: String::new(),
                place: evidence.placed(&second.cf),
            });
        }
    }
    found
}

/// One address of many, or every address, with the same port.
fn is_same_socket(one: &Daemon, other: &Daemon) -> bool {
    let overlap = one.address.is_none() || other.address.is_none() || one.address == other.address;
    one.listener() == other.listener() && overlap
}

fn closed<'a>(
    evidence: &Evidence<'a>,
) -> impl Iterator<Item = (&'a ListenerFinding, Option<&'a Daemon>)> {
    let daemons = evidence.daemons;
    let closed = evidence
        .listeners
        .iter()
        .filter(|it| it.promised && !it.open);
    closed.map(move |finding| {
        let mut named = daemons
            .iter()
            .filter(|it| it.listener().to_string() == finding.listener);
        let first = named.clone().next();
        (
            finding,
            named.find(|it| it.address == finding.address).or(first),
        )
    })
}

fn is_hidden(finding: &ListenerFinding, daemon: Option<&Daemon>) -> bool {
    finding.optional && daemon.is_some_and(is_for_users)
}

fn promised_closed(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (finding, daemon) in
        closed(evidence).filter(|(finding, daemon)| !is_hidden(finding, *daemon))
    {
        let hidden = match finding.optional {
            true => "; `O' has hidden that",
            false => "",
        };
        found.push(Found {
            kind: Kind::Fault,
            what: format!(
                "{} is promised and could not be opened{hidden}.",
                finding.listener
            ),
            remedy: String::new(),
            place: daemon.and_then(|daemon| evidence.placed(&daemon.cf)),
        });
    }
    found
}

fn optional_submission(evidence: &Evidence<'_>) -> Vec<Found> {
    let hidden: Vec<_> = closed(evidence)
        .filter(|(finding, daemon)| is_hidden(finding, *daemon))
        .filter_map(|(_, daemon)| daemon)
        .collect();
    if !hidden.is_empty() {
        return without_o(
            evidence,
            Kind::Fault,
            &hidden,
            "`O' has hidden that",
            "could not be opened",
        );
    }
    let all = for_users(evidence).into_iter().map(|seen| seen.daemon);
    let optional: Vec<_> = all.filter(|daemon| daemon.is_optional()).collect();
    without_o(
        evidence,
        Kind::Hint,
        &optional,
        "`O' would hide it if",
        "could not be opened",
    )
}

fn without_o(
    evidence: &Evidence<'_>,
    kind: Kind,
    daemons: &[&Daemon],
    before: &str,
    after: &str,
) -> Vec<Found> {
    let Some(first) = daemons.first() else {
        return Vec::new();
    };
    let places: Vec<_> = daemons
        .iter()
        .map(|daemon| daemon.listener().to_string())
        .collect();
    let lines = daemons.iter().map(|daemon| {
        let modifiers = daemon.modifiers.replace('O', "");
        remedy::daemon_options(daemon, &modifiers)
    });
    vec![Found {
        kind,
        what: format!("{before} {} {after}.", list(&places)),
        remedy: lines.collect(),
        place: evidence.placed(&first.cf),
    }]
}

/// The ports that other machines know.
const PORTS: &[u16] = &[587, 465, 25];

fn ipv6_missing(evidence: &Evidence<'_>) -> Vec<Found> {
    if is_null_client(evidence) {
        return Vec::new();
    }
    let public: Vec<_> = evidence
        .daemons
        .iter()
        .filter(|daemon| !daemon.is_loopback())
        .collect();
    let is_there = |port: u16, family: Family| {
        let open = ListenerName { port, family }.to_string();
        let promised = public
            .iter()
            .any(|it| it.family == family && it.port == port);
        promised
            || evidence
                .listeners
                .iter()
                .any(|it| it.listener == open && it.open)
    };
    // One that is bound to an address has that address for a reason, and so may a port of the site's own.
    let everywhere = public
        .iter()
        .filter(|it| it.family == Family::Inet && it.address.is_none() && PORTS.contains(&it.port));
    let mut alone: Vec<_> = everywhere
        .filter(|it| !is_there(it.port, Family::Inet6))
        .copied()
        .collect();
    alone.sort_by_key(|daemon| !is_submission_port(daemon));
    alone.dedup_by_key(|daemon| daemon.port);
    let Some(first) = alone.first() else {
        return Vec::new();
    };
    let mut both = PORTS
        .iter()
        .filter(|port| is_there(**port, Family::Inet) && is_there(**port, Family::Inet6));
    let (kind, but) = match both.next() {
        Some(port) if is_submission_port(first) => {
            (Kind::Fault, format!(", while {port} listens on both"))
        }
        _ => (Kind::Hint, String::new()),
    };
    let mut lines = remedy::default_mta(evidence);
    for daemon in &alone {
        let modifiers = match is_submission_port(daemon) {
            true => remedy::with_modifiers(daemon, "Ea"),
            false => daemon.modifiers.clone(),
        };
        lines.push_str(&remedy::over_ipv6(daemon, &modifiers));
    }
    let places: Vec<_> = alone
        .iter()
        .map(|daemon| format!("{} over IPv4", daemon.port))
        .collect();
    vec![Found {
        kind,
        what: format!("sendmail listens on {} only{but}.", list(&places)),
        remedy: lines,
        place: evidence.placed(&first.cf),
    }]
}
