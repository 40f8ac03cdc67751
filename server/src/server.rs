//! The server as a whole: started by one call, stopped by another or by its drop.

mod accept;
mod error;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};

use accept::accept;
pub use error::StartError;

use crate::auth::Backends;
use crate::builder::Builder;
use crate::config::{Config, ConfigError, Limits};
use crate::data::Room;
use crate::descriptors;
use crate::dns::Dns;
use crate::limits::{Addresses, Lines, Logins};
use crate::listener::{Bound, ListenerConfig};
use crate::messages::Messages;
use crate::names::Names;
use crate::relay::Relay;
use crate::rewrite::Rewriting;
use crate::spool::{Spool, SpoolError};
use crate::tls::Identity;

/// A running server, until [`Server::shutdown`] or the drop.
///
/// The drop waits for no client: sessions are broken off, and the ports are free as soon as the
/// runtime has looked at its tasks. Accepted mail is lost with a spool in memory, and safe in a
/// folder. That is closed before the drop returns, which takes as long as the disk needs for what it
/// was asked, and five seconds at most: then it may be removed, or opened by the next server.
#[must_use = "it ends with its drop"]
pub struct Server {
    bound: Vec<Bound>,
    ca_pem: String,
    messages: Messages,
    stop: watch::Sender<bool>,
    late: watch::Sender<bool>,
    tasks: JoinSet<()>,
    grace: Duration,
    spool: Spool,
}

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) backends: Backends,
    pub(crate) spool: Spool,
    pub(crate) messages: Messages,
    pub(crate) rewriting: Rewriting,
    pub(crate) relay: Relay,
    pub(crate) room: Room,
    /// Where a listener refuses unknown domains.
    pub(crate) names: Option<Names>,
    /// Who is connected, on all listeners together.
    pub(crate) addresses: Addresses,
    pub(crate) logins: Logins,
    /// The log's lines about sessions without a login.
    pub(crate) strangers: Lines,
    /// The log's lines about connections that were turned away.
    pub(crate) turned_away: Lines,
    /// Sessions so far.
    pub(crate) sessions: AtomicU64,
    pub(crate) stop: watch::Receiver<bool>,
    /// The end of the grace for what was under way at the stop.
    pub(crate) late: watch::Receiver<bool>,
}

impl Shared {
    /// A session's number in the log, from 1.
    pub(crate) fn next_session(&self) -> u64 {
        1 + self.sessions.fetch_add(1, Ordering::Relaxed)
    }
}

impl Server {
    /// A server with usual values, for a program that embeds it.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Opens spool and listeners, makes a certificate if none is given, and serves until shutdown or drop.
    /// What the spool holds is tried at once. The process's limit of open files (`RLIMIT_NOFILE`) is
    /// raised as far as the system permits.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    ///
    /// # Panics
    /// Outside a tokio runtime, and in one without I/O or time.
    pub async fn start(config: Config) -> Result<Server, StartError> {
        Server::start_with(config, Spool::open).await
    }

    /// The same with a spool of the caller's, opened where blocking is allowed.
    pub(crate) async fn start_with(
        config: Config,
        open: impl FnOnce(Option<&Path>) -> Result<Spool, SpoolError> + Send + 'static,
    ) -> Result<Server, StartError> {
        config.validate()?;
        let limits = config.limits;
        let (connections, connections_per_address) = places(&limits, descriptors::session_limit());
        let listeners = bind(&config)?;
        let addresses: Vec<_> = listeners
            .iter()
            .map(|(_, bound)| bound.address.ip())
            .collect();
        let identity = Identity::new(&config, &addresses)?;
        let backends = Backends::new(&config)?;
        let names = names(&config)?;
        let folder = config.spool.clone();
        let spool = spawn_blocking(move || open(folder.as_deref()))
            .await
            .map_err(|error| StartError::Spool(SpoolError::interrupted(&error)))??;
        let (stop, stopped) = watch::channel(false);
        let (late, too_late) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let own = listeners.iter().map(|(_, bound)| bound.address).collect();
        let relay = Relay::start(&config, own, spool.clone(), stopped.clone(), &mut tasks)?;
        let ca_pem = identity.ca_pem.clone();
        let kept = spool.clone();
        let messages = Messages::new(config.keep_messages);
        let shared = Arc::new(Shared {
            backends,
            room: Room::new(limits.content_memory, largest_message(&config)),
            addresses: Addresses::new(connections, connections_per_address),
            logins: Logins::new(&limits),
            strangers: Lines::new("sessions without a login", STRANGERS),
            turned_away: Lines::new("connections that were turned away", 1),
            sessions: AtomicU64::new(0),
            rewriting: Rewriting::of(&config),
            config,
            names,
            identity,
            spool,
            messages: messages.clone(),
            relay,
            stop: stopped,
            late: too_late,
        });
        let mut bound = Vec::new();
        for (listener, place) in listeners {
            tracing::info!(name = place.name, address = %place.address, modifiers = %place.modifiers, "listening");
            tasks.spawn(accept(listener, place.clone(), shared.clone()));
            bound.push(place);
        }
        Ok(Server {
            bound,
            ca_pem,
            messages,
            stop,
            late,
            tasks,
            grace: Duration::from_secs(limits.grace_seconds),
            spool: kept,
        })
    }

    /// The listeners that are open, in the order of the configuration.
    pub fn listeners(&self) -> &[Bound] {
        &self.bound
    }

    /// Where clients begin in clear text (RFC 6409): the first such listener.
    pub fn submission(&self) -> Option<SocketAddr> {
        self.first(false)
    }

    /// Where TLS begins with the connection (RFC 8314, section 3.3): the first such listener.
    pub fn submissions(&self) -> Option<SocketAddr> {
        self.first(true)
    }

    fn first(&self, implicit_tls: bool) -> Option<SocketAddr> {
        let mut fitting = self.bound.iter();
        fitting
            .find(|bound| bound.implicit_tls == implicit_tls)
            .map(|bound| bound.address)
    }

    /// What has been accepted since the start: as many messages as
    /// [`Config::keep_messages`] says, which is none unless the server was built by
    /// [`Server::builder`].
    pub fn messages(&self) -> Messages {
        self.messages.clone()
    }

    /// The certificate of this start's authority, in PEM: what a client has to trust. Empty where
    /// [`Config::certificate`] was given: nothing of ours has to be trusted then.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Stops accepting, answers 421 to idle sessions and lets contents and deliveries under way
    /// finish, for at most [`Limits::grace_seconds`]. Contents that have not come then are answered
    /// 421, too. A client that does not hang up after its 421 is waited for a second, so that it can
    /// read the reply; where nobody is connected this takes milliseconds. Then the spool is closed,
    /// which takes as long as the disk needs for what it was asked. When this returns, the ports are
    /// free and nothing more is received.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if !self.finished(self.grace).await {
            tracing::warn!("sessions were still open at the end of the grace period");
            self.late.send_replace(true);
            self.finished(FAREWELL).await;
        }
        self.tasks.abort_all();
        self.spool.closed().await;
    }

    /// Whether everything ends by itself in this time.
    async fn finished(&mut self, patience: Duration) -> bool {
        let finished = tokio::time::timeout(patience, async {
            while self.tasks.join_next().await.is_some() {}
        });
        finished.await.is_ok()
    }
}

/// Lines a second that the log has for sessions without a login.
const STRANGERS: u32 = 20;

/// How long those may take to hear 421 who were not ready at the end of the grace; longer than a
/// connection lingers.
const FAREWELL: Duration = Duration::from_secs(2);

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.spool.close();
        self.messages.end();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listeners: Vec<_> = self
            .bound
            .iter()
            .map(|bound| format!("{} {}", bound.name, bound.address))
            .collect();
        f.debug_struct("Server")
            .field("listeners", &listeners)
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

/// Connections in all and from one address, where the system grants so many: if that is fewer than
/// the configuration counts on, no single address can have all of them.
fn places(limits: &Limits, granted: usize) -> (usize, usize) {
    let (wanted, per_address) = (limits.connections, limits.connections_per_address);
    if granted >= wanted {
        return (wanted, per_address);
    }
    let per_address = per_address.min(granted / 2).max(1);
    tracing::warn!(
        wanted,
        granted,
        per_address,
        "fewer connections, for want of file descriptors"
    );
    (granted, per_address)
}

/// The DNS, if a listener wants to know domains.
fn names(config: &Config) -> Result<Option<Names>, ConfigError> {
    let wanted = |listener: &ListenerConfig| listener.refuse.unknown_domain;
    if !config.listeners.iter().any(wanted) {
        return Ok(None);
    }
    Dns::new(&config.delivery.resolver)
        .map(|dns| Some(Names::new(dns)))
        .map_err(|message| ConfigError::Value {
            key: "listeners",
            message: format!("unknown-domain needs the DNS: {message}"),
        })
}

fn bind(config: &Config) -> Result<Vec<(TcpListener, Bound)>, StartError> {
    let mut open = Vec::new();
    for listener in &config.listeners {
        match listener.bind() {
            Ok(socket) => open.push(socket),
            Err(error) if listener.modifiers.optional => {
                tracing::warn!(name = listener.name, address = %listener.address, %error, "optional listener left out");
            }
            Err(error) => {
                return Err(StartError::Listen {
                    name: listener.name.clone(),
                    address: listener.address,
                    error,
                });
            }
        }
    }
    if open.is_empty() {
        Err(StartError::NoListener)
    } else {
        Ok(open)
    }
}

/// Octets of memory for the largest message, whatever its recipients are called.
fn largest_message(config: &Config) -> u64 {
    const RECIPIENT: u64 = 1024;
    let recipients = config.limits.recipients as u64;
    let envelope = recipients.saturating_mul(RECIPIENT);
    config.size_limit.saturating_add(envelope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(20_000, (10_000, 1000))]
    #[case(10_000, (10_000, 1000))]
    #[case(4096, (4096, 1000))]
    #[case(512, (512, 256))]
    #[case(1, (1, 1))]
    fn one_address_cannot_take_every_place(
        #[case] granted: usize,
        #[case] expected: (usize, usize),
    ) {
        assert_eq!(places(&Limits::default(), granted), expected);
    }
}
