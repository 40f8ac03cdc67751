//! What one recipient was answered.

use super::fault::HopFault;
use crate::spool::{LastReply, RecipientState};

/// What one recipient was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) state: RecipientState,
    pub(super) reply: LastReply,
    /// The host that it is about.
    pub(super) host: Option<String>,
    /// Whether that host takes care of reports.
    pub(super) dsn_passed_on: bool,
    /// Refused only because there were too many at once: worth another transaction at once.
    pub(super) surplus: bool,
}

impl Outcome {
    pub(super) fn failed(reply: LastReply, host: Option<String>) -> Self {
        Outcome {
            state: RecipientState::Failed,
            reply,
            host,
            dsn_passed_on: false,
            surplus: false,
        }
    }

    pub(super) fn temporary(reply: LastReply, host: Option<String>) -> Self {
        Outcome {
            state: RecipientState::Pending,
            ..Outcome::failed(reply, host)
        }
    }

    /// No session. It is tried again unless nothing can come of that.
    pub(super) fn unreached(fault: &HopFault, host: Option<String>) -> Self {
        match fault.is_permanent() {
            true => Outcome::failed(fault.last_reply(), host),
            false => Outcome::temporary(fault.last_reply(), host),
        }
    }
}
