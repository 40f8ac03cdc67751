//! What is said where a message that was waited for has not come.

use std::fmt;
use std::time::Duration;

use super::Kept;

/// A message that was waited for has not come; the text says which, why it is waited for no longer,
/// and what has come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} {why}{}", came(*why, *received, recipients))]
pub struct NotReceived {
    wanted: Wanted,
    why: Why,
    received: usize,
    /// Of the messages that are kept: those of the latest, and whether there are more.
    recipients: (Vec<String>, bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Nth(usize),
    To(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It was waited for so long.
    Late(Duration),
    /// The server is no more.
    Ended,
    /// It came, and others since have taken its place; so many are kept.
    Dropped(usize),
    /// Nobody asked for any to be kept.
    NoneKept,
}

impl NotReceived {
    pub(super) fn new(wanted: Wanted, why: Why, kept: &Kept) -> Self {
        let latest = kept.messages.iter().rev();
        let mut recipients = latest.flat_map(|message| &message.recipients).cloned();
        let shown = recipients.by_ref().take(SHOWN).collect();
        NotReceived {
            wanted,
            why,
            received: kept.dropped + kept.messages.len(),
            recipients: (shown, recipients.next().is_some()),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Nth(n) => write!(f, "message {n}"),
            Wanted::To(recipient) => write!(f, "a message to {recipient}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Late(patience) => write!(f, "has not come in {patience:?}"),
            Why::Ended => f.write_str("had not come when the server ended"),
            Why::Dropped(kept) => write!(f, "is not among the last {kept}, which are kept"),
            Why::NoneKept => f.write_str("is not kept: keep_messages of the configuration is 0"),
        }
    }
}

/// Recipients that an error names.
const SHOWN: usize = 10;
/// The end of the sentence: what has come.
fn came(why: Why, received: usize, (recipients, more): &(Vec<String>, bool)) -> String {
    let came = match (why, received) {
        (Why::NoneKept, _) => return String::new(),
        (_, 0) => return "; no message has".to_owned(),
        (_, 1) => "; 1 message has".to_owned(),
        (_, more) => format!("; {more} messages have"),
    };
    let and_others = if *more { " and others" } else { "" };
    format!("{came}, for {}{and_others}", recipients.join(", "))
}
