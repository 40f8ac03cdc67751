//! Delivery status notifications (RFC 3464): who is owed one, what it says, and how it is queued.
//!
//! A report is a message like all others: it has the null reverse-path, goes to the sender of the
//! message that it is about, lies in the same spool and leaves by the same next hop. What is made
//! here fits into 7-bit lines wherever the return path is not known to carry more.

mod address;
mod compose;
mod conclude;
mod diagnostic;
mod fields;
mod fold;
mod owed;
mod returned;
mod text;

use jiff::Timestamp;

use crate::spool::{LastReply, Recipient};

pub(crate) use conclude::Reporter;
pub(crate) use owed::is_settled;

/// One recipient that a report is about.
#[derive(Debug, Clone, Copy)]
struct Due<'a> {
    action: Action,
    recipient: &'a Recipient,
}

/// What became of a recipient (RFC 3464, section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Nothing more is tried.
    Failed,
    /// It is tried on.
    Delayed,
    /// A hop took it that makes no reports of success.
    Relayed,
}

/// What a report tells besides the message it is about.
#[derive(Debug, Clone, Copy)]
struct Facts<'a> {
    /// The name we are known by.
    hostname: &'a str,
    /// When the report is made.
    now: Timestamp,
    /// When a delayed message is given up.
    retry_until: Option<Timestamp>,
}

/// What the way back to the sender carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nobody knows: only ASCII leaves.
    SevenBit,
    /// The sender's own address needs SMTPUTF8, so that no other way leads there (RFC 6531).
    Utf8,
}

impl<'a> Due<'a> {
    /// The host whose words the last reply is; nobody where they are our own.
    fn speaker(&self) -> Option<&'a str> {
        match self.recipient.last_reply {
            Some(LastReply::Hop { .. }) => self.recipient.remote.as_deref(),
            _ => None,
        }
    }
}

impl Form {
    fn towards(sender: &str) -> Self {
        if sender.is_ascii() {
            Form::SevenBit
        } else {
            Form::Utf8
        }
    }
}

impl Action {
    /// The value of the field.
    fn name(self) -> &'static str {
        match self {
            Action::Failed => "failed",
            Action::Delayed => "delayed",
            Action::Relayed => "relayed",
        }
    }

    /// The only class of status that goes with it, if there is only one.
    fn class(self) -> Option<char> {
        match self {
            Action::Failed => None,
            Action::Delayed => Some('4'),
            Action::Relayed => Some('2'),
        }
    }
}

#[cfg(test)]
mod tests;
