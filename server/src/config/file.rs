//! The configuration file: TOML in which every key has to mean something.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Config, ConfigError, Delivery, HopDeadlines, Limits};
use crate::auth::Mechanism;
use crate::listener::ListenerConfig;
use crate::near::did_you_mean;

pub(super) fn read(text: &str) -> Result<Config, ConfigError> {
    let file: File = toml::from_str(text).map_err(|error| ConfigError::File {
        line: error.span().map_or(0, |span| line_of(text, span.start)),
        message: plainer(error.message()),
    })?;
    let base = match file.profile {
        Profile::Modern => Config::modern(file.hostname, file.spool),
        Profile::Origin => Config::origin(file.hostname, file.spool),
    };
    Ok(Config {
        listeners: file.listeners,
        mechanisms: file.mechanisms.unwrap_or(base.mechanisms),
        clear_text_login: file.clear_text_login.unwrap_or(base.clear_text_login),
        users: file.users,
        user_file: file.user_file,
        tokens: file.tokens,
        certificate: file.certificate,
        key: file.key,
        client_ca: file.client_ca,
        senders: file.senders,
        rewrite: file.rewrite,
        saslauthd: file.saslauthd,
        next_hop: file.next_hop,
        retry_seconds: file.retry_seconds.unwrap_or(base.retry_seconds),
        size_limit: file.size_limit.unwrap_or(base.size_limit),
        idle_seconds: file.idle_seconds.unwrap_or(base.idle_seconds),
        hop_deadlines: file.hop_deadlines,
        limits: file.limits,
        delivery: file.delivery,
        keep_messages: base.keep_messages,
        hostname: base.hostname,
        spool: base.spool,
    })
}

/// What is said about an unknown key, with what may have been meant first; other messages as they
/// are.
fn plainer(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted.next() {
        Some(key) if message.starts_with("unknown field") => {
            let known: Vec<_> = quoted.collect();
            let near = did_you_mean(key, known.iter().copied());
            let near = if near.is_empty() { ";" } else { &near };
            format!("{key}: no such key{near} known are {}", known.join(", "))
        }
        _ => message.to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    profile: Profile,
    hostname: String,
    spool: PathBuf,
    #[serde(default)]
    listeners: Vec<ListenerConfig>,
    mechanisms: Option<Vec<Mechanism>>,
    clear_text_login: Option<bool>,
    #[serde(default, deserialize_with = "users")]
    users: BTreeMap<String, String>,
    user_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "tokens")]
    tokens: BTreeMap<String, Vec<String>>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    #[serde(default)]
    senders: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    rewrite: BTreeMap<String, String>,
    saslauthd: Option<PathBuf>,
    next_hop: Option<String>,
    retry_seconds: Option<f64>,
    size_limit: Option<u64>,
    idle_seconds: Option<u64>,
    #[serde(default)]
    hop_deadlines: HopDeadlines,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    delivery: Delivery,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Profile {
    #[default]
    Modern,
    Origin,
}

/// Names and secrets. An error must not show the value, as the parser's own would.
fn users<'de, D: Deserializer<'de>>(table: D) -> Result<BTreeMap<String, String>, D::Error> {
    entries("users", table)?
        .map(|(name, secret)| match secret {
            toml::Value::String(secret) => Ok((name, secret)),
            _ => Err(D::Error::custom(format!(
                "users: the secret of {name} is not a string"
            ))),
        })
        .collect()
}

/// Names and lists of tokens; the same care.
fn tokens<'de, D: Deserializer<'de>>(table: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    entries("tokens", table)?
        .map(|(name, tokens)| {
            let fault =
                || D::Error::custom(format!("tokens: those of {name} are not a list of strings"));
            let tokens = tokens.as_array().ok_or_else(fault)?.iter();
            let tokens = tokens.map(|token| token.as_str().map(str::to_owned));
            let tokens = tokens.collect::<Option<_>>().ok_or_else(fault)?;
            Ok((name, tokens))
        })
        .collect()
}

fn entries<'de, D: Deserializer<'de>>(
    key: &str,
    table: D,
) -> Result<impl Iterator<Item = (String, toml::Value)>, D::Error> {
    match toml::Value::deserialize(table)? {
        toml::Value::Table(table) => Ok(table.into_iter()),
        _ => Err(D::Error::custom(format!("{key}: not a table"))),
    }
}

fn line_of(text: &str, position: usize) -> usize {
    1 + text
        .bytes()
        .take(position)
        .filter(|octet| *octet == b'\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HopTls;
    use rstest::rstest;

    const WHOLE: &str = r#"
profile = "origin"
hostname = "mail.example.org"
spool = "/var/spool/msaspec"
listeners = ["127.0.0.1:587,M=EOa", "[::1]:465/tls"]
next_hop = "hop.example.org:25"
size_limit = 1000
[users]
alice = "secret"
[hop_deadlines]
end_of_data = 0.5
[delivery]
lifetime = 60
tls = "required"
"#;

    #[test]
    fn a_file_is_read_whole() {
        let config = read(WHOLE).unwrap();
        assert_eq!(config.validate(), Ok(()));
        assert_eq!(config.mechanisms.len(), 4);
        assert!(config.clear_text_login);
        assert_eq!(config.listeners[1].modifiers.to_string(), "as");
        assert_eq!(config.hop_deadlines.end_of_data.as_millis(), 500);
        assert_eq!(config.delivery.lifetime.as_secs(), 60);
        assert_eq!(config.delivery.tls, HopTls::Required);
        assert_eq!(config.hop_deadlines.mail.as_secs(), 300);
        assert!((config.retry_seconds - 2.0).abs() < f64::EPSILON);
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[rstest]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\nnexthop = true\n",
        3,
        "nexthop: no such key; did you mean next_hop? known are profile, "
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\n[limits]\nconections = 1\n",
        4,
        "conections: no such key; did you mean connections?"
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\nxyz = true\n",
        3,
        "xyz: no such key; known are profile, "
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\nlisteners = [\"127.0.0.1:587,M=x\"]",
        3,
        "'x'"
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\nmechanisms = [\"SCRAM\"]",
        3,
        "SCRAM"
    )]
    #[case("spool = \"s\"\n", 1, "hostname")]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\nsize_limit = \"big\"",
        3,
        "big"
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\nusers = { alice = 1234 }",
        3,
        "of alice is not"
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\ntokens = { alice = \"1234\" }",
        3,
        "of alice are not"
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\nusers = \"1234\"",
        3,
        "users: not a table"
    )]
    #[case(
        "hostname = \"a.example\"\nspool = \"s\"\ntokens = [\"1234\"]",
        3,
        "tokens: not a table"
    )]
    fn a_fault_is_named_with_its_line(#[case] text: &str, #[case] line: usize, #[case] word: &str) {
        let Err(ConfigError::File {
            line: found,
            message,
        }) = read(text)
        else {
            panic!("read {text:?}");
        };
        assert_eq!(found, line, "{message}");
        assert!(
            message.contains(word) && !message.contains("1234"),
            "{message}"
        );
    }

    #[rstest]
    #[case(
        "mechanisms = [\"CRAM-MD5\"]\nsaslauthd = \"/run/saslauthd/mux\"",
        "CRAM-MD5 needs the secret"
    )]
    #[case("next_hop = \"hop\"", "next_hop")]
    #[case("next_hop = \"::1:25\"", "next_hop")]
    #[case("retry_seconds = 0", "retry_seconds")]
    #[case("retry_seconds = 1e300", "retry_seconds")]
    #[case(
        "delivery = { routes = { \"b.example\" = \"hop\" } }",
        "delivery.routes"
    )]
    #[case("delivery = { connections = 0 }", "delivery.connections")]
    #[case("delivery = { port = 0 }", "delivery.port")]
    #[case("hop_deadlines = { rcpt = 0 }", "hop_deadlines.rcpt: more than 0")]
    #[case(
        "hop_deadlines = { commands = 0 }",
        "hop_deadlines.commands: more than 0"
    )]
    #[case(
        "hop_deadlines = { content = 0 }",
        "hop_deadlines.content: more than 0"
    )]
    #[case("delivery = { jitter = 2 }", "delivery.jitter")]
    #[case("delivery = { ca_file = \"/nonexistent/ca\" }", "/nonexistent/ca")]
    #[case("users = { alice = \"\" }", "users: alice")]
    #[case("users = { alice = \"\u{ad}\" }", "users: alice")]
    #[case("mechanisms = [\"PLAIN\", \"PLAIN\"]", "PLAIN is listed twice")]
    #[case(
        "mechanisms = [\"CRAM-MD5\"]",
        "CRAM-MD5 needs the secret itself, and there are no users"
    )]
    #[case(
        "mechanisms = [\"SCRAM-SHA-256-PLUS\"]\nsaslauthd = \"/run/saslauthd/mux\"",
        "SCRAM-SHA-256-PLUS needs keys made from the secret; saslauthd can only check plain passwords"
    )]
    #[case("mechanisms = [\"XOAUTH2\"]", "XOAUTH2 needs tokens")]
    #[case(
        "senders = { alice = [\"alice@\"] }",
        "senders: \"alice@\" of alice is neither"
    )]
    #[case(
        "rewrite = { \"jru@example.org\" = \"@example.org\" }",
        "rewrite: \"jru@example.org\": an address by an address"
    )]
    #[case("mechanisms = [\"EXTERNAL\"]", "EXTERNAL needs client_ca")]
    #[case(
        "tokens = { alice = [\"a\"], bob = [\"a\"] }",
        "bob has one that was there before"
    )]
    #[case("tokens = { alice = [\"a b\"] }", "tokens")]
    #[case("tokens = { alice = [] }", "tokens")]
    #[case("users = { IX = \"a\", \"\u{2168}\" = \"b\" }", "one name to SASLprep")]
    #[case("user_file = \"/nonexistent/users\"", "user_file: /nonexistent/users")]
    #[case(
        "mechanisms = [\"EXTERNAL\"]\nclient_ca = \"/nonexistent/ca\"",
        "client_ca: /nonexistent/ca"
    )]
    fn what_cannot_work_is_refused(#[case] lines: &str, #[case] word: &str) {
        let text = format!(
            "hostname = \"a.example\"\nspool = \"s\"\nlisteners = [\"127.0.0.1:0\"]\n{lines}"
        );
        let fault = read(&text).unwrap().validate().unwrap_err().to_string();
        assert!(fault.contains(word), "{fault}");
    }

    #[rstest]
    #[case(
        "{ address = \"127.0.0.1:0\", modifiers = \"aS\", require_tls = true }",
        Some("modifier S")
    )]
    #[case(
        "{ address = \"127.0.0.1:0/tls\", modifiers = \"aS\", require_tls = true }",
        None
    )]
    #[case("{ address = \"127.0.0.1:0\", require_tls = true }", None)]
    fn tls_that_is_required_has_to_be_possible(#[case] listener: &str, #[case] word: Option<&str>) {
        let text = format!(
            "hostname = \"a.example\"\nspool = \"s\"\nlisteners = [{listener}]\nusers = {{ alice = \"secret\" }}"
        );
        let fault = read(&text)
            .unwrap()
            .validate()
            .err()
            .map(|fault| fault.to_string());
        assert_eq!(fault.is_some(), word.is_some(), "{fault:?}");
        assert!(fault.unwrap_or_default().contains(word.unwrap_or_default()));
    }
}
