//! What the spool tells about a message.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::envelope::{Addressee, is_false};
use super::id::Id;
use super::{Envelope, LastReply, MailOptions, Notify};

/// One message without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The queue id that the client was told.
    pub id: String,
    /// When the end of the data came.
    pub arrival: Timestamp,
    /// Octets of content, trace and repaired fields included.
    pub size: u64,
    /// The reverse-path's mailbox; empty for `<>`.
    pub sender: String,
    /// What MAIL asked for besides.
    pub options: MailOptions,
    /// Everybody it is for, in the order of the RCPT commands.
    pub recipients: Vec<Recipient>,
}

/// One message with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The envelope and what became of it.
    pub entry: Entry,
    /// The content as it will be sent: CRLF line ends, no dot-stuffing.
    pub content: Vec<u8>,
}

/// One recipient, and how far delivery has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Recipient {
    /// The forward-path's mailbox in the client's spelling.
    pub address: String,
    /// When its sender wants a report; nothing if RCPT did not say (RFC 3461, section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// ORCPT as the client wrote it, `TYPE;XTEXT` (RFC 3461, section 4.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orcpt: Option<String>,
    /// What became of it.
    pub state: RecipientState,
    /// The last reply of the next hop that concerned it, or why there was none.
    #[serde(default, alias = "last_answer")]
    pub last_reply: Option<LastReply>,
    /// The name of the host that gave the last reply; nothing if no host did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// When the last attempt ended.
    pub last_attempt: Option<Timestamp>,
    /// Whether the next hop took the recipient's NOTIFY over, and with it all further reports.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dsn_passed_on: bool,
    /// Whether the final report about it was made, or none is owed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reported: bool,
    /// Whether its sender was told that it takes long.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delay_reported: bool,
}

/// What became of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipientState {
    /// Still to be tried, or to be tried again after a temporary refusal.
    Pending,
    /// The next hop has taken it (2yz after the end of the data).
    Delivered,
    /// Refused for good, or given up; kept until a report is made.
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

impl Message {
    /// What was stored: the envelope as one line of JSON, then the content; and the progress as
    /// JSON, if there was any. Otherwise what is wrong with it.
    pub(super) fn parse(
        id: Id,
        mut stored: Vec<u8>,
        progress: Option<&[u8]>,
    ) -> Result<Self, String> {
        let end = stored.iter().position(|octet| *octet == b'\n');
        let content = stored.split_off(end.ok_or("no envelope")? + 1);
        let envelope: Envelope =
            serde_json::from_slice(&stored).map_err(|error| error.to_string())?;
        if envelope.size != content.len() as u64 {
            return Err(format!("{} octets of content", content.len()));
        }
        let recipients = match progress {
            Some(json) => envelope.progress(json)?,
            None => envelope.untried(),
        };
        let entry = envelope.entry(&id.to_string(), recipients);
        Ok(Message { entry, content })
    }
}

impl Recipient {
    /// The status to be reported (RFC 3463): that of the last reply, also where it was temporary
    /// and the recipient was given up in the end (section 3.5 prefers it to X.4.7).
    pub fn status(&self) -> String {
        self.last_reply
            .as_ref()
            .map_or_else(|| "4.4.7".to_owned(), LastReply::status)
    }

    pub(super) fn untried(addressee: &Addressee) -> Self {
        Recipient {
            address: addressee.address.clone(),
            notify: addressee.notify,
            orcpt: addressee.orcpt.clone(),
            state: RecipientState::Pending,
            last_reply: None,
            remote: None,
            attempts: 0,
            last_attempt: None,
            dsn_passed_on: false,
            reported: false,
            delay_reported: false,
        }
    }
}
