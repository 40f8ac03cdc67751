//! The next hop: where the target relays to. It keeps what arrives and replies as scripted.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::net::TcpListener;

use crate::{
    error::Error,
    lie::Lie,
    message::Delivered,
    runtime::{Task, runtime},
};

mod edits;
mod serve;

pub(crate) use edits::replace;

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
}

/// A place in the dialogue between target and next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The greeting.
    Greeting,
    /// The reply to EHLO or HELO.
    Hello,
    /// The reply to MAIL.
    Mail,
    /// The reply to RCPT.
    Recipient,
    /// The reply to DATA.
    Data,
    /// The reply after the end of the mail data.
    Content,
}

/// A scripted reply: used once, at the first place that fits.
#[derive(Clone, Debug)]
pub struct Scripted {
    /// Where.
    pub stage: Stage,
    /// Only where the transaction's recipients, or the RCPT itself, contain this text.
    pub recipient: Option<String>,
    /// Lines separated by LF, without the last.
    pub reply: String,
}

#[derive(Default)]
struct Mailbox {
    state: Mutex<State>,
    arrival: Condvar,
}

#[derive(Default)]
struct State {
    messages: Vec<Delivered>,
    scripted: VecDeque<Scripted>,
    lies: Vec<Lie>,
    touched: bool,
}

impl NextHop {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`Error::Target`] where nobody can listen there.
    pub fn listen(address: SocketAddr) -> Result<NextHop, Error> {
        let mailbox = Arc::new(Mailbox::default());
        let (address, task) = accept_at(address, &mailbox)?;
        Ok(NextHop {
            address,
            mailbox,
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
        let (_, task) = accept_at(self.address, &self.mailbox)?;
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

    /// Adds a scripted reply.
    pub fn script(&self, reply: Scripted) {
        self.mailbox.lock().scripted.push_back(reply);
    }

    /// Tells these lies about every message from now on.
    pub fn lie(&self, lies: &[Lie]) {
        self.mailbox.lock().lies = lies.to_vec();
    }

    /// Whether a lie was told about a message.
    pub fn touched(&self) -> bool {
        self.mailbox.lock().touched
    }

    /// The messages that contain `token`, as they arrived until now.
    pub fn messages(&self, token: &str) -> Vec<Delivered> {
        self.mailbox.lock().with(token)
    }

    /// The first message that contains `token`; none when `patience` ends or `interrupted` says so.
    pub fn wait(
        &self,
        token: &str,
        patience: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Option<Delivered> {
        let deadline = Instant::now() + patience;
        let mut state = self.mailbox.lock();
        loop {
            if let Some(message) = state.with(token).into_iter().next() {
                return Some(message);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || interrupted() {
                return None;
            }
            let slice = left.min(Duration::from_millis(100));
            state = match self.mailbox.arrival.wait_timeout(state, slice) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

fn accept_at(address: SocketAddr, mailbox: &Arc<Mailbox>) -> Result<(SocketAddr, Task), Error> {
    let runtime = runtime()?;
    let failed = |e| Error::Target(format!("the next hop cannot listen on {address}: {e}"));
    // Tokio sets SO_REUSEADDR, so connections that are winding down do not keep the place.
    let listener = runtime
        .block_on(TcpListener::bind(address))
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let accepting = runtime.spawn(serve::accept(listener, mailbox.clone()));
    Ok((address, Task::new(accepting)))
}

impl Mailbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, stage: Stage, recipients: &[String], usual: &str) -> String {
        let mut state = self.lock();
        let fits = |scripted: &Scripted| {
            let recipient = scripted.recipient.as_deref();
            scripted.stage == stage
                && recipient
                    .is_none_or(|part| recipients.iter().any(|recipient| recipient.contains(part)))
        };
        let found = state.scripted.iter().position(fits);
        let scripted = found.and_then(|at| state.scripted.remove(at));
        scripted.map_or_else(|| usual.to_owned(), |scripted| scripted.reply)
    }

    fn receive(&self, message: Delivered) {
        self.lock().receive(message);
        self.arrival.notify_all();
    }
}

impl State {
    fn with(&self, token: &str) -> Vec<Delivered> {
        let contains = |message: &&Delivered| {
            message
                .content
                .windows(token.len())
                .any(|octets| octets == token.as_bytes())
                || message
                    .recipients
                    .iter()
                    .any(|recipient| recipient.contains(token))
        };
        self.messages.iter().filter(contains).cloned().collect()
    }

    fn receive(&mut self, mut message: Delivered) {
        let mut copies = 1;
        for lie in &self.lies {
            match lie {
                Lie::Swallow => copies = 0,
                Lie::Repeat => copies = 2,
                Lie::Relayed(from, to) => {
                    let edited = replace(&message.content, from.as_bytes(), to.as_bytes());
                    if edited == message.content {
                        continue;
                    }
                    message.content = edited;
                }
                Lie::TopFieldSinks => {
                    message.content = edits::with_sunken_top_field(&message.content)
                }
                _ => continue,
            }
            self.touched = true;
        }
        self.messages.extend(std::iter::repeat_n(message, copies));
    }
}

#[cfg(test)]
mod tests;
