//! What is wrong with a line, and the reply to it.

use super::Verb;
use crate::reply::{Reply, reply};

/// A line that is refused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) verb: Verb,
    pub(crate) kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A bare CR, a bare LF or a NUL (RFC 5321, section 2.3.8).
    Octets,
    UnknownVerb,
    Arguments,
    /// A MAIL or RCPT parameter of an extension that is not offered (RFC 5321, section 4.1.1.11).
    Parameter,
}

impl FaultKind {
    pub(crate) fn reply(self) -> Reply {
        match self {
            FaultKind::Octets => reply(500, "5.5.2", "Only CRLF ends a line"),
            FaultKind::UnknownVerb => reply(500, "5.5.1", "Command not recognized"),
            FaultKind::Arguments => reply(501, "5.5.4", "Syntax error in arguments"),
            FaultKind::Parameter => reply(555, "5.5.4", "Parameter not recognized"),
        }
    }
}
