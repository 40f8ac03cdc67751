//! One case's conversation with a target: connections one after the other, and the verbs of a script.

use std::time::{Duration, Instant};

use crate::{
    answer::Notes,
    case::{Case, Proves},
    certificate::Verification,
    next_hop::NextHop,
    target::{Listener, Target},
    transcript::Transcript,
    verdict::{Deviation, Halt, Outcome, Step, Weight},
    wire::Wire,
};

mod authentication;
mod connection;
mod conversation;
mod due;
mod fate;
mod heard;
mod keywords;
mod mail;
mod needs;
mod preparation;
mod reading;
mod relay;
mod secrets;
mod shared;
mod tls;

pub use fate::Settled;
pub(crate) use fate::failure_of;
pub use keywords::Keywords;
pub use mail::Afterwards;
use secrets::Secrets;
pub use shared::Shared;

/// How the suite calls itself in EHLO.
pub const CLIENT: &str = "client.example";

/// What a script speaks through. A new connection ends the one before.
pub struct Session<'t> {
    pub(crate) target: &'t Target,
    pub(crate) listener: &'t Listener,
    case: &'t Case,
    shared: &'t Shared,
    wire: Option<Wire>,
    replies: u32,
    depth: u32,
    keywords: Keywords,
    verification: Option<Verification>,
    started_tls: bool,
    transcript: Transcript,
    notes: Notes,
    secrets: Secrets,
    started: Instant,
    afterwards: Vec<Afterwards>,
    /// How many connections the next hop had seen before.
    first_visit: usize,
    /// The longest wait for mail that is due.
    patience: Duration,
}

/// What is left of a session when its script has ended.
#[derive(Debug)]
pub struct Record {
    /// The dialogue.
    pub transcript: Transcript,
    /// Warnings.
    pub notes: Vec<Deviation>,
    /// What has to be looked at when the run is over.
    pub afterwards: Vec<Afterwards>,
    /// Whether STARTTLS was used.
    pub started_tls: bool,
}

impl<'t> Session<'t> {
    /// A session that is not connected yet.
    pub fn new(
        target: &'t Target,
        listener: &'t Listener,
        case: &'t Case,
        shared: &'t Shared,
    ) -> Session<'t> {
        Session {
            target,
            listener,
            case,
            shared,
            wire: None,
            replies: 0,
            depth: 0,
            keywords: Keywords::default(),
            verification: None,
            started_tls: false,
            transcript: Transcript::default(),
            notes: Notes::default(),
            secrets: Secrets::of(target),
            started: Instant::now(),
            afterwards: Vec::new(),
            first_visit: target.next_hop.as_ref().map_or(0, NextHop::visit_count),
            patience: due::patience(target, shared),
        }
    }

    /// Ends the session.
    pub fn into_record(self) -> Record {
        Record {
            notes: self
                .notes
                .take()
                .into_iter()
                .map(|note| self.without_secrets(note))
                .collect(),
            transcript: self.transcript,
            afterwards: self.afterwards,
            started_tls: self.started_tls,
        }
    }

    /// What the script returned, without secrets that a server has repeated.
    pub(crate) fn redacted(&self, outcome: Outcome) -> Outcome {
        outcome.map_err(|halt| match halt {
            Halt::Deviation(deviation) => {
                Halt::Deviation(Box::new(self.without_secrets(*deviation)))
            }
            Halt::Skip(reason) => Halt::Skip(self.secrets.redact(&reason)),
            other => other,
        })
    }

    fn without_secrets(&self, deviation: Deviation) -> Deviation {
        Deviation {
            expected: self.secrets.redact(&deviation.expected),
            observed: self.secrets.redact(&deviation.observed),
            ..deviation
        }
    }

    /// Whether mail is submitted here, and not relayed between servers.
    pub fn is_submission(&self) -> bool {
        self.listener.is_submission()
    }

    /// The target.
    pub fn target(&self) -> &'t Target {
        self.target
    }

    /// The harness says something in the transcript.
    pub fn remark(&mut self, text: &str) {
        self.transcript.note(text);
    }

    /// Whether this case reports that `promise` is broken.
    pub(crate) fn proves(&self, promise: Proves) -> bool {
        self.case.proves == promise
    }

    pub(crate) fn deviation(
        &self,
        expected: impl Into<String>,
        observed: impl Into<String>,
        step: Step,
        weight: Weight,
    ) -> Halt {
        Halt::Deviation(Box::new(Deviation {
            weight,
            expected: expected.into(),
            observed: observed.into(),
            step,
            line: self.transcript.last(),
        }))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.target.treatment.timeout
    }
}
