//! Who is let in: privacy, tables and lists of senders, and the pace that is enforced.

use super::{
    super::{cf::Cf, findings::Promise, supplies},
    pace, promise, where_it_says, words,
};

pub(super) fn explained(cf: &Cf) -> Vec<Promise> {
    let mut promises = Vec::new();
    let privacy = cf.every_option().into_iter();
    for option in privacy.filter(|option| option.name.eq_ignore_ascii_case("PrivacyOptions")) {
        let parts: Vec<_> = words(option.value)
            .map(|word| format!("{} ({word})", meaning(word)))
            .collect();
        if !parts.is_empty() {
            promises.push(promise("PrivacyOptions", parts.join("; "), option.line));
        }
    }
    if let Some(map) = cf.map("access") {
        let words = format!(
            "who may connect, send and relay, and at which pace, is looked up in {}",
            map.argument
        );
        promises.push(promise("access_db", words, &map.line));
    }
    if let Some((pause, line)) = pace::pause(cf) {
        let words = format!("the greeting comes after {pause} ms; who speaks before it is refused");
        promises.push(promise("greet_pause", words, &line));
    }
    for (ruleset, tag, subject, words) in [
        (
            "RateControl",
            "ClientRate",
            "ratecontrol",
            "connections a minute are limited by ClientRate: in the access map",
        ),
        (
            "ConnControl",
            "ClientConn",
            "conncontrol",
            "connections at once are limited by ClientConn: in the access map",
        ),
    ] {
        if let Some(first) = cf.rules(ruleset).iter().find(|rule| rule.contains(tag)) {
            promises.push(promise(subject, words, first));
        }
    }
    promises.extend(zones(cf));
    let check_rcpt = cf.rules("check_rcpt");
    if let Some(rule) = check_rcpt.iter().find(|rule| rule.contains("$>checkrcpt")) {
        let words =
            "clients and senders are judged only at RCPT, so that who has logged in is spared";
        promises.push(promise("delay_checks", words, rule));
    }
    promises.extend(
        SAID.iter()
            .filter_map(|(said, subject, words)| where_it_says(cf, said, subject, words)),
    );
    promises
}

/// One promise a list of senders.
fn zones(cf: &Cf) -> Vec<Promise> {
    let maps = cf.maps();
    let rules = cf.rulesets().into_iter().flat_map(|ruleset| ruleset.rules);
    let zone = |rule: String| {
        let zone = supplies::zone(&rule, &maps)?;
        let asked = rule
            .split_once("$(")
            .and_then(|(_, call)| call.split_whitespace().next());
        let subject = match asked {
            Some(map) if map.starts_with('e') => "enhdnsbl",
            _ => "dnsbl",
        };
        Some(promise(
            subject,
            format!("clients that are listed in {zone} are refused"),
            &rule,
        ))
    };
    rules.filter_map(zone).collect()
}

fn meaning(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "public" => "everything is open",
        "needmailhelo" => "HELO or EHLO is needed before MAIL",
        "needexpnhelo" => "HELO or EHLO is needed before EXPN",
        "needvrfyhelo" => "HELO or EHLO is needed before VRFY",
        "noexpn" => "EXPN is refused",
        "novrfy" => "VRFY gets 252 and tells nothing",
        "noetrn" => "ETRN is refused",
        "noverb" => "VERB is refused",
        "noreceipts" => "DSN is not offered",
        "nobodyreturn" => "reports come without the body of the message",
        "goaway" => {
            "VRFY gets 252 and tells nothing, EXPN and VERB are refused, HELO or EHLO is needed before MAIL, and headers warn where a sender is not who he says"
        }
        "authwarnings" => "headers warn where a sender is not who he says",
        "restrictmailq" => "only the queue's group may list the queue",
        "restrictqrun" => "only root and the queue's owner may run the queue",
        "restrictexpand" => "users of the machine may not see where aliases lead",
        "noactualrecipient" => "reports do not say where aliases lead",
        _ => "this sendmail's documentation does not know it",
    }
}

const SAID: &[(&str, &str, &str)] = &[
    (
        "550 Fix reverse DNS",
        "require_rdns",
        "clients whose address has no name are refused",
    ),
    (
        "bogus HELO name used",
        "block_bad_helo",
        "clients that greet with a name of ours or without a domain are refused, unless they log in",
    ),
    (
        "... unresolvable OK",
        "accept_unresolvable_domains",
        "senders of domains that do not exist are taken",
    ),
    (
        "550 Illegal MX record",
        "badmx",
        "senders whose domain has an impossible MX record are refused",
    ),
];
