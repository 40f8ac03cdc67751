//! What the server is told: names, listeners, mechanisms, accounts, next hop and limits.

mod deadlines;
mod delivery;
#[cfg(test)]
mod example;
mod file;
mod limits;
mod validation;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::auth::Mechanism;
use crate::listener::ListenerConfig;

pub use deadlines::HopDeadlines;
pub use delivery::{Delivery, HopTls};
pub use limits::Limits;

/// Everything a server needs to start. Relative paths, those of a file too, begin at the process's
/// working directory.
#[derive(Clone)]
pub struct Config {
    /// The name in the greeting, in Received fields and in the certificate: a domain.
    pub hostname: String,
    /// Where to listen; at least one.
    pub listeners: Vec<ListenerConfig>,
    /// SASL mechanisms in the order in which EHLO lists them. Each is offered only where the
    /// connection carries it: PLAIN and LOGIN inside TLS (but see `clear_text_login`), OAUTHBEARER
    /// and XOAUTH2 inside TLS always, -PLUS inside TLS 1.3, EXTERNAL with a verified certificate.
    pub mechanisms: Vec<Mechanism>,
    /// Whether PLAIN and LOGIN may be used without TLS (RFC 4954, section 4, advises against).
    pub clear_text_login: bool,
    /// Accounts: name and the secret itself, which serves every mechanism with a password.
    pub users: BTreeMap<String, String>,
    /// A file of accounts with hashes and keys in place of secrets; read once, at the start.
    /// [`crate::Account`] makes its tables.
    pub user_file: Option<PathBuf>,
    /// Bearer tokens of users, for OAUTHBEARER (RFC 7628) and XOAUTH2.
    pub tokens: BTreeMap<String, Vec<String>>,
    /// A PEM file: the certificate that clients are shown, then those that lead to its authority.
    /// Read once, at the start, and together with `key`; without both a fresh authority and a
    /// certificate of it are made at each start.
    pub certificate: Option<PathBuf>,
    /// A PEM file with the private key of `certificate`.
    pub key: Option<PathBuf>,
    /// Authorities, in PEM, whose client certificates count for EXTERNAL; the user is the one
    /// common name of the certificate's subject. Without EXTERNAL no certificate is asked for.
    pub client_ca: Option<PathBuf>,
    /// The addresses that are a user's own, or `@DOMAIN` for a whole domain: for listeners that
    /// refuse `foreign-sender`, and for the Sender field. Compared as those of `rewrite` are.
    pub senders: BTreeMap<String, Vec<String>>,
    /// Addresses that leave the site by another name, `local@DOMAIN` by `other@DOMAIN`, or `@DOMAIN`
    /// by `@DOMAIN` (RFC 6409, section 8.8), where a listener has `rewrite` among its fix-ups. Local
    /// parts are compared by their octets, quoted or not, and domains without regard to case (RFC
    /// 5321, sections 2.4 and 4.1.2); an address comes before its domain, and what was replaced is
    /// not replaced again.
    pub rewrite: BTreeMap<String, String>,
    /// The mux socket of a saslauthd; if set, PLAIN and LOGIN are checked there and nowhere else.
    pub saslauthd: Option<PathBuf>,
    /// Where accepted mail goes, `HOST:PORT`, unless `delivery` knows a route for it; without either
    /// mail stays in the spool.
    pub next_hop: Option<String>,
    /// Folder of accepted mail; made if it is missing. Without it mail is in memory only and gone
    /// at the end: for tests and measurements.
    pub spool: Option<PathBuf>,
    /// How many accepted messages [`crate::Server::messages`] remembers, the latest; for programs
    /// that embed the server, and no key of the file.
    pub keep_messages: usize,
    /// Seconds until the second attempt to deliver, more than 0; later waits grow.
    pub retry_seconds: f64,
    /// Largest content in octets, as announced by SIZE (RFC 1870); at least 1.
    pub size_limit: u64,
    /// Seconds a client may be silent between commands, and the longest time for one line and for
    /// taking a reply; at least 1, and the RFC wants 300 (RFC 5321, section 4.5.3.2.7).
    pub idle_seconds: u64,
    /// How long the next hop may take.
    pub hop_deadlines: HopDeadlines,
    /// What one client may take.
    pub limits: Limits,
    /// Routes, attempts, sessions and TLS towards the next hops.
    pub delivery: Delivery,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not TOML, has a key that means nothing, or a value of the wrong kind.
    #[error("line {line}: {message}")]
    File {
        /// The line, counted from 1; 0 if it is not about one line.
        line: usize,
        /// What is wrong, with the name of the key.
        message: String,
    },
    /// A value that cannot be used.
    #[error("{key}: {message}")]
    Value {
        /// The key, as in the file.
        key: &'static str,
        /// What is wrong with its value.
        message: String,
    },
    /// A mechanism that could not succeed, since no backend knows what it needs.
    #[error("mechanisms: {mechanism} {reason}")]
    Unserved {
        /// The mechanism that was asked for.
        mechanism: Mechanism,
        /// What it needs, and why that is not there.
        reason: String,
    },
}

impl Config {
    /// PLAIN and LOGIN inside TLS only, no listeners and no accounts yet (RFC 8314).
    pub fn modern(hostname: impl Into<String>, spool: impl Into<PathBuf>) -> Self {
        Config {
            hostname: hostname.into(),
            listeners: Vec::new(),
            mechanisms: vec![Mechanism::Plain, Mechanism::Login],
            clear_text_login: false,
            users: BTreeMap::new(),
            user_file: None,
            tokens: BTreeMap::new(),
            certificate: None,
            key: None,
            client_ca: None,
            senders: BTreeMap::new(),
            rewrite: BTreeMap::new(),
            saslauthd: None,
            next_hop: None,
            spool: Some(spool.into()),
            keep_messages: 0,
            retry_seconds: 2.0,
            size_limit: 50 * 1024 * 1024,
            idle_seconds: 300,
            hop_deadlines: HopDeadlines::default(),
            limits: Limits::default(),
            delivery: Delivery::default(),
        }
    }

    /// LOGIN, PLAIN, DIGEST-MD5 and CRAM-MD5, in clear text too: what many servers still offer.
    pub fn origin(hostname: impl Into<String>, spool: impl Into<PathBuf>) -> Self {
        Config {
            mechanisms: vec![
                Mechanism::Login,
                Mechanism::Plain,
                Mechanism::DigestMd5,
                Mechanism::CramMd5,
            ],
            clear_text_login: true,
            ..Config::modern(hostname, spool)
        }
    }

    /// Reads a configuration file; `server/example.toml` has every key. `hostname` and `spool` are required; `profile` is `"modern"`
    /// (the default) or `"origin"` and stands for the keys that are not given.
    ///
    /// ```
    /// let config = msaspec_server::Config::from_toml(r#"
    ///     profile = "origin"
    ///     hostname = "msa.example.org"
    ///     spool = "/var/spool/msaspec"
    ///     listeners = [
    ///         "0.0.0.0:587,M=Ea",
    ///         "[::]:587,M=Ea",
    ///         { address = "[::]:465/tls", modifiers = "EOa", refuse = ["malformed", "foreign-sender"] },
    ///     ]
    ///     mechanisms = ["SCRAM-SHA-256", "OAUTHBEARER", "PLAIN", "LOGIN", "DIGEST-MD5", "CRAM-MD5"]
    ///     clear_text_login = true
    ///     saslauthd = "/run/saslauthd/mux"
    ///     ## user_file = "/etc/msaspec/users.toml"
    ///     ## certificate = "/etc/msaspec/chain.pem"
    ///     ## key = "/etc/msaspec/key.pem"
    ///     ## client_ca = "/etc/msaspec/clients.pem"
    ///     next_hop = "hop.example.org:25"
    ///     retry_seconds = 2
    ///     size_limit = 52428800
    ///     idle_seconds = 300
    ///     [users]
    ///     alice = "secret"
    ///     [tokens]
    ///     alice = ["vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="]
    ///     [senders]
    ///     alice = ["alice@example.org", "@alice.example"]
    ///     [rewrite]
    ///     "jru@example.org" = "J.Random.User@example.org"
    ///     "@squeaky.example.org" = "@example.org"
    ///     [hop_deadlines]
    ///     connect = 30
    ///     end_of_data = 600
    ///     [delivery]
    ///     longest_retry = 1800
    ///     lifetime = 432000
    ///     tls_for = { "bank.example" = "required" }
    /// "#)?;
    /// config.validate()?;
    /// # Ok::<(), msaspec_server::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::File`] with line and key. What concerns several keys is seen by
    /// [`Config::validate`], since a caller may still add listeners and accounts.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        file::read(text)
    }

    /// Checks what [`crate::Server::start`] will insist on, and opens nothing: that `hostname` is a
    /// domain and, if a listener completes domains, is in one; that there is a listener, and none
    /// twice at a port; that numbers and times are within the bounds that their fields name, and no
    /// time beyond a year; that next hops and routes are `HOST:PORT`, that `senders` and `rewrite`
    /// hold addresses, that no mechanism is listed twice and that every account and token can be
    /// used; that every mechanism has what it needs of every account; and that the files that are
    /// named (`user_file`, `certificate`, `key`, `client_ca`, `delivery.ca_file`) can be read and
    /// used.
    ///
    /// Not that an address is free, that a name is known to the DNS, that a saslauthd answers, or
    /// that there is an account at all: a server without one refuses every password, as it should.
    ///
    /// # Errors
    /// The first value that cannot be used, by its key, or a mechanism that no backend can serve.
    pub fn validate(&self) -> Result<(), ConfigError> {
        validation::check(self)
    }

    /// The domain by which unqualified ones are completed, if the server's name is in one.
    pub(crate) fn completion(&self) -> Option<&str> {
        validation::completion(&self.hostname)
    }

    /// Nothing if the number makes no sense.
    pub(crate) fn retry(&self) -> Duration {
        Duration::try_from_secs_f64(self.retry_seconds).unwrap_or_default()
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }
}

impl fmt::Debug for Config {
    /// Everything but the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("hostname", &self.hostname)
            .field("listeners", &self.listeners)
            .field("mechanisms", &self.mechanisms)
            .field("clear_text_login", &self.clear_text_login)
            .field("users", &self.users.keys().collect::<Vec<_>>())
            .field("user_file", &self.user_file)
            .field("tokens", &self.tokens.keys().collect::<Vec<_>>())
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("client_ca", &self.client_ca)
            .field("senders", &self.senders)
            .field("rewrite", &self.rewrite)
            .field("saslauthd", &self.saslauthd)
            .field("next_hop", &self.next_hop)
            .field("spool", &self.spool)
            .field("keep_messages", &self.keep_messages)
            .field("retry_seconds", &self.retry_seconds)
            .field("size_limit", &self.size_limit)
            .field("idle_seconds", &self.idle_seconds)
            .field("hop_deadlines", &self.hop_deadlines)
            .field("limits", &self.limits)
            .field("delivery", &self.delivery)
            .finish()
    }
}
