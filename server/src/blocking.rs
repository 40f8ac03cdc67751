//! The same server for programs without a runtime: it brings its own.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = msaspec_server::Server::builder()
//!     .user("alice", "secret")
//!     .start_blocking()?;
//! println!("submit to {:?} as alice, trusting {}", server.submission(), server.ca_pem());
//! assert_eq!(server.messages().count(), 0);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{self, Runtime};

use crate::config::Config;
use crate::listener::Bound;
use crate::messages::{self, NotReceived, Received};
use crate::server::{self, StartError};

/// A running server with a runtime of its own; both end with the drop.
///
/// The drop breaks sessions off, and the ports are free when it returns. It waits for the spool, as
/// that of [`server::Server`] does, and for what blocks a thread at that moment: the check of a
/// password, or a lookup.
///
/// # Panics
/// On a thread that runs asynchronous tasks its methods panic where they wait, and so does the drop:
/// inside a runtime use [`server::Server`], or `tokio::task::spawn_blocking`.
#[must_use = "it ends with its drop"]
pub struct Server {
    // Dropped in this order: first the tasks, then what runs them.
    server: server::Server,
    runtime: Runtime,
}

/// What the server has accepted; waiting for it blocks the thread.
#[derive(Debug)]
pub struct Messages<'a> {
    messages: messages::Messages,
    runtime: &'a Runtime,
}

impl Server {
    /// Starts a server as [`server::Server::start`] does.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    ///
    /// # Panics
    /// On a thread that runs asynchronous tasks.
    pub fn start(config: Config) -> Result<Server, StartError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let server = runtime.block_on(server::Server::start(config))?;
        Ok(Server { server, runtime })
    }

    /// The listeners that are open, in the order of the configuration.
    pub fn listeners(&self) -> &[Bound] {
        self.server.listeners()
    }

    /// Where clients begin in clear text; see [`server::Server::submission`].
    pub fn submission(&self) -> Option<SocketAddr> {
        self.server.submission()
    }

    /// Where TLS begins with the connection; see [`server::Server::submissions`].
    pub fn submissions(&self) -> Option<SocketAddr> {
        self.server.submissions()
    }

    /// The certificate of this start's authority, in PEM; see [`server::Server::ca_pem`].
    pub fn ca_pem(&self) -> &str {
        self.server.ca_pem()
    }

    /// What has been accepted.
    pub fn messages(&self) -> Messages<'_> {
        Messages {
            messages: self.server.messages(),
            runtime: &self.runtime,
        }
    }

    /// Ends as [`server::Server::shutdown`] does.
    ///
    /// # Panics
    /// On a thread that runs asynchronous tasks.
    pub fn shutdown(self) {
        self.runtime.block_on(self.server.shutdown());
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

impl Messages<'_> {
    /// The same messages, waited for so long; ten seconds otherwise.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Messages {
            messages: self.messages.patient(patience),
            ..self
        }
    }

    /// How many messages have been accepted.
    pub fn count(&self) -> usize {
        self.messages.count()
    }

    /// Those that are kept, the oldest first.
    pub fn all(&self) -> Vec<Arc<Received>> {
        self.messages.all()
    }

    /// The nth message, counted from 1; waits for it.
    ///
    /// # Errors
    /// [`NotReceived`] if it does not come in time, or is not kept any more.
    ///
    /// # Panics
    /// On a thread that runs asynchronous tasks.
    pub fn nth(&self, n: usize) -> Result<Arc<Received>, NotReceived> {
        self.runtime.block_on(self.messages.nth(n))
    }

    /// The first kept message for this recipient; waits for it.
    ///
    /// # Errors
    /// [`NotReceived`] if none comes in time.
    ///
    /// # Panics
    /// On a thread that runs asynchronous tasks.
    pub fn to(&self, recipient: &str) -> Result<Arc<Received>, NotReceived> {
        self.runtime.block_on(self.messages.to(recipient))
    }
}

/// Threads of an embedded server: a test is no load.
const WORKERS: usize = 2;
