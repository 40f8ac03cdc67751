//! What the server has accepted, for the program that embeds it: a test waits here for its mail.

mod not_received;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::command::Canonical;

pub use not_received::NotReceived;
use not_received::{Wanted, Why};

/// The messages that were answered 250 since the start, in that order: at most
/// [`Config::keep_messages`](crate::Config::keep_messages) of them, the latest, and of their contents
/// at most 64 MiB, but always the last message. That they were relayed meanwhile makes no difference.
/// It may outlive the server: what was received can still be looked at then, and nothing is waited
/// for any more.
///
/// Waiting follows tokio's clock. Where that is paused it leaps over every wait in which no task has
/// work, sockets included, and a message that is on its way comes too late: such a test asks a
/// server with a runtime of its own, see [`Builder::start_blocking`](crate::Builder::start_blocking).
#[derive(Clone)]
pub struct Messages {
    kept: Arc<Mutex<Kept>>,
    /// Rung at every arrival, and at the end of the server.
    bell: Arc<watch::Sender<()>>,
    limit: usize,
    patience: Duration,
}

/// One message as it was accepted.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The queue id that the client was told.
    pub id: String,
    /// When the end of the data came.
    pub arrival: Timestamp,
    /// The name of the listener it came through.
    pub listener: String,
    /// Whether it came inside TLS.
    pub tls: bool,
    /// Who submitted it.
    pub user: Option<String>,
    /// The reverse-path's mailbox; empty for `<>`.
    pub sender: String,
    /// The forward-paths' mailboxes, in the order of the RCPT commands.
    pub recipients: Vec<String>,
    /// The content as it is relayed: trace and repaired fields included, CRLF line ends, no
    /// dot-stuffing.
    pub content: Vec<u8>,
}

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<Arc<Received>>,
    /// How many came before the first that is kept.
    dropped: usize,
    /// The contents' octets.
    octets: usize,
    /// Whether the server has ended.
    ended: bool,
}

/// Octets of the contents that are kept.
const OCTET_LIMIT: usize = 64 * 1024 * 1024;

/// How long a message is waited for, unless [`Messages::patient`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

impl Messages {
    pub(crate) fn new(limit: usize) -> Self {
        Messages {
            kept: Arc::default(),
            bell: Arc::default(),
            limit,
            patience: PATIENCE,
        }
    }

    /// The same messages, waited for so long; ten seconds otherwise.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Messages { patience, ..self }
    }

    /// How many messages have been accepted.
    pub fn count(&self) -> usize {
        let kept = self.kept();
        kept.dropped + kept.messages.len()
    }

    /// Those that are kept, the oldest first.
    pub fn all(&self) -> Vec<Arc<Received>> {
        self.kept().messages.iter().cloned().collect()
    }

    /// The nth message, counted from 1; waits for it.
    ///
    /// # Errors
    /// [`NotReceived`] if it does not come in time or before the server ends, or is not kept any
    /// more.
    pub async fn nth(&self, n: usize) -> Result<Arc<Received>, NotReceived> {
        let n = n.max(1);
        let found = self.find(|kept| match n.checked_sub(kept.dropped + 1) {
            Some(place) => kept.messages.get(place).cloned().map(Ok),
            None => Some(Err(Why::Dropped(kept.messages.len()))),
        });
        found
            .await
            .map_err(|why| NotReceived::new(Wanted::Nth(n), why, &self.kept()))
    }

    /// The first kept message for this recipient; waits for it. The domain is compared without
    /// regard to case, the local part by its octets, quoted or not (RFC 5321, sections 2.4 and 4.1.2).
    ///
    /// # Errors
    /// [`NotReceived`] if none comes in time or before the server ends.
    pub async fn to(&self, recipient: &str) -> Result<Arc<Received>, NotReceived> {
        let mailbox = Canonical::of(recipient);
        let found = self.find(|kept| {
            let mut messages = kept.messages.iter();
            let message = messages.find(|message| message.is_for(&mailbox));
            message.cloned().map(Ok)
        });
        found
            .await
            .map_err(|why| NotReceived::new(Wanted::To(recipient.to_owned()), why, &self.kept()))
    }

    /// Whether any message is kept.
    pub(crate) fn keeps(&self) -> bool {
        self.limit > 0
    }

    /// Takes note of a message that is about to be answered 250.
    pub(crate) fn receive(&self, message: Received) {
        let mut kept = self.kept();
        kept.octets += message.content.len();
        kept.messages.push_back(Arc::new(message));
        while kept.messages.len() > 1
            && (kept.messages.len() > self.limit || kept.octets > OCTET_LIMIT)
        {
            let oldest = kept.messages.pop_front();
            kept.octets -= oldest.map_or(0, |oldest| oldest.content.len());
            kept.dropped += 1;
        }
        drop(kept);
        self.bell.send_replace(());
    }

    /// Nothing comes any more: who waits is told.
    pub(crate) fn end(&self) {
        self.kept().ended = true;
        self.bell.send_replace(());
    }

    /// What `look` decides, now or after an arrival.
    async fn find(
        &self,
        look: impl Fn(&Kept) -> Option<Result<Arc<Received>, Why>>,
    ) -> Result<Arc<Received>, Why> {
        if !self.keeps() {
            return Err(Why::NoneKept);
        }
        let mut bell = self.bell.subscribe();
        let look = |kept: &Kept| look(kept).or(kept.ended.then_some(Err(Why::Ended)));
        let found = timeout(self.patience, async {
            loop {
                if let Some(found) = look(&self.kept()) {
                    return found;
                }
                // The bell lives as long as we do.
                let _ = bell.changed().await;
            }
        });
        found.await.unwrap_or(Err(Why::Late(self.patience)))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    /// The content as text; octets that are no UTF-8 become replacement characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    fn is_for(&self, mailbox: &Canonical) -> bool {
        let mut recipients = self.recipients.iter();
        recipients.any(|own| Canonical::of(own) == *mailbox)
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("count", &self.count())
            .field("limit", &self.limit)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Received {
    /// Everything but most of a long content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("id", &self.id)
            .field("arrival", &format_args!("{}", self.arrival))
            .field("listener", &self.listener)
            .field("tls", &self.tls)
            .field("user", &self.user)
            .field("sender", &self.sender)
            .field("recipients", &self.recipients)
            .field("octets", &self.content.len())
            .field("content", &Beginning(&self.content))
            .finish()
    }
}

/// The beginning of a content, as text.
struct Beginning<'c>(&'c [u8]);

impl fmt::Debug for Beginning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beginning = &self.0[..self.0.len().min(SHOWN_OCTETS)];
        let more = if beginning.len() < self.0.len() {
            "…"
        } else {
            ""
        };
        write!(f, "{:?}{more}", String::from_utf8_lossy(beginning))
    }
}

/// Octets of a content that are shown for debugging: the header section of most messages.
const SHOWN_OCTETS: usize = 2048;

#[cfg(test)]
mod tests;
