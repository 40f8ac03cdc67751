//! What a script returns, and what becomes of it.

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Serialize};

use crate::{case::Level, error::Error};

/// The judgement of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Not judged: not offered and not promised, or not allowed here.
    Skip,
    /// The requirement holds.
    Pass,
    /// We or the network failed; never the server's fault.
    Inconclusive,
    /// A SHOULD is broken, or the class of a reply is right and its code another.
    Warn,
    /// A MUST is broken.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What a script returns.
pub type Outcome<T = ()> = Result<T, Halt>;

/// Why a script ends early. Only [`crate::run`] turns it into a [`Verdict`].
#[derive(Debug)]
pub enum Halt {
    /// The target does what the requirement forbids.
    Deviation(Box<Deviation>),
    /// What the case needs is not there, not promised, or not allowed: the reason.
    Skip(String),
    /// The server put us off (421, or 4yz where no refusal was asked for): its words.
    Temporary(String),
    /// We or the network failed.
    Error(Box<Error>),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Error(Box::new(error))
    }
}

/// What the target did, against what it should have done.
#[derive(Clone, Debug)]
pub struct Deviation {
    /// What it weighs.
    pub weight: Weight,
    /// What the requirement asks for.
    pub expected: String,
    /// What was seen instead.
    pub observed: String,
    /// Where it was seen.
    pub step: Step,
    /// The line of the transcript that decided.
    pub line: usize,
}

/// What a deviation weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// What the level of the requirement says.
    Level,
    /// A warning, whatever the level: the right class with another code, or a contested reading.
    Warn,
    /// A failure, whatever the level: a broken promise, or worse than what the requirement names.
    Fail,
}

impl Weight {
    /// The verdict for a requirement of this level.
    pub fn verdict(self, level: Level) -> Verdict {
        match (self, level) {
            (Weight::Warn, _) => Verdict::Warn,
            (Weight::Fail, _) | (Weight::Level, Level::Must | Level::MustNot) => Verdict::Fail,
            (Weight::Level, Level::Should | Level::ShouldNot | Level::May) => Verdict::Warn,
        }
    }
}

/// A place where something can be judged, and where a lie can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The nth reply on a connection, the greeting being number 0. The connection is named by our end.
    Reply(SocketAddr, u32),
    /// The TLS handshake of a connection.
    Handshake(SocketAddr),
    /// What reached the next hop.
    Delivery,
    /// The listener itself.
    Listener,
}
