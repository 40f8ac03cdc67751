//! Who logs in, by what, and whether it is needed.

use super::{
    DAEMON, Evidence, Found, Rule, remedy,
    seen::{Seen, add_new, for_users, is_offered, is_submission_port, list, mechanisms, verb},
};
use crate::check::findings::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "password-in-clear",
        look: password_in_clear,
        reason: "A client that does not insist on TLS sends its password so that everybody on the way can read it.",
        source: "RFC 4954 section 4",
    },
    Rule {
        id: "login-not-required",
        look: login_not_required,
        reason: "Port 587 and port 465 are for users: without a login nobody knows who handed the mail in, and \
                 anybody can.",
        source: "RFC 6409 section 4.3",
    },
    Rule {
        id: "login-impossible",
        look: login_impossible,
        reason: "Who has to log in and cannot hands in no mail at all.",
        source: "RFC 6409 section 4.3",
    },
    Rule {
        id: "login-on-25",
        look: login_on_25,
        reason: "If this machine takes mail from outside, nobody who has no account can deliver.",
        source: DAEMON,
    },
    Rule {
        id: "no-trust-auth-mech",
        look: no_trust_auth_mech,
        reason: "sendmail relays for users only if they logged in by a mechanism that TRUST_AUTH_MECH names.",
        source: "cf/README, section \"SMTP AUTHENTICATION\"",
    },
    Rule {
        id: "login-without-tls",
        look: login_without_tls,
        reason: "The password stays hidden, but what the user writes after it can be read and changed on the way. sendmail \
                 has no option that demands TLS on a listener for logins other than by PLAIN and LOGIN (`p'); a \
                 listener with `s' (465) does.",
        source: "RFC 8314 section 4.1",
    },
    Rule {
        id: "md5-without-secrets",
        look: md5_without_secrets,
        reason: "They never ask saslauthd: they need the secret itself (sasldb or another auxprop store), and clients \
                 prefer them, so a user who has an account in saslauthd only cannot log in.",
        source: "Cyrus SASL, auxprop plugins",
    },
];

fn password_in_clear(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut places = Vec::new();
    let mut offered = Vec::new();
    for seen in for_users(evidence) {
        let here = plaintext_in_clear(evidence, &seen);
        if !here.is_empty() {
            add_new(&mut offered, here);
            places.push(seen.place);
        }
    }
    if places.is_empty() {
        return Vec::new();
    }
    let options = evidence.cf.option("AuthOptions").unwrap_or_default();
    let mut lines = match options.contains('p') {
        true => String::new(),
        false => remedy::option_with(evidence.cf, "AuthOptions", "confAUTH_OPTIONS", &["p"]),
    };
    // Without TLS nobody could log in any more.
    lines.push_str(&remedy::certificates(evidence.cf));
    let verb = verb(offered.len(), "is", "are");
    let p = match options.contains('p') {
        true => "",
        false => ": `p' is missing in confAUTH_OPTIONS",
    };
    vec![Found {
        kind: Kind::Fault,
        what: format!(
            "{} {verb} offered in clear text on {}{p}.",
            list(&offered),
            list(&places)
        ),
        remedy: lines,
        place: evidence
            .option_place("AuthOptions", "confAUTH_OPTIONS")
            .or_else(|| evidence.option_place("AuthMechanisms", "confAUTH_MECHANISMS")),
    }]
}

fn plaintext_in_clear(evidence: &Evidence<'_>, seen: &Seen<'_>) -> Vec<String> {
    let mut offered = mechanisms(evidence, &seen.place, &["clear"], is_offered);
    offered.retain(|mechanism| ["PLAIN", "LOGIN"].contains(&mechanism.as_str()));
    offered
}

fn login_not_required(evidence: &Evidence<'_>) -> Vec<Found> {
    let is_open = |seen: &Seen<'_>| {
        let answers = ["MAIL before login, clear", "MAIL before login, TLS"];
        let mut answers = answers
            .iter()
            .filter_map(|it| evidence.answer(&seen.place, it));
        answers.any(|answer| answer.starts_with('2'))
    };
    let all = for_users(evidence).into_iter();
    let open: Vec<_> = all
        .filter(|seen| is_submission_port(seen.daemon) && !seen.daemon.requires_login())
        .filter(is_open)
        .collect();
    let Some(first) = open.first() else {
        return Vec::new();
    };
    let mut lines = String::new();
    if open.iter().any(|seen| remedy::is_default_msa(seen.daemon)) {
        lines.push_str("FEATURE(`no_default_msa')dnl\n");
        lines.push_str(&remedy::default_mta(evidence));
    }
    for seen in &open {
        let modifiers = remedy::with_modifiers(seen.daemon, "Ea");
        lines.push_str(&remedy::daemon_options(seen.daemon, &modifiers));
    }
    let places: Vec<_> = open.iter().map(|seen| seen.place.as_str()).collect();
    let origin = match remedy::is_default_msa(first.daemon) {
        true => "it is the listener that sendmail adds by itself",
        false if first.daemon.has('A') => "its modifiers have `A', so that nobody can log in",
        false => "`a' is missing in its modifiers",
    };
    vec![Found {
        kind: Kind::Fault,
        what: format!(
            "MAIL is taken without a login on {}: {origin}.",
            list(&places)
        ),
        remedy: lines,
        place: evidence.placed(&first.daemon.cf),
    }]
}

fn login_on_25(evidence: &Evidence<'_>) -> Vec<Found> {
    let closed: Vec<_> = (evidence.daemons.iter())
        .filter(|it| it.port == 25 && !it.is_loopback() && it.requires_login())
        .collect();
    let Some(first) = closed.first() else {
        return Vec::new();
    };
    let places: Vec<_> = closed.iter().map(|it| it.listener().to_string()).collect();
    let lines = closed
        .iter()
        .map(|it| remedy::daemon_options(it, &it.modifiers.replace('a', "")));
    vec![Found {
        kind: Kind::Hint,
        what: format!(
            "{} takes mail after a login only: `a' is one of its modifiers.",
            list(&places)
        ),
        remedy: lines.collect(),
        place: evidence.placed(&first.cf),
    }]
}

/// MAIL waits for a login, and no mechanism is offered in any state.
fn login_impossible(evidence: &Evidence<'_>) -> Vec<Found> {
    let is_closed = |seen: &Seen<'_>| {
        let answers = ["MAIL before login, clear", "MAIL before login, TLS"];
        let refused = |it: &&str| {
            let answer = evidence.answer(&seen.place, it);
            answer.is_some_and(|answer| answer.starts_with("530"))
        };
        let offered = mechanisms(evidence, &seen.place, &["clear", "TLS"], is_offered);
        // Put off for now: that is told of STARTTLS itself.
        let starttls = evidence.answer(&seen.place, "STARTTLS");
        let is_put_off = starttls.is_some_and(|answer| answer.starts_with('4'));
        let is_refused = answers.iter().any(refused) && offered.is_empty();
        seen.daemon.has('a') && is_refused && !is_put_off
    };
    let closed: Vec<_> = for_users(evidence).into_iter().filter(is_closed).collect();
    let Some(first) = closed.first() else {
        return Vec::new();
    };
    let places: Vec<_> = closed.iter().map(|seen| seen.place.as_str()).collect();
    let (why, lines) = match first.daemon.has('A') {
        true => {
            let lines = closed.iter().map(|seen| {
                let modifiers = seen.daemon.modifiers.replace('A', "");
                remedy::daemon_options(seen.daemon, &modifiers)
            });
            (
                "`a' demands a login and `A' takes AUTH away",
                lines.collect(),
            )
        }
        false
            if evidence
                .cf
                .option("AuthOptions")
                .unwrap_or_default()
                .contains('p')
                && !first.has_tls(evidence) =>
        {
            let lines = remedy::certificates(evidence.cf);
            (
                "passwords are taken inside TLS only (`p'), and there is no TLS",
                lines,
            )
        }
        false => (
            "a login is demanded, and no mechanism is offered",
            String::new(),
        ),
    };
    vec![Found {
        kind: Kind::Fault,
        what: format!("Nobody can hand in mail on {}: {why}.", list(&places)),
        remedy: lines,
        place: evidence.placed(&first.daemon.cf),
    }]
}

fn no_trust_auth_mech(evidence: &Evidence<'_>) -> Vec<Found> {
    let trusted = evidence.cf.class("TrustAuthMech").members;
    let mut places = Vec::new();
    let mut offered = Vec::new();
    for seen in for_users(evidence) {
        let refused = evidence.answer(&seen.place, "RCPT elsewhere after login");
        let works = mechanisms(evidence, &seen.place, &["clear", "TLS"], |it| {
            it.starts_with("235")
        });
        let is_trusted = works.iter().all(|mechanism| trusted.contains(mechanism));
        if refused.is_some_and(|answer| answer.contains("550")) && !is_trusted {
            add_new(&mut offered, works);
            places.push(seen.place);
        }
    }
    if places.is_empty() {
        return Vec::new();
    }
    let missing: Vec<_> = offered.iter().filter(|it| !trusted.contains(*it)).collect();
    let mut trust = evidence.mc.find("TRUST_AUTH_MECH");
    let statement = trust
        .next()
        .or_else(|| evidence.mc.define("confAUTH_MECHANISMS"));
    // Who says nothing about mechanisms may not mean to have users.
    let kind = match statement {
        Some(_) => Kind::Fault,
        None => Kind::Hint,
    };
    let is_default = evidence.cf.option("AuthMechanisms").is_none() && trusted.is_empty();
    let why = match statement.is_none() && is_default {
        true => {
            "sendmail's own list of mechanisms is offered, and nobody is trusted to relay by it"
                .to_owned()
        }
        false => format!("TRUST_AUTH_MECH does not name {}", list(&missing)),
    };
    vec![Found {
        kind,
        what: format!(
            "On {} a user who has logged in may not write to other domains: {why}.",
            list(&places),
        ),
        remedy: remedy::trust(&offered),
        place: statement.map(|statement| evidence.mc.place(statement.first, statement.last)),
    }]
}

fn login_without_tls(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut places = Vec::new();
    let mut works = Vec::new();
    let all = for_users(evidence).into_iter();
    for seen in all.filter(|it| it.has_tls(evidence) && plaintext_in_clear(evidence, it).is_empty())
    {
        let here = mechanisms(evidence, &seen.place, &["clear"], |it| {
            it.starts_with("235")
        });
        if !here.is_empty() {
            add_new(&mut works, here);
            places.push(seen.place);
        }
    }
    if places.is_empty() {
        return Vec::new();
    }
    vec![Found {
        kind: Kind::Hint,
        what: format!(
            "{} logs a user in on {} without TLS.",
            list(&works).replace(" and ", " or "),
            list(&places)
        ),
        remedy: String::new(),
        place: evidence.option_place("AuthMechanisms", "confAUTH_MECHANISMS"),
    }]
}

fn md5_without_secrets(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut offered = Vec::new();
    for seen in for_users(evidence) {
        let here = mechanisms(evidence, &seen.place, &["clear", "TLS"], is_offered);
        add_new(&mut offered, here);
    }
    let md5: Vec<_> = offered.iter().filter(|it| is_md5(it)).cloned().collect();
    if md5.is_empty() {
        return Vec::new();
    }
    vec![Found {
        kind: Kind::Hint,
        what: format!(
            "{} {} offered, which only users can use whose secret is in an auxprop store.",
            list(&md5),
            verb(md5.len(), "is", "are"),
        ),
        remedy: without_md5(evidence, offered),
        place: evidence.option_place("AuthMechanisms", "confAUTH_MECHANISMS"),
    }]
}

/// The mechanisms of before without those that need the secret itself; passwords inside TLS only.
fn without_md5(evidence: &Evidence<'_>, offered: Vec<String>) -> String {
    let mut left: Vec<String> = match evidence.cf.option("AuthMechanisms") {
        Some(own) => own.split([' ', ',']).map(str::to_owned).collect(),
        None => offered,
    };
    left.retain(|mechanism| !mechanism.is_empty() && !is_md5(mechanism));
    if left.is_empty() {
        left = vec!["LOGIN".to_owned(), "PLAIN".to_owned()];
    }
    let mut lines = remedy::define("confAUTH_MECHANISMS", &left.join(" "));
    let is_password = |it: &String| ["LOGIN", "PLAIN"].contains(&it.as_str());
    let has_passwords = left.iter().any(is_password);
    // A certificate that nobody trusted yet is not to open the relay.
    let trusted = evidence.cf.class("TrustAuthMech").members;
    left.retain(|it| it != "EXTERNAL" || trusted.contains(it));
    if !left.is_empty() {
        lines.push_str(&remedy::trust(&left));
    }
    if !has_passwords {
        return lines;
    }
    let options = evidence.cf.option("AuthOptions").unwrap_or_default();
    if !options.contains('p') {
        let p = remedy::option_with(evidence.cf, "AuthOptions", "confAUTH_OPTIONS", &["p"]);
        lines.push_str(&p);
    }
    lines.push_str(&remedy::certificates(evidence.cf));
    lines
}

fn is_md5(mechanism: &str) -> bool {
    ["CRAM-MD5", "DIGEST-MD5"].contains(&mechanism)
}
