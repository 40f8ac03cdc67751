//! Lines of `.mc` to paste.

use super::Evidence;
use crate::check::{cf::Cf, daemon::Daemon};

/// The options without which sendmail leaves STARTTLS out: in the `.cf`, in the `.mc`, and a usual value.
const CERTIFICATES: &[(&str, &str, &str)] = &[
    ("CACertPath", "confCACERT_PATH", "/etc/ssl/certs"),
    (
        "CACertFile",
        "confCACERT",
        "/etc/ssl/certs/ca-certificates.crt",
    ),
    (
        "ServerCertFile",
        "confSERVER_CERT",
        "/etc/mail/certs/host.cert",
    ),
    (
        "ServerKeyFile",
        "confSERVER_KEY",
        "/etc/mail/certs/host.key",
    ),
];

/// One `define`.
pub(super) fn define(name: &str, value: &str) -> String {
    format!("define(`{name}', `{value}')dnl\n")
}

/// The mechanisms by which users may write to other domains.
pub(super) fn trust(mechanisms: &[String]) -> String {
    format!("TRUST_AUTH_MECH(`{}')dnl\n", mechanisms.join(" "))
}

/// The names, in the `.mc`, of the certificate options that are not set.
pub(super) fn missing_certificates(cf: &Cf) -> Vec<&'static str> {
    let missing = CERTIFICATES
        .iter()
        .filter(|(option, ..)| !is_set(cf, option));
    missing.map(|(_, name, _)| *name).collect()
}

/// Whether a server's certificate was meant to be there; the authorities alone serve its client too.
pub(super) fn has_server_certificate(cf: &Cf) -> bool {
    is_set(cf, "ServerCertFile") || is_set(cf, "ServerKeyFile")
}

/// The certificate options that are not set.
pub(super) fn certificates(cf: &Cf) -> String {
    let missing = CERTIFICATES
        .iter()
        .filter(|(option, ..)| !is_set(cf, option));
    let lines: String = missing
        .map(|(_, name, value)| define(name, value))
        .collect();
    match lines.is_empty() {
        true => lines,
        false => format!("{FILES}{lines}"),
    }
}

/// What has to be there before the certificate options are of use.
const FILES: &str = "dnl The files have to exist, and the key to be of mode 0600. Without them there is no TLS, and nobody\n\
    dnl can log in by LOGIN or PLAIN once p is in confAUTH_OPTIONS.\n";

fn is_set(cf: &Cf, option: &str) -> bool {
    cf.option(option).is_some_and(|value| !value.is_empty())
}

/// An option of words or letters, and more of them; what separates them is kept.
pub(super) fn option_with(cf: &Cf, option: &str, name: &str, more: &[&str]) -> String {
    let mut value = cf.option(option).unwrap_or_default().trim().to_owned();
    let comma = value.contains(',') || option == "PrivacyOptions";
    for word in more {
        if !value.is_empty() {
            value.push_str(if comma { "," } else { " " });
        }
        value.push_str(word);
    }
    define(name, &value)
}

/// The modifiers of a listener with more of them; who has to log in needs to be able to.
pub(super) fn with_modifiers(daemon: &Daemon, more: &str) -> String {
    let mut modifiers = daemon.modifiers.clone();
    if more.contains('a') {
        modifiers.retain(|modifier| modifier != 'A');
    }
    modifiers.extend(more.chars().filter(|modifier| !daemon.has(*modifier)));
    modifiers
}

/// The `DAEMON_OPTIONS` of a listener with other modifiers.
pub(super) fn daemon_options(daemon: &Daemon, modifiers: &str) -> String {
    let value = daemon.cf.split_once('=').map_or("", |(_, value)| value);
    line(fields(value), modifiers)
}

/// The same listener over IPv6, under a name of its own.
pub(super) fn over_ipv6(daemon: &Daemon, modifiers: &str) -> String {
    let value = daemon.cf.split_once('=').map_or("", |(_, value)| value);
    let is = |field: &str, letter: char| field.to_ascii_lowercase().starts_with(letter);
    let mut fields = fields(value);
    fields.retain(|field| !is(field, 'f') && !is(field, 'n'));
    let name = daemon.name.trim_end_matches("-v4").trim_end_matches("v4");
    let mut all = vec![
        "Family=inet6".to_owned(),
        format!("Name={}-v6", name.trim_end_matches('-')),
    ];
    all.append(&mut fields);
    line(all, modifiers)
}

/// sendmail drops its own listeners on port 25 with the first `DAEMON_OPTIONS`: before that they have to be named.
pub(super) fn default_mta(evidence: &Evidence<'_>) -> String {
    if evidence.mc.find("DAEMON_OPTIONS").next().is_some() {
        return String::new();
    }
    let at_25 = evidence.daemons.iter().filter(|it| is_default_mta(it));
    at_25
        .map(|daemon| daemon_options(daemon, &daemon.modifiers))
        .collect()
}

/// Whether a listener is the one that sendmail adds without `FEATURE(no_default_msa)`.
pub(super) fn is_default_msa(daemon: &Daemon) -> bool {
    daemon.cf == "O DaemonPortOptions=Port=587, Name=MSA, M=E"
}

/// Whether a listener is one that sendmail adds where no `DAEMON_OPTIONS` stands.
fn is_default_mta(daemon: &Daemon) -> bool {
    let value = daemon.cf.strip_prefix("O DaemonPortOptions=");
    value.is_some_and(|value| DEFAULT_MTA.contains(&value))
}

const DEFAULT_MTA: &[&str] = &[
    "Name=MTA",
    "Name=MTA-v4, Family=inet",
    "Name=MTA-v6, Family=inet6",
];

fn fields(value: &str) -> Vec<String> {
    let fields = value.split(',').map(str::trim);
    fields
        .filter(|field| !field.is_empty() && !field.to_ascii_lowercase().starts_with('m'))
        .map(str::to_owned)
        .collect()
}

fn line(mut fields: Vec<String>, modifiers: &str) -> String {
    if !modifiers.is_empty() {
        fields.push(format!("M={modifiers}"));
    }
    format!("DAEMON_OPTIONS(`{}')dnl\n", fields.join(", "))
}
