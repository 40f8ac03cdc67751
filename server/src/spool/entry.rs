//! What the spool tells about a message.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One message without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The queue id that the client was told.
    pub id: String,
    /// When the end of the data came.
    pub arrival: Timestamp,
    /// Octets of content, trace and repaired fields included.
    pub size: u64,
    /// The reverse-path's mailbox; empty for `<>`.
    pub sender: String,
    /// Everybody it is for, in the order of the RCPT commands.
    pub recipients: Vec<Recipient>,
}

/// One message with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The envelope and what became of it.
    pub entry: Entry,
    /// The content as it will be sent: CRLF line ends, no dot-stuffing.
    pub content: Vec<u8>,
}

/// One recipient, and how far delivery has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The forward-path's mailbox in the client's spelling.
    pub address: String,
    /// What became of it.
    pub state: RecipientState,
    /// The last reply of the next hop that concerned it, or why there was none.
    pub last_answer: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// When the last attempt ended.
    pub last_attempt: Option<Timestamp>,
}

/// What became of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipientState {
    /// Still to be tried, or to be tried again after a temporary refusal.
    Pending,
    /// The next hop has taken it (2yz after the end of the data).
    Delivered,
    /// Refused for good (5yz); kept so that a person can see it.
    Failed,
}

impl Entry {
    /// Whether there is anybody left to try.
    pub fn is_pending(&self) -> bool {
        self.recipients
            .iter()
            .any(|recipient| recipient.state == RecipientState::Pending)
    }
}

impl Recipient {
    pub(super) fn untried(address: &str) -> Self {
        Recipient {
            address: address.to_owned(),
            state: RecipientState::Pending,
            last_answer: None,
            attempts: 0,
            last_attempt: None,
        }
    }
}
