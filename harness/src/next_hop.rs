//! The next hop: where the target relays to. It keeps what arrives, and misbehaves by rules.
//!
//! It is also how a programmer scripts a next hop for his own server's tests:
//!
//! ```
//! use std::time::Duration;
//! use msaspec_harness::next_hop::{Action, NextHop, Rule, Stage};
//!
//! # fn main() -> Result<(), msaspec_harness::error::Error> {
//! let hop = NextHop::listen(([127, 0, 0, 1], 0).into())?;
//! let lost = Rule::at(Stage::Dot).about("bob@example.org").once(Action::Drop);
//! hop.rule(lost);
//! // Let the server send a message for bob to hop.address(), and then:
//! let message = hop.wait("bob@example.org", Duration::from_millis(1), &|| false);
//! assert!(message.is_none(), "nobody has sent one here");
//! # Ok(())
//! # }
//! ```

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::{Authority, Kind},
    error::Error,
    lie::Lie,
    message::Delivered,
    runtime::{Task, aside, runtime},
};

mod content;
mod edits;
mod log;
mod mailbox;
mod script;
mod serve;

pub(crate) use edits::replace;
pub(crate) use log::is_null_path;
pub use log::{Heard, Visit};
use mailbox::Mailbox;
pub use script::{Action, Rule, Stage};

/// The most octets of one message that are kept.
pub const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;
/// How long a silent client is kept.
const PATIENCE: Duration = Duration::from_secs(300);

/// A listening next hop. It stops when it is dropped.
#[derive(Clone)]
pub struct NextHop {
    address: SocketAddr,
    mailbox: Arc<Mailbox>,
    accepting: Arc<Mutex<Option<Task>>>,
    tls: TlsAcceptor,
}

impl NextHop {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`Error::Target`] where nobody can listen there.
    pub fn listen(address: SocketAddr) -> Result<NextHop, Error> {
        let mailbox = Arc::new(Mailbox::new());
        let tls = acceptor()?;
        let (address, task) = accept_at(address, &mailbox, &tls)?;
        Ok(NextHop {
            address,
            mailbox,
            tls,
            accepting: Arc::new(Mutex::new(Some(task))),
        })
    }

    /// Stops to listen, and breaks all connections off; what arrived stays.
    pub fn close(&self) {
        *self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Listens again where it listened before.
    ///
    /// # Errors
    /// [`Error::Target`] where somebody else has taken the place meanwhile.
    pub fn reopen(&self) -> Result<(), Error> {
        let (_, task) = accept_at(self.address, &self.mailbox, &self.tls)?;
        *self
            .accepting
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule. Of several that fit, the first that has something left to do is used.
    pub fn rule(&self, rule: Rule) {
        self.mailbox.lock().rules.push(rule);
    }

    /// Takes back the rules that hold for every connection, and asks all clients to leave that are
    /// between two messages: whoever comes from now on meets what is scripted next.
    pub fn hush(&self) {
        self.mailbox
            .lock()
            .rules
            .retain(|rule| !rule.is_about_all());
        self.mailbox.hush.send_replace(());
    }

    /// Tells these lies about every message from now on.
    pub fn lie(&self, lies: &[Lie]) {
        self.mailbox.lock().lies = lies.to_vec();
    }

    /// Whether a lie was told about a message.
    pub fn touched(&self) -> bool {
        self.mailbox.lock().touched
    }

    /// The messages that contain `token`, as they arrived until now; not reports about them.
    pub fn messages(&self, token: &str) -> Vec<Delivered> {
        self.mailbox.lock().messages(token)
    }

    /// The reports that contain `token`, as they arrived until now.
    pub fn notifications(&self, token: &str) -> Vec<Delivered> {
        self.mailbox.lock().notifications(token)
    }

    /// The connections on which something about `token` was heard, until now.
    pub fn visits(&self, token: &str) -> Vec<Visit> {
        let state = self.mailbox.lock();
        let about = state.visits.iter().filter(|visit| visit.mentions(token));
        about.cloned().collect()
    }

    /// How many connections there were until now.
    pub fn visit_count(&self) -> usize {
        self.mailbox.lock().visits.len()
    }

    /// How many of the connections from number `first` on are still there, although the next hop has
    /// fallen silent.
    pub fn waiting_since(&self, first: usize) -> usize {
        let state = self.mailbox.lock();
        let visits = state.visits.iter().skip(first);
        visits.filter(|visit| visit.silent && !visit.over).count()
    }

    /// The first message that contains `token`; none when `patience` ends or `interrupted` says so.
    pub fn wait(
        &self,
        token: &str,
        patience: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Option<Delivered> {
        self.wait_until(patience, interrupted, || {
            self.messages(token).into_iter().next()
        })
    }

    /// What `look` finds, as soon as it finds something; none when `patience` ends or `interrupted`
    /// says so.
    pub fn wait_until<T>(
        &self,
        patience: Duration,
        interrupted: &dyn Fn() -> bool,
        look: impl Fn() -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || interrupted() {
                return None;
            }
            // News between the look and the wait are seen at the end of this slice.
            let slice = left.min(Duration::from_millis(20));
            drop(self.mailbox.news.wait_timeout(self.mailbox.lock(), slice));
        }
    }
}

fn accept_at(
    address: SocketAddr,
    mailbox: &Arc<Mailbox>,
    tls: &TlsAcceptor,
) -> Result<(SocketAddr, Task), Error> {
    let runtime = runtime()?;
    let failed = |e| Error::Target(format!("the next hop cannot listen on {address}: {e}"));
    // Tokio sets SO_REUSEADDR, so connections that are winding down do not keep the place.
    let listener = aside(|| runtime.block_on(TcpListener::bind(address))).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let accepting = runtime.spawn(serve::accept(listener, mailbox.clone(), tls.clone()));
    Ok((address, Task::new(accepting)))
}

/// The suite's own certificate, which nobody has a reason to trust: TLS between servers is
/// opportunistic unless they agree otherwise.
fn acceptor() -> Result<TlsAcceptor, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::Certificates(e.to_string());
    let authority = Authority::new().map_err(|e| failed(&e))?;
    let names = ["next-hop.example", "hop.test"];
    let leaf = authority
        .issue(&names, Kind::Valid)
        .map_err(|e| failed(&e))?;
    Ok(TlsAcceptor::from(
        leaf.server_config().map_err(|e| failed(&e))?,
    ))
}

#[cfg(test)]
mod tests;
