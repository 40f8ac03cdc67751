//! Load: many messages on many connections, and how long a server takes for them.

mod connection;
mod descriptors;
mod errors;
mod idle;
mod latencies;
mod message;
mod place;
mod report;
mod work;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use msaspec_harness::mechanism::{
    Credentials, Exchange, Mechanism,
    scram::{Hash, KeyCache, Scram},
};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;

pub use connection::Trouble;
pub use errors::Errors;
pub use idle::{Idle, idle};
pub use latencies::{Latencies, Percentiles};
pub use place::{Elsewhere, only_loopback};
pub use report::{Document, IdleDocument, write_idle, write_table};
pub use work::{Measured, run};

/// What is to be done to a server.
#[derive(Debug)]
pub struct Order {
    /// The server.
    pub address: SocketAddr,
    /// Its name, for TLS.
    pub server_name: ServerName<'static>,
    /// When TLS begins.
    pub tls: Tls,
    /// Whom TLS trusts; nothing is to be resumed, so that every handshake is a whole one.
    pub tls_config: Arc<ClientConfig>,
    /// Who logs in on every connection.
    pub login: Option<Login>,
    /// The envelope sender, without angle brackets.
    pub sender: String,
    /// The envelope recipient, without angle brackets.
    pub recipient: String,
    /// Connections at a time.
    pub connections: usize,
    /// When it ends.
    pub until: Until,
    /// Octets of a message (RFC 1870 section 3).
    pub size: usize,
    /// What a session is used for.
    pub sessions: Sessions,
    /// The longest wait for one reply.
    pub timeout: Duration,
}

/// What a session is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// For one message after the other.
    Reused,
    /// For one message.
    New,
    /// For nothing but itself: it begins, the client logs in, and says goodbye.
    WithoutMail,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    Never,
    /// After STARTTLS (RFC 3207).
    StartTls,
    /// With the connection (RFC 8314 section 3.3).
    Implicit,
}

/// When a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After so many messages, sent or failed; or sessions, where there are no messages.
    Messages(u64),
    /// After this time; what is under way is finished.
    Elapsed(Duration),
}

/// Who logs in, and how. The keys of SCRAM are computed once.
#[derive(Clone)]
pub struct Login {
    credentials: Credentials,
    mechanism: Mechanism,
    keys: KeyCache,
    /// What a server may repeat, and no report may.
    secrets: Arc<[String]>,
}

impl Login {
    /// A user with a mechanism.
    pub fn new(credentials: Credentials, mechanism: Mechanism) -> Login {
        Login {
            secrets: credentials.secret_forms().into(),
            credentials,
            mechanism,
            keys: KeyCache::default(),
        }
    }

    /// The mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    fn exchange(&self, host: &str) -> Box<dyn Exchange> {
        let hash = match self.mechanism {
            Mechanism::ScramSha1 => Hash::Sha1,
            Mechanism::ScramSha256 => Hash::Sha256,
            other => return other.exchange(&self.credentials, host),
        };
        Box::new(Scram::new(hash, &self.credentials).cache(self.keys.clone()))
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.credentials.user, self.mechanism)
    }
}

impl Order {
    /// The name by which the server was reached.
    fn host(&self) -> String {
        self.server_name.to_str().into_owned()
    }

    /// Opens one connection and says goodbye: what fails here would fail each time.
    ///
    /// # Errors
    /// What kept it.
    pub async fn rehearse(&self) -> Result<(), Trouble> {
        connection::Connection::open(self).await?.quit().await
    }
}

/// Sizes of messages that can be asked for, in octets.
pub const SIZES: std::ops::RangeInclusive<usize> = message::SMALLEST..=64 * 1024 * 1024;
