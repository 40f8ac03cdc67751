//! Where mail goes, under which names, past which milters, and for whom it is relayed.

use super::{
    super::{
        cf::{Cf, Milter},
        findings::Promise,
    },
    listed, promise, where_it_says,
};

pub(super) fn explained(cf: &Cf) -> Vec<Promise> {
    let mut promises = relays(cf);
    promises.extend(hosts(cf));
    for (name, subject, words) in MACROS {
        let line = cf.lines().iter().rev().find(|line| {
            line.strip_prefix('D')
                .is_some_and(|rest| rest.starts_with(name))
        });
        if let (Some(value), Some(line)) = (cf.macro_(name).filter(|value| !value.is_empty()), line)
        {
            promises.push(promise(*subject, words.replace("{}", value), line));
        }
    }
    for mailer in cf.mailers() {
        if let Some(port) = mailer.port() {
            let words = format!(
                "mailer {} connects to port {port} of the next hop",
                mailer.name
            );
            promises.push(promise(
                format!("mailer {}", mailer.name),
                words,
                &mailer.line,
            ));
        }
    }
    let words = "senders of {} are masqueraded too";
    promises.extend(members(cf, "M", "MASQUERADE_DOMAIN", words));
    for file in cf.class("M").files {
        let words = format!(
            "senders of the domains in {} are masqueraded too",
            file.path
        );
        let line = cf.line_with(&file.path).unwrap_or_default();
        promises.push(promise("MASQUERADE_DOMAIN_FILE", words, line));
    }
    for (name, subject, words) in TABLES {
        if let Some(map) = cf.map(name) {
            promises.push(promise(
                *subject,
                words.replace("{}", &map.argument),
                &map.line,
            ));
        }
    }
    promises.extend(
        SAID.iter()
            .filter_map(|(said, subject, words)| where_it_says(cf, said, subject, words)),
    );
    promises.extend(cf.milters().iter().map(milter));
    if let (Some(value), Some(line)) = (
        cf.option("InputMailFilters"),
        cf.option_line("InputMailFilters"),
    ) {
        let filters: Vec<_> = value
            .split([',', ';'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let words = match filters.is_empty() {
            true => "no milter is asked".to_owned(),
            false => format!("milters are asked in this order: {}", filters.join(", ")),
        };
        promises.push(promise("InputMailFilters", words, line));
    }
    promises
}

/// For whom mail is passed on. Only a rule that says "Relaying denied" keeps a stranger out.
fn relays(cf: &Cf) -> Vec<Promise> {
    let mut promises = Vec::new();
    if let Some(rule) = cf.rules("Basic_check_rcpt").first()
        && cf.line_with("Relaying denied").is_none()
    {
        let words = "anybody may send to anybody: this is an open relay";
        promises.push(promise("promiscuous_relay", words, rule));
    }
    let words = "mail from and to {} is passed on";
    promises.extend(members(cf, "R", "RELAY_DOMAIN", words));
    let rcpt_ok = cf.rules("Rcpt_ok");
    if let Some(rule) = rcpt_ok.first().filter(|rule| rule.contains("$>CanonAddr")) {
        let words = "recipients that lead on to other machines (user%site@here) are passed on";
        promises.push(promise("loose_relay_check", words, rule));
    }
    for file in cf.class("R").files {
        let words = format!("mail from and to the domains in {} is passed on", file.path);
        let line = cf.line_with(&file.path).unwrap_or_default();
        promises.push(promise("relay-domains", words, line));
    }
    let relay_ok = cf.rules("Relay_ok");
    for (said, subject, words) in RELAYS {
        if let Some(rule) = relay_ok.iter().find(|rule| rule.contains(said)) {
            promises.push(promise(*subject, *words, rule));
        }
    }
    promises
}

fn hosts(cf: &Cf) -> Vec<Promise> {
    let mut promises = members(cf, "w", "local host names", "mail for {} stays here");
    for file in cf.class("w").files {
        let words = format!("mail for the domains in {} stays here", file.path);
        let line = cf.line_with(&file.path).unwrap_or_default();
        promises.push(promise("local host names", words, line));
    }
    promises
}

/// The members of a class, a promise for each of its lines. Classes within it and `localhost` go without
/// saying.
fn members(cf: &Cf, class: &str, subject: &str, words: &str) -> Vec<Promise> {
    let mut promises = Vec::new();
    for (line, mut members) in cf.class_lines(class) {
        members.retain(|name| *name != "localhost" && !name.starts_with("$="));
        if !members.is_empty() {
            promises.push(promise(
                subject,
                words.replace("{}", &listed(&members)),
                line,
            ));
        }
    }
    promises
}

fn milter(milter: &Milter) -> Promise {
    let absent = match milter.flag {
        Some('R') => "when it does not answer, mail is refused (F=R)",
        Some('T') => "when it does not answer, mail is refused for the time being (F=T)",
        Some('4') => "when it does not answer, connections are closed with 421 (F=4)",
        _ => "when it does not answer, mail goes on without it (no F)",
    };
    let words = format!("mail is shown to {}; {absent}", milter.socket);
    promise(format!("milter {}", milter.name), words, &milter.line)
}

const MACROS: &[(&str, &str, &str)] = &[
    ("S", "SMART_HOST", "mail for other domains goes to {}"),
    ("H", "MAIL_HUB", "mail for local users goes to {}"),
    (
        "R",
        "LOCAL_RELAY",
        "mail for addresses without a domain goes to {}",
    ),
    (
        "L",
        "LUSER_RELAY",
        "mail for unknown local users goes to {}",
    ),
    (
        "M",
        "MASQUERADE_AS",
        "senders of this machine appear as users of {}",
    ),
    ("j", "confDOMAIN_NAME", "the server calls itself {}"),
];

const TABLES: &[(&str, &str, &str)] = &[
    (
        "mailertable",
        "mailertable",
        "next hops of single domains stand in {}",
    ),
    (
        "virtuser",
        "virtusertable",
        "addresses of virtual domains lead where {} says",
    ),
    (
        "generics",
        "genericstable",
        "senders are rewritten as {} says",
    ),
    (
        "domaintable",
        "domaintable",
        "domains are renamed as {} says",
    ),
    ("uudomain", "uucpdomain", "UUCP hosts are named as {} says"),
    (
        "bitdomain",
        "bitdomain",
        "BITNET hosts are named as {} says",
    ),
];

const RELAYS: &[(&str, &str, &str)] = &[
    (
        "R<?> $=R",
        "relay_hosts_only",
        "only hosts that are named themselves may relay, not those below them",
    ),
    (
        "$=m",
        "relay_entire_domain",
        "every host of this machine's domain may relay",
    ),
    (
        "FROM local",
        "relay_local_from",
        "whoever says to send from a local domain may relay: anybody can say so",
    ),
    (
        "RELAY FROM sender ok",
        "relay_mail_from",
        "senders with RELAY in the access map may relay: anybody can say to be one",
    ),
];

const SAID: &[(&str, &str, &str)] = &[
    (
        "$(mxserved",
        "relay_based_on_MX",
        "mail is passed on to every domain whose MX record points here",
    ),
    (
        "do all-masquerading",
        "allmasquerade",
        "recipients are masqueraded too",
    ),
    (
        "$@ $>MasqHdr $1",
        "masquerade_envelope",
        "the envelope's sender is masqueraded too",
    ),
];
