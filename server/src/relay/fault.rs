//! Why there is no reply, or no session at all.

use super::reply::HopReply;
use crate::spool::LastReply;

/// What went wrong with a next hop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HopFault {
    /// The operating system's reason.
    #[error("next hop: {0}")]
    Io(String),
    #[error("next hop: no reply in time")]
    Late,
    #[error("next hop closed the connection")]
    Closed,
    #[error("next hop: not a reply")]
    NotAReply,
    #[error("next hop sent octets that nobody asked for")]
    OutOfStep,
    /// The greeting, or the reply to EHLO or HELO. It is about the host, not about a message.
    #[error("{}", .0.summary())]
    Refused(HopReply),
    #[error("next hop: TLS handshake: {0}")]
    Handshake(String),
    #[error("next hop: no TLS, which is required")]
    NoTls,
    /// Not what a message with REQUIRETLS needs; the status is for good (RFC 8689, section 4.2.1).
    #[error("{why}, and the message has REQUIRETLS")]
    Unfit { status: &'static str, why: String },
    /// Nobody to connect to. The status says whether that can change (RFC 3463).
    #[error("{why}")]
    NoHost { status: &'static str, why: String },
}

impl From<std::io::Error> for HopFault {
    fn from(error: std::io::Error) -> Self {
        HopFault::Io(error.to_string())
    }
}

impl HopFault {
    /// What is kept with a recipient.
    pub(super) fn last_reply(&self) -> LastReply {
        let status = match self {
            HopFault::Refused(reply) => return reply.last_reply(),
            HopFault::NoHost { status, .. } | HopFault::Unfit { status, .. } => status,
            HopFault::Io(_) | HopFault::Late => "4.4.1",
            HopFault::Closed => "4.4.2",
            HopFault::NotAReply | HopFault::OutOfStep => "4.5.0",
            HopFault::Handshake(_) => "4.7.5",
            HopFault::NoTls => "4.7.10",
        };
        LastReply::Own {
            status: status.to_owned(),
            why: self.to_string(),
        }
    }

    /// Whether trying again is no use: nobody is there for the domain, or nobody is fit.
    pub(super) fn is_permanent(&self) -> bool {
        match self {
            HopFault::NoHost { status, .. } => status.starts_with('5'),
            HopFault::Unfit { .. } => true,
            _ => false,
        }
    }
}
