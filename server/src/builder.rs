//! The server for a program that embeds it: everything has a usual value, and is told only where
//! it matters.

use std::path::PathBuf;

use crate::auth::Mechanism;
use crate::blocking;
use crate::config::{Config, ConfigError};
use crate::listener::{ListenerConfig, ListenerSyntax};
use crate::server::{Server, StartError};

/// A server to be started: on free loopback ports of both families with STARTTLS and with implicit
/// TLS, PLAIN and LOGIN inside TLS, mail kept in memory, nothing relayed. A failed login is answered
/// at once however often it fails, since every client of a test has one address; `login_delay_seconds`
/// and `failed_logins_per_address` of [`Limits`](crate::Limits) say otherwise.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use msaspec_server::Server;
///
/// let server = Server::builder().user("alice", "secret").start().await?;
/// let (address, trusted) = (server.submission(), server.ca_pem());
/// // Here the program under test submits its mail to `address` as alice.
/// let message = server.messages().nth(1).await?;
/// assert_eq!(message.sender, "alice@example.org");
/// assert!(message.text().contains("Subject: Hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing before it is started"]
pub struct Builder {
    config: Config,
    /// Told by name; the usual ones otherwise.
    listeners: Vec<String>,
}

/// Messages that an embedded server keeps for [`Server::messages`].
const KEPT: usize = 1000;
/// The usual name; certificates are for `localhost` and the loopback addresses too.
const HOSTNAME: &str = "submission.example";

impl Default for Builder {
    fn default() -> Self {
        let config = Config {
            spool: None,
            keep_messages: KEPT,
            ..Config::modern(HOSTNAME, "")
        };
        let config = Config {
            limits: config.limits.without_login_delays(),
            ..config
        };
        Builder {
            config,
            listeners: Vec::new(),
        }
    }
}

impl Builder {
    /// Adds an account; the secret serves every mechanism with a password.
    pub fn user(mut self, name: impl Into<String>, secret: impl Into<String>) -> Self {
        self.config.users.insert(name.into(), secret.into());
        self
    }

    /// Adds a bearer token of a user, for OAUTHBEARER and XOAUTH2 (RFC 7628).
    pub fn token(mut self, user: impl Into<String>, token: impl Into<String>) -> Self {
        let tokens = self.config.tokens.entry(user.into()).or_default();
        tokens.push(token.into());
        self
    }

    /// Offers these mechanisms, in this order, in place of PLAIN and LOGIN.
    pub fn mechanisms(mut self, mechanisms: impl IntoIterator<Item = Mechanism>) -> Self {
        self.config.mechanisms = mechanisms.into_iter().collect();
        self
    }

    /// Allows PLAIN and LOGIN without TLS (RFC 4954, section 4, advises against).
    pub fn clear_text_login(mut self) -> Self {
        self.config.clear_text_login = true;
        self
    }

    /// The server's name in greeting, trace and certificate.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.config.hostname = hostname.into();
        self
    }

    /// Shows clients this certificate in place of one that is made at the start: PEM files of a
    /// chain, the server's own first, and of its key.
    pub fn certificate(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.config.certificate = Some(chain.into());
        self.config.key = Some(key.into());
        self
    }

    /// Adds a listener, `ADDR:PORT[/tls][,M=MODIFIERS]`, in place of the usual ones.
    pub fn listen(mut self, listener: impl Into<String>) -> Self {
        self.listeners.push(listener.into());
        self
    }

    /// Relays to `HOST:PORT`.
    pub fn next_hop(mut self, hop: impl Into<String>) -> Self {
        self.config.next_hop = Some(hop.into());
        self
    }

    /// Keeps mail durably in this folder.
    pub fn spool(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.spool = Some(folder.into());
        self
    }

    /// Changes whatever else a [`Config`] has.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Starts the server, which ends with its drop.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then. A server to which nobody could submit is an
    /// error too: one whose listeners all demand a login, and that has no account or no mechanism.
    ///
    /// # Panics
    /// Outside a tokio runtime, and in one without I/O or time.
    pub async fn start(self) -> Result<Server, StartError> {
        Server::start(self.config()?).await
    }

    /// Starts the server on a runtime of its own, for tests that have none, or one whose clock is
    /// paused.
    ///
    /// # Errors
    /// As [`Builder::start`], and [`StartError::Runtime`] if there can be no runtime.
    ///
    /// # Panics
    /// On a thread that runs asynchronous tasks; inside a runtime `tokio::task::spawn_blocking` has
    /// a thread for it.
    pub fn start_blocking(self) -> Result<blocking::Server, StartError> {
        blocking::Server::start(self.config()?)
    }

    fn config(self) -> Result<Config, StartError> {
        let mut config = self.config;
        if !self.listeners.is_empty() {
            let listeners = self.listeners.iter().map(|text| text.parse());
            config.listeners = listeners.collect::<Result<_, ListenerSyntax>>()?;
        } else if config.listeners.is_empty() {
            config.listeners = ListenerConfig::loopback();
        }
        match missing(&config) {
            Some((key, message)) => Err(ConfigError::Value {
                key,
                message: message.to_owned(),
            }
            .into()),
            None => Ok(config),
        }
    }
}

/// What nobody could submit without: the key, and what to do.
fn missing(config: &Config) -> Option<(&'static str, &'static str)> {
    let mut listeners = config.listeners.iter();
    let has_account = !config.users.is_empty()
        || !config.tokens.is_empty()
        || config.user_file.is_some()
        || config.saslauthd.is_some()
        || config.client_ca.is_some();
    if !listeners.all(|listener| listener.modifiers.authentication_required) {
        None
    } else if config.mechanisms.is_empty() {
        Some(("mechanisms", "none, and every listener demands a login"))
    } else if !has_account {
        Some((
            "users",
            "none, and every listener demands a login; add an account with Builder::user",
        ))
    } else {
        None
    }
}
