//! Logging in: which mechanisms, under which conditions, and what it opens.

use super::{
    super::{cf::Cf, findings::Promise},
    listed, promise, words,
};

/// The mechanisms that a user is certain to find, at the latest under TLS.
pub(super) fn promised(cf: &Cf, tls: bool) -> Vec<String> {
    let letters = cf.option("AuthOptions").unwrap_or_default();
    let has = |letter: char| letters.contains(letter);
    let stays = |mechanism: &&str| {
        let in_clear = ["PLAIN", "LOGIN"].contains(mechanism);
        // Cyrus SASL counts none of the four as safe against active attackers or guessed passwords, or as
        // secret for ever; DIGEST-MD5 alone proves the server, PLAIN and LOGIN alone hand the password over.
        !has('a')
            && !has('d')
            && !has('f')
            && (!has('m') || *mechanism == "DIGEST-MD5")
            && (!has('c') || in_clear)
            && (!has('p') || !in_clear || tls)
    };
    let known = ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"];
    let offered = words(cf.option("AuthMechanisms").unwrap_or(SENDMAILS_OWN));
    let mut promised: Vec<String> = Vec::new();
    for mechanism in offered.map(str::to_ascii_uppercase) {
        if known.contains(&mechanism.as_str())
            && stays(&mechanism.as_str())
            && !promised.contains(&mechanism)
        {
            promised.push(mechanism);
        }
    }
    promised
}

/// Nobody logs in without TLS: every mechanism sends the password, and `p` keeps those for TLS.
pub(super) fn needs_tls(cf: &Cf) -> bool {
    let mut offered = words(cf.option("AuthMechanisms").unwrap_or_default()).peekable();
    let has_p = cf.option("AuthOptions").unwrap_or_default().contains('p');
    has_p
        && offered.peek().is_some()
        && offered
            .all(|mechanism| ["PLAIN", "LOGIN"].contains(&mechanism.to_ascii_uppercase().as_str()))
}

pub(super) fn explained(cf: &Cf) -> Vec<Promise> {
    let mut promises = vec![mechanisms(cf)];
    promises.extend(options(cf));
    promises.push(trusted(cf));
    if let Some(map) = cf.map("authinfo") {
        let sentence = format!(
            "sendmail logs in at next hops by what {} says of them",
            map.argument
        );
        promises.push(promise("authinfo", sentence, &map.line));
    }
    for (option, before, after) in [
        (
            "DefaultAuthInfo",
            "sendmail logs in at next hops by what ",
            " says",
        ),
        ("AuthRealm", "users are looked up in the realm ", ""),
        (
            "AuthMaxBits",
            "a security layer of SASL has at most ",
            " bits",
        ),
    ] {
        if let (Some(value), Some(line)) = (cf.option(option), cf.option_line(option)) {
            promises.push(promise(option, format!("{before}{value}{after}"), line));
        }
    }
    promises
}

fn mechanisms(cf: &Cf) -> Promise {
    let subject = "AuthMechanisms";
    match (cf.option(subject), cf.option_line(subject)) {
        (Some(value), Some(line)) => {
            let offered: Vec<_> = words(value).collect();
            let sentence = match offered.is_empty() {
                true => "nobody can log in: the list of mechanisms is empty".to_owned(),
                false => format!(
                    "users can log in by {}, as far as the SASL library has them",
                    listed(&offered)
                ),
            };
            promise(subject, sentence, line)
        }
        _ => {
            let own: Vec<_> = words(SENDMAILS_OWN).collect();
            let sentence = format!(
                "not set: sendmail's own list is {}, without PLAIN and LOGIN",
                listed(&own)
            );
            promise(subject, sentence, "")
        }
    }
}

fn options(cf: &Cf) -> Option<Promise> {
    let subject = "AuthOptions";
    let passwords = words(cf.option("AuthMechanisms").unwrap_or_default())
        .any(|mechanism| ["PLAIN", "LOGIN"].contains(&mechanism.to_ascii_uppercase().as_str()));
    match (cf.option(subject), cf.option_line(subject)) {
        (Some(value), Some(line)) => {
            let letters = value
                .chars()
                .filter(|letter| !letter.is_whitespace() && *letter != ',');
            let mut parts: Vec<_> = letters
                .map(|letter| format!("{} ({letter})", meaning(letter)))
                .collect();
            if passwords && !value.contains('p') {
                parts.push("without p passwords may be sent in clear text".to_owned());
            }
            Some(promise(subject, parts.join("; "), line))
        }
        _ => {
            passwords.then(|| promise(subject, "not set: passwords may be sent in clear text", ""))
        }
    }
}

fn meaning(letter: char) -> &'static str {
    match letter {
        'A' => "the next hop is told who logged in only where sendmail could log in there",
        'a' => {
            "mechanisms that an active attacker can break are left out: of PLAIN, LOGIN, CRAM-MD5 and DIGEST-MD5 none is left"
        }
        'c' => "only mechanisms that hand the password over are offered: PLAIN and LOGIN",
        'd' => {
            "mechanisms that fall to guessed passwords are left out: of PLAIN, LOGIN, CRAM-MD5 and DIGEST-MD5 none is left"
        }
        'f' => {
            "only mechanisms with forward secrecy are offered: none of PLAIN, LOGIN, CRAM-MD5 and DIGEST-MD5"
        }
        'm' => {
            "only mechanisms in which the server proves itself are offered: of the usual ones DIGEST-MD5"
        }
        'p' => "PLAIN and LOGIN are offered only under TLS",
        'y' => "ANONYMOUS is not offered",
        _ => "sendmail warns about this letter and ignores it",
    }
}

fn trusted(cf: &Cf) -> Promise {
    let members: Vec<_> = cf.class("TrustAuthMech").members.into_iter().collect();
    let line = cf.line_with("C{TrustAuthMech}").unwrap_or_default();
    let sentence = match members.is_empty() {
        true => "not set: who has logged in may not relay by that".to_owned(),
        false => format!(
            "who has logged in by {} may relay to any address",
            listed(&members).replace(" and ", " or ")
        ),
    };
    promise("TRUST_AUTH_MECH", sentence, line)
}

const SENDMAILS_OWN: &str = "EXTERNAL GSSAPI KERBEROS_V4 DIGEST-MD5 CRAM-MD5";
