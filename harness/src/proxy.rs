//! The man in the middle that lies: it stands between a client and a submission server, and misbehaves as told.
//!
//! It ends TLS on both sides, so it sees and can change every octet. Without a lie it passes on
//! what it gets, write by write. It belongs to tests: towards the server it verifies nothing.
//!
//! It is also how a programmer makes a mail server misbehave for his own client's tests, the same
//! way each time. Here the third RCPT is refused, the connection drops after the dot, and the
//! certificate is for another name:
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//!
//! use msaspec_harness::{
//!     authority::Authority,
//!     lie::{At, Certificate, Lie},
//!     proxy::Proxy,
//!     target::Listener,
//! };
//! use msaspec_server::Server;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder().user("alice", "secret").clear_text_login().start_blocking()?;
//! let upstream: Vec<Listener> = server.listeners().iter().map(Listener::from).collect();
//! let authority = Authority::new()?; // what the client has to trust: authority.ca_pem()
//! let lies = [
//!     Lie::Answer(At::Command("RCPT", 3), "452 4.5.3 Too many recipients"),
//!     Lie::Close(At::Content(1)),
//!     Lie::Certificate(Certificate::OtherName),
//! ];
//! let proxy = Proxy::start(&upstream, &authority, "localhost", &lies)?;
//!
//! // The client under test: here one that does not even look at the replies before the last.
//! let mut stream = std::net::TcpStream::connect(proxy.listeners()[0].address)?;
//! let mut replies = BufReader::new(stream.try_clone()?).lines();
//! let mut say = |line: &str, due: &str| -> Result<(), Box<dyn std::error::Error>> {
//!     stream.write_all(format!("{line}\r\n").as_bytes())?;
//!     loop {
//!         let reply = replies.next().ok_or("the server hung up")??;
//!         if reply.as_bytes().get(3) == Some(&b' ') && !reply.starts_with("220") {
//!             assert!(reply.starts_with(due), "{line}: {reply}");
//!             return Ok(());
//!         }
//!     }
//! };
//! say("EHLO client.example", "250")?;
//! say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235")?;
//! say("MAIL FROM:<alice@example.org>", "250")?;
//! say("RCPT TO:<bob@example.org>", "250")?;
//! say("RCPT TO:<carol@example.org>", "250")?;
//! say("RCPT TO:<dave@example.org>", "452")?;
//! say("DATA", "354")?;
//! assert_eq!(say("Subject: Hello\r\n\r\n.", "250").unwrap_err().to_string(), "the server hung up");
//! // It was accepted all the same: only the reply was lost (RFC 5321, section 4.2.5).
//! let accepted = server.messages().nth(1)?;
//! assert_eq!(accepted.sender, "alice@example.org");
//! assert_eq!(accepted.recipients, ["bob@example.org", "carol@example.org"]);
//! // This client never began TLS, so it saw no certificate.
//! assert_eq!(lies.map(|lie| proxy.told(&lie)), [1, 1, 0]);
//! # Ok(())
//! # }
//! ```

use std::{
    collections::{HashMap, HashSet},
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{
    authority::Authority,
    error::Error,
    lie::Lie,
    runtime::{Task, aside, runtime},
    target::{Listener, Observer},
    verdict::Step,
};

mod connection;
mod dialogue;
mod tls;

/// A listening proxy. With its drop it stops, and so do its connections; the drop waits for nobody.
#[must_use = "it stops with its drop"]
pub struct Proxy {
    listeners: Vec<Listener>,
    control: Arc<Control>,
    _tasks: Vec<Task>,
}

/// What the connections of a proxy share.
pub(crate) struct Control {
    lies: Vec<Lie>,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    notes: Mutex<Notebook>,
}

#[derive(Default)]
struct Notebook {
    phases: HashMap<SocketAddr, Phase>,
    touched: HashSet<Step>,
    told: HashMap<Lie, u64>,
}

/// How far the client of a connection is. Who announces no preparation is counted from the greeting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Unannounced,
    Preparing,
    Prepared,
}

impl Proxy {
    /// Stands in front of `upstream`, on free ports of the same loopback addresses, with a
    /// certificate of `authority` for `host`.
    ///
    /// # Errors
    /// [`Error::Target`] where nobody can listen, [`Error::Certificates`].
    pub fn start(
        upstream: &[Listener],
        authority: &Authority,
        host: &str,
        lies: &[Lie],
    ) -> Result<Proxy, Error> {
        let runtime = runtime()?;
        let control = Arc::new(Control {
            lies: lies.to_vec(),
            acceptor: tls::acceptor(authority, host, lies)?,
            connector: tls::connector()?,
            notes: Mutex::default(),
        });
        let mut listeners = Vec::new();
        let mut tasks = Vec::new();
        for server in upstream {
            let failed = |e| Error::Target(format!("the proxy cannot listen: {e}"));
            let free = SocketAddr::new(server.address.ip(), 0);
            let listener = aside(|| runtime.block_on(TcpListener::bind(free))).map_err(failed)?;
            listeners.push(Listener {
                address: listener.local_addr().map_err(failed)?,
                ..server.clone()
            });
            tasks.push(Task::new(runtime.spawn(accept(
                listener,
                server.clone(),
                control.clone(),
            ))));
        }
        Ok(Proxy {
            listeners,
            control,
            _tasks: tasks,
        })
    }

    /// Where to connect to, in the order of the server's own listeners.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// How often this lie has been told so far, on all connections together: 0 is that it has met
    /// nothing, or changed nothing, and that a test which relies on it proves nothing. A lie is
    /// counted before the client can hear of it. What a next hop has to tell is not counted here.
    pub fn told(&self, lie: &Lie) -> u64 {
        let notebook = self.control.notebook();
        notebook.told.get(lie).copied().unwrap_or_default()
    }

    /// Whether a lie touched this step.
    pub fn touched(&self, step: &Step) -> bool {
        self.control.notebook().touched.contains(step)
    }

    /// Who is to be told about preparations.
    pub fn observer(&self) -> Arc<dyn Observer> {
        self.control.clone()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("listeners", &self.listeners)
            .field("told", &self.control.notebook().told)
            .finish_non_exhaustive()
    }
}

impl Control {
    fn notebook(&self) -> std::sync::MutexGuard<'_, Notebook> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn phase(&self, client: SocketAddr) -> Phase {
        self.notebook()
            .phases
            .get(&client)
            .copied()
            .unwrap_or_default()
    }

    /// Counts a lie that is about to be told.
    fn tell(&self, lie: &Lie) {
        *self.notebook().told.entry(*lie).or_default() += 1;
    }

    fn touch(&self, step: Step) {
        self.notebook().touched.insert(step);
    }
}

impl Observer for Control {
    fn preparing(&self, ours: SocketAddr) {
        self.notebook().phases.insert(ours, Phase::Preparing);
    }

    fn prepared(&self, ours: SocketAddr) {
        self.notebook().phases.insert(ours, Phase::Prepared);
    }
}

async fn accept(listener: TcpListener, server: Listener, control: Arc<Control>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, address)) = listener.accept().await {
        let (server, control) = (server.clone(), control.clone());
        connections.spawn(async move {
            let Ok(upstream) = TcpStream::connect(server.address).await else {
                return;
            };
            let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
            // A connection that breaks off ends on both sides; the client is the one to judge it.
            let _ = connection::carry(client, address, upstream, &server, &control).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
