//! What a target promises: promised and absent is a failure, where mere absence is skipped.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The `[promises]` of a target. A key that is left out promises nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Promises {
    /// Listeners by port and family, such as `587/inet6`.
    pub listeners: Vec<ListenerName>,
    /// STARTTLS is offered on the submission listeners (RFC 3207).
    pub starttls: bool,
    /// Before TLS nothing leads to a message on the submission listeners (RFC 3207 section 6).
    pub tls_required: bool,
    /// MAIL is refused before authentication (RFC 6409 section 4.3).
    pub authentication_required: bool,
    /// SASL mechanisms, at the latest after TLS.
    pub mechanisms: Vec<String>,
    /// EHLO keywords, at the latest after TLS.
    pub extensions: Vec<String>,
    /// Mail that a next hop puts off, loses or is silent about is delivered or reported within this
    /// time, written in seconds from 1 to 86400. RFC 5321 sections 4.5.3.2 and 4.5.4.1 advise servers
    /// to take longer than a run waits: without this promise, mail that is still queued breaks nothing.
    #[serde(deserialize_with = "seconds")]
    pub retries_within: Option<Duration>,
}

impl Promises {
    /// Whether a mechanism is promised; names are compared without regard to case.
    pub fn mechanism(&self, name: &str) -> bool {
        self.mechanisms
            .iter()
            .any(|promised| promised.eq_ignore_ascii_case(name))
    }
}

/// A listener as administrators name it: port and family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ListenerName {
    /// The TCP port.
    pub port: u16,
    /// The address family.
    pub family: Family,
}

/// An address family, in the words of `DAEMON_OPTIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl Family {
    /// The family as a transcript shows it.
    pub fn ip(self) -> &'static str {
        match self {
            Family::Inet => "IPv4",
            Family::Inet6 => "IPv6",
        }
    }
}

impl fmt::Display for ListenerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::Inet => "inet",
            Family::Inet6 => "inet6",
        };
        write!(f, "{}/{family}", self.port)
    }
}

impl TryFrom<String> for ListenerName {
    type Error = String;

    fn try_from(text: String) -> Result<ListenerName, String> {
        let parsed = text.split_once('/').and_then(|(port, family)| {
            let family = match family {
                "inet" => Family::Inet,
                "inet6" => Family::Inet6,
                _ => return None,
            };
            Some(ListenerName {
                port: port.parse().ok().filter(|port| *port > 0)?,
                family,
            })
        });
        parsed.ok_or_else(|| {
            format!("\"{text}\" is no listener: write port and family, such as \"587/inet\" or \"587/inet6\"")
        })
    }
}

fn seconds<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Duration>, D::Error> {
    match u64::deserialize(from)? {
        seconds @ 1..=A_DAY => Ok(Some(Duration::from_secs(seconds))),
        other => Err(D::Error::custom(format!(
            "{other} is not from 1 to {A_DAY} seconds"
        ))),
    }
}

const A_DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_read() {
        let promises: Promises = toml::from_str(
            "listeners = [\"587/inet\", \"465/inet6\"]\nstarttls = true\ntls_required = true\nmechanisms = [\"PLAIN\"]\n\
             retries_within = 90",
        )
        .unwrap();
        assert_eq!(promises.retries_within, Some(Duration::from_secs(90)));
        assert_eq!(promises.listeners[1].to_string(), "465/inet6");
        assert!(promises.starttls && promises.tls_required && !promises.authentication_required);
    }

    #[test]
    fn a_slip_is_named() {
        for (text, word) in [
            ("startls = true", "startls"),
            ("listeners = [\"587/ipv6\"]", "587/ipv6"),
            ("retries_within = 0", "0 is not from 1 to 86400 seconds"),
            ("retries_within = 86401", "86401 is not from 1"),
            ("retries_within = -1", "-1"),
            ("retries_within = \"1 h\"", "invalid type"),
        ] {
            let error = toml::from_str::<Promises>(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
