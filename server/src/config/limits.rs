//! The section `[limits]`: what one client may take, so that none takes it from the others.

use std::time::Duration;

use serde::Deserialize;

use super::ConfigError;

/// Bounds on what clients may use up. Times are in seconds, sizes in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at a time on all listeners together, and at most half of the file descriptors
    /// that the system grants; further ones are told 421 4.3.2. At least 1. Default 10000.
    pub connections: usize,
    /// Connections at a time from one address, where IPv6 addresses count by their /64; further
    /// ones are told 421 4.7.0. Where the system does not grant `connections`, at most half of what
    /// it grants. At least 1. Default 1000.
    pub connections_per_address: usize,
    /// Recipients of one transaction; further ones are refused with 452 (RFC 5321, section
    /// 4.5.3.1.10), and the session is ended with 421 4.7.0 once as many were refused with 4yz since
    /// its last message. At least 100 (section 4.5.3.1.8). Default 1000.
    pub recipients: usize,
    /// Commands of one session that may be refused with 5yz before it is ended with 421 4.7.0; a
    /// message taken makes up for all before it. At least 1. Default 100.
    pub errors: u32,
    /// Commands of one session before it is ended with 421 4.7.0; a message taken sets the count
    /// back, and RCPT does not count. At least 1. Default 1000.
    pub commands_without_mail: u32,
    /// Failed logins of one session after which it is ended with 421 4.7.0 in place of the next
    /// 535; those that are not checked any more count. At least 3 (RFC 4954, section 9). Default 5.
    pub failed_logins_per_session: u32,
    /// Failed logins of one address (IPv6 by its /64) after which AUTH is answered 454 4.7.0 and
    /// nothing is checked, until they are forgotten; 0 for no limit. An exchange counts once its
    /// credentials were found wrong, however the client leaves it. Default 100.
    pub failed_logins_per_address: u32,
    /// How long the 535 to the fourth failed login of an address is held back, and so long nothing
    /// else is checked for that address; each further one takes twice as long. 0 for no delay.
    /// Default 1.
    pub login_delay_seconds: u64,
    /// The longest of these delays. Default 16.
    pub login_delay_max_seconds: u64,
    /// How long after its last failed login those of an address are forgotten. Default 900.
    pub login_memory_seconds: u64,
    /// The longest time for a TLS handshake. At least 1. Default 60.
    pub handshake_seconds: u64,
    /// How long a client may be silent inside a content, which is then lost. At least 1; the RFC
    /// gives senders 180 for one block (RFC 5321, section 4.5.3.2.5). Default 180.
    pub block_seconds: u64,
    /// The longest time for one content, however steadily it drips in. At least 1. Default 3600.
    pub content_seconds: u64,
    /// Octets a second that a content has to bring in every `rate_window_seconds`; a client that is
    /// slower is told 421 4.4.2. 0 for no such demand. Default 100.
    pub minimum_rate: u64,
    /// Over how long that rate is measured; a content that is finished sooner may come at any
    /// rate. At least 1. Default 300.
    pub rate_window_seconds: u64,
    /// Memory in octets for the contents and recipients that all sessions together are receiving, but
    /// always enough for the largest message; one user has at most half of it, or one that is the
    /// largest. What exceeds it is refused with 452 4.3.1. Default 134217728.
    pub content_memory: u64,
    /// How long a shutdown waits for contents and deliveries under way. Default 10. A next hop that
    /// has the content and has not answered by then may have taken it; it is sent again after the
    /// next start. Whoever minds that sets this to `hop_deadlines.end_of_data`.
    pub grace_seconds: u64,
}

/// Seconds that no time of a configuration exceeds; clocks cannot count to every number.
pub(super) const YEAR: u64 = 365 * 24 * 3600;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 10_000,
            connections_per_address: 1000,
            recipients: 1000,
            errors: 100,
            commands_without_mail: 1000,
            failed_logins_per_session: 5,
            failed_logins_per_address: 100,
            login_delay_seconds: 1,
            login_delay_max_seconds: 16,
            login_memory_seconds: 900,
            handshake_seconds: 60,
            block_seconds: 180,
            content_seconds: 3600,
            minimum_rate: 100,
            rate_window_seconds: 300,
            content_memory: 128 * 1024 * 1024,
            grace_seconds: 10,
        }
    }
}

impl Limits {
    /// The same without delays and without a limit of the failed logins of one address: for tests,
    /// whose clients all have one address and fail to log in on purpose.
    #[must_use]
    pub fn without_login_delays(self) -> Limits {
        Limits {
            login_delay_seconds: 0,
            failed_logins_per_address: 0,
            ..self
        }
    }

    pub(crate) fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }

    /// The first limit that would keep every client out, or that an RFC forbids.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let least = [
            ("limits.connections", wide(self.connections), 1),
            (
                "limits.connections_per_address",
                wide(self.connections_per_address),
                1,
            ),
            ("limits.recipients", wide(self.recipients), 100),
            ("limits.errors", self.errors.into(), 1),
            (
                "limits.commands_without_mail",
                self.commands_without_mail.into(),
                1,
            ),
            (
                "limits.failed_logins_per_session",
                self.failed_logins_per_session.into(),
                3,
            ),
            ("limits.handshake_seconds", self.handshake_seconds, 1),
            ("limits.block_seconds", self.block_seconds, 1),
            ("limits.content_seconds", self.content_seconds, 1),
            ("limits.rate_window_seconds", self.rate_window_seconds, 1),
        ];
        let longest = [
            ("limits.login_delay_seconds", self.login_delay_seconds),
            (
                "limits.login_delay_max_seconds",
                self.login_delay_max_seconds,
            ),
            ("limits.login_memory_seconds", self.login_memory_seconds),
            ("limits.handshake_seconds", self.handshake_seconds),
            ("limits.block_seconds", self.block_seconds),
            ("limits.content_seconds", self.content_seconds),
            ("limits.rate_window_seconds", self.rate_window_seconds),
            ("limits.grace_seconds", self.grace_seconds),
        ];
        let too_small = least.iter().find(|(_, number, least)| number < least);
        let too_long = longest.iter().find(|(_, seconds)| *seconds > YEAR);
        let (key, message) = match (too_small, too_long) {
            (Some((key, _, least)), _) => (key, format!("at least {least}")),
            (None, Some((key, _))) => (key, format!("at most {YEAR}, which is a year")),
            (None, None) => return Ok(()),
        };
        Err(ConfigError::Value { key, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", None)]
    #[case("connections = 0", Some("limits.connections: at least 1"))]
    #[case("recipients = 99", Some("limits.recipients: at least 100"))]
    #[case(
        "failed_logins_per_session = 2",
        Some("limits.failed_logins_per_session: at least 3")
    )]
    #[case(
        "grace_seconds = 31536001",
        Some("limits.grace_seconds: at most 31536000, which is a year")
    )]
    #[case("minimum_rate = 0\nlogin_delay_seconds = 0", None)]
    fn what_would_keep_clients_out_is_refused(#[case] text: &str, #[case] fault: Option<&str>) {
        let limits: Limits = toml::from_str(text).unwrap();
        let found = limits.check().err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), fault);
    }
}
