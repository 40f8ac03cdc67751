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
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, sync::watch};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::{Authority, Kind},
    error::Error,
    lie::Lie,
    message::Delivered,
    runtime::{Task, runtime},
};

mod content;
mod edits;
mod log;
mod script;
mod serve;

pub(crate) use edits::replace;
pub(crate) use log::is_null_path;
pub use log::{Heard, Visit};
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

struct Mailbox {
    state: Mutex<State>,
    news: Condvar,
    /// Asks those to leave who are between two messages.
    hush: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    messages: Vec<Delivered>,
    visits: Vec<Visit>,
    rules: Vec<Rule>,
    lies: Vec<Lie>,
    touched: bool,
}

impl NextHop {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`Error::Target`] where nobody can listen there.
    pub fn listen(address: SocketAddr) -> Result<NextHop, Error> {
        let mailbox = Arc::new(Mailbox {
            state: Mutex::default(),
            news: Condvar::new(),
            hush: watch::Sender::new(()),
        });
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
    let listener = runtime
        .block_on(TcpListener::bind(address))
        .map_err(failed)?;
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

impl Mailbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn action(&self, stage: Stage, envelope: &script::Envelope<'_>) -> Option<Action> {
        let mut state = self.lock();
        let mut rules = state.rules.iter_mut();
        rules.find_map(|rule| rule.action(stage, envelope))
    }

    fn receive(&self, message: Delivered) {
        self.lock().receive(message);
        self.news.notify_all();
    }

    /// A connection begins: its number.
    fn visited(&self) -> usize {
        let mut state = self.lock();
        state.visits.push(Visit::default());
        state.visits.len() - 1
    }

    fn falls_silent(&self, visit: usize) {
        if let Some(visit) = self.lock().visits.get_mut(visit) {
            visit.silent = true;
        }
    }

    fn visit_is_over(&self, visit: usize) {
        if let Some(visit) = self.lock().visits.get_mut(visit) {
            visit.over = true;
        }
        self.news.notify_all();
    }

    fn hear(&self, visit: usize, heard: Heard) {
        if let Some(visit) = self.lock().visits.get_mut(visit) {
            visit.heard.push(heard);
        }
    }

    fn replied(&self, visit: usize, reply: &str) {
        let mut state = self.lock();
        let last = state
            .visits
            .get_mut(visit)
            .and_then(|visit| visit.heard.last_mut());
        if let Some(last) = last {
            last.reply = reply.to_owned();
        }
    }

    /// The command as a lie has it heard: the last line is the command, those before are only heard.
    fn edited_command(&self, line: Vec<u8>) -> Vec<Vec<u8>> {
        let mut state = self.lock();
        let mut edited = line.clone();
        for lie in &state.lies {
            if let Lie::Heard(from, to) = lie {
                edited = replace(&edited, from.as_bytes(), to.as_bytes());
            }
        }
        state.touched |= edited != line;
        let lines = edited.split(|&octet| octet == b'\n');
        lines.map(<[u8]>::to_vec).collect()
    }

    fn edited_content(&self, raw: Vec<u8>) -> Vec<u8> {
        let mut state = self.lock();
        let mut edited = raw.clone();
        for lie in &state.lies {
            if let Lie::OnTheWire(from, to) = lie {
                edited = replace(&edited, from.as_bytes(), to.as_bytes());
            }
        }
        state.touched |= edited != raw;
        edited
    }

    /// A recipient was refused; a lie makes a report of it.
    fn refused(&self, recipient: &str) {
        let mut state = self.lock();
        if state.lies.contains(&Lie::ReportsAnyway) {
            state.touched = true;
            state.messages.push(Delivered {
                helo: String::new(),
                mail: "FROM:<>".to_owned(),
                recipients: vec!["TO:<somebody@client.example>".to_owned()],
                content: format!("Subject: Failed\r\n\r\n{recipient}\r\n").into_bytes(),
            });
        }
    }

    /// Whether a lie has the target speak before a reply of several lines is whole.
    fn is_hasty(&self) -> bool {
        let mut state = self.lock();
        let hasty = state.lies.contains(&Lie::Hasty);
        state.touched |= hasty;
        hasty
    }
}

impl State {
    fn messages(&self, token: &str) -> Vec<Delivered> {
        self.about(token, |message| !message.is_notification(token))
    }

    fn notifications(&self, token: &str) -> Vec<Delivered> {
        self.about(token, |message| message.is_notification(token))
    }

    fn about(&self, token: &str, wanted: impl Fn(&Delivered) -> bool) -> Vec<Delivered> {
        let messages = self.messages.iter();
        let about = messages.filter(|message| message.mentions(token) && wanted(message));
        about.cloned().collect()
    }

    fn receive(&mut self, mut message: Delivered) {
        let mut copies = 1;
        for lie in &self.lies {
            match lie {
                Lie::Swallow => copies = 0,
                Lie::SwallowFor(part) => {
                    let named = message.recipients.len();
                    message
                        .recipients
                        .retain(|recipient| !recipient.contains(part));
                    if message.recipients.len() == named {
                        continue;
                    }
                    copies *= usize::from(!message.recipients.is_empty());
                }
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
