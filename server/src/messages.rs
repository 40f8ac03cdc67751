//! What the server has accepted, for the program that embeds it: a test waits here for its mail.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::command::Canonical;

/// The messages that were answered 250 since the start, in that order: at most
/// [`Config::keep_messages`](crate::Config::keep_messages) of them, the latest, and of their contents
/// at most 64 MiB, but always the last message. That they were relayed meanwhile makes no difference.
#[derive(Debug, Clone)]
pub struct Messages {
    kept: Arc<Mutex<Kept>>,
    /// Rung at every arrival.
    bell: Arc<watch::Sender<()>>,
    limit: usize,
    patience: Duration,
}

/// One message as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// A message that was waited for has not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} in {patience:?}; {received} received{}", seen(recipients))]
pub struct NotReceived {
    wanted: Wanted,
    patience: Duration,
    received: usize,
    recipients: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Nth(usize),
    To(String),
    /// It came, and others since have taken its place.
    Dropped(usize, usize),
}

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<Arc<Received>>,
    /// How many came before the first that is kept.
    dropped: usize,
    /// The contents' octets.
    octets: usize,
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
    /// [`NotReceived`] if it does not come in time, or is not kept any more.
    pub async fn nth(&self, n: usize) -> Result<Arc<Received>, NotReceived> {
        let n = n.max(1);
        let found = self.find(|kept| match n.checked_sub(kept.dropped + 1) {
            Some(place) => kept.messages.get(place).cloned().map(Some),
            None => Some(None),
        });
        match found.await {
            Some(Some(message)) => Ok(message),
            Some(None) => Err(self.without(Wanted::Dropped(n, self.all().len()))),
            None => Err(self.without(Wanted::Nth(n))),
        }
    }

    /// The first kept message for this recipient; waits for it. The domain is compared without
    /// regard to case, the local part by its octets, quoted or not (RFC 5321, sections 2.4 and 4.1.2).
    ///
    /// # Errors
    /// [`NotReceived`] if none comes in time.
    pub async fn to(&self, recipient: &str) -> Result<Arc<Received>, NotReceived> {
        let mailbox = Canonical::of(recipient);
        let found = self.find(|kept| {
            let mut messages = kept.messages.iter();
            messages.find(|message| message.is_for(&mailbox)).cloned()
        });
        found
            .await
            .ok_or_else(|| self.without(Wanted::To(recipient.to_owned())))
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

    /// What `look` finds, now or after an arrival.
    async fn find<T>(&self, look: impl Fn(&Kept) -> Option<T>) -> Option<T> {
        let mut bell = self.bell.subscribe();
        let found = timeout(self.patience, async {
            loop {
                let found = look(&self.kept());
                if found.is_some() {
                    return found;
                }
                // The bell lives as long as we do.
                let _ = bell.changed().await;
            }
        });
        found.await.ok().flatten()
    }

    fn without(&self, wanted: Wanted) -> NotReceived {
        let kept = self.kept();
        let recipients = kept.messages.iter().flat_map(|message| &message.recipients);
        NotReceived {
            wanted,
            patience: self.patience,
            received: kept.dropped + kept.messages.len(),
            recipients: recipients.take(SHOWN).cloned().collect(),
        }
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

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Nth(n) => write!(f, "message {n} has not come"),
            Wanted::To(recipient) => write!(f, "no message to {recipient} has come"),
            Wanted::Dropped(n, limit) => {
                write!(
                    f,
                    "message {n} is not among the last {limit} that are kept; waited"
                )
            }
        }
    }
}

/// Recipients that an error names.
const SHOWN: usize = 10;

fn seen(recipients: &[String]) -> String {
    if recipients.is_empty() {
        String::new()
    } else {
        format!(", for {}", recipients.join(", "))
    }
}

#[cfg(test)]
mod tests;
