//! How accepted mail finds its way: routes, attempts, sessions and TLS.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The section `[delivery]`. Times are seconds in the file, with a fraction if need be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Recipient domains whose mail goes to a `HOST:PORT` of their own, not to `next_hop`. Where
    /// neither that nor `mx` takes the rest, it fails with 5.4.4.
    pub routes: BTreeMap<String, String>,
    /// Whether mail without route and without `next_hop` goes to the recipient domain's own hosts,
    /// as the DNS names them (RFC 5321, section 5.1).
    pub mx: bool,
    /// The port of hosts that the DNS names.
    pub port: u16,
    /// Name servers to ask; none means those of the system.
    pub resolver: Vec<SocketAddr>,
    /// The longest wait between two attempts; the first one is `retry_seconds`, and each is twice
    /// as long as the one before.
    #[serde(deserialize_with = "seconds")]
    pub longest_retry: Duration,
    /// By which part each wait is made longer or shorter at random, from 0 to 1.
    pub jitter: f64,
    /// How long a recipient is tried, counted from the arrival (RFC 5321, section 4.5.4.1).
    #[serde(deserialize_with = "seconds")]
    pub lifetime: Duration,
    /// After how long the sender is told that delivery takes its time.
    #[serde(deserialize_with = "seconds")]
    pub delay_report_after: Duration,
    /// Sessions at a time, with all hosts together; at least 1.
    pub connections: usize,
    /// Sessions at a time with the hosts of one domain, or with one `HOST:PORT`; at least 1. Those
    /// of which `tls_for` asks different things count apart.
    pub connections_per_destination: usize,
    /// How long a session without work is kept for the next message. With 0 it serves what waits
    /// already, and ends.
    #[serde(deserialize_with = "seconds")]
    pub idle: Duration,
    /// Whether sessions are encrypted.
    pub tls: HopTls,
    /// The same for single recipient domains, or for the host of a route or of `next_hop`; of two
    /// such rules the stricter one.
    pub tls_for: BTreeMap<String, HopTls>,
    /// Authorities in PEM for `tls = "required"`; without it those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// What is asked of a session with a next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HopTls {
    /// Encrypted wherever the host offers it, whoever signed its certificate (RFC 7435).
    #[default]
    Opportunistic,
    /// Encrypted, with a certificate that is good for the host's name; otherwise nothing is sent.
    Required,
    /// Never encrypted.
    None,
}

impl Default for Delivery {
    fn default() -> Self {
        Delivery {
            routes: BTreeMap::new(),
            mx: false,
            port: 25,
            resolver: Vec::new(),
            longest_retry: Duration::from_secs(30 * 60),
            jitter: 0.1,
            lifetime: Duration::from_secs(5 * 24 * 60 * 60),
            delay_report_after: Duration::from_secs(4 * 60 * 60),
            connections: 64,
            connections_per_destination: 8,
            idle: Duration::ZERO,
            tls: HopTls::Opportunistic,
            tls_for: BTreeMap::new(),
            ca_file: None,
        }
    }
}

/// A time in seconds, whole or with a fraction.
pub(super) fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(value)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| D::Error::custom(format!("{seconds} is not a number of seconds")))
}
