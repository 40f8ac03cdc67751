//! One case's conversation with a target: connections one after the other, and the verbs of a script.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    answer::{Answer, Notes},
    case::{Case, Proves},
    certificate::Verification,
    error::Error,
    line::Line,
    next_hop::NextHop,
    target::{Listener, Target},
    transcript::{Answers, Transcript},
    verdict::{Deviation, Halt, Outcome, Step, Weight},
    wire::Wire,
};

mod authentication;
mod due;
mod heard;
mod keywords;
mod mail;
mod needs;
mod preparation;
mod reading;
mod relay;
mod secrets;
mod tls;

pub use keywords::Keywords;
pub use mail::Afterwards;
pub use relay::Settled;
pub(crate) use relay::failure_of;
use secrets::Secrets;

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

/// What all sessions of a run share.
#[derive(Debug, Default)]
pub struct Shared {
    interrupted: AtomicBool,
    /// Mail that was due did not come until the deadline, and nobody had promised that it would.
    waited_in_vain: AtomicBool,
    /// Faults of multi-line replies anywhere in the run.
    multi_line: Mutex<Vec<Deviation>>,
}

impl Shared {
    /// Asks all sessions to end soon.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether the sessions were asked to end.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn waited_in_vain(&self) -> bool {
        self.waited_in_vain.load(Ordering::Relaxed)
    }

    fn wait_was_in_vain(&self) {
        self.waited_in_vain.store(true, Ordering::Relaxed);
    }

    pub(crate) fn multi_line_faults(&self) -> Vec<Deviation> {
        self.multi_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
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

    /// Connects, makes the handshake where TLS comes first, and reads the greeting.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the handshake fails or no greeting comes.
    pub fn connect(&mut self) -> Outcome<Answer> {
        self.open()?;
        if self.listener.implicit_tls {
            self.handshake()?;
        }
        self.greeting()
    }

    /// Reads the greeting of a connection that was opened. Who closes instead is overloaded, it seems.
    ///
    /// # Errors
    /// [`Halt::Temporary`] where the server closes, [`Halt::Deviation`] where it is silent.
    pub fn greeting(&mut self) -> Outcome<Answer> {
        match self.reply_to("the connection", Answers::Connection) {
            Err(Halt::Deviation(deviation)) if deviation.observed == "connection closed" => {
                Err(Halt::Temporary("closed before the greeting".to_owned()))
            }
            other => other,
        }
    }

    /// Connects and sends nothing.
    ///
    /// # Errors
    /// [`Halt::Error`] where no connection comes about.
    pub fn open(&mut self) -> Outcome {
        self.hang_up();
        let Listener { port, address, .. } = *self.listener;
        self.transcript
            .note(format!("connected {port} {}", self.listener.family().ip()));
        let wire = Wire::connect(address, self.target.treatment.timeout)
            .map_err(|source| Error::Connect { address, source })?;
        if let Some(observer) = self.target.observer.as_ref().filter(|_| self.depth > 0) {
            observer.preparing(wire.local());
        }
        self.wire = Some(wire);
        Ok(())
    }

    /// Closes the connection without a word.
    pub fn hang_up(&mut self) {
        self.wire = None;
        self.replies = 0;
        self.keywords = Keywords::default();
        self.verification = None;
    }

    /// Sends a command and reads the reply.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the reply is due and does not come.
    pub fn command(&mut self, line: impl Into<Line>) -> Outcome<Answer> {
        let line = line.into();
        self.send_line(&line)?;
        let answers = if line.verb() == "EHLO" {
            Answers::Ehlo
        } else {
            Answers::Other
        };
        self.reply_to(line.shown(), answers)
    }

    /// Sends EHLO as `name` and remembers what the server offers.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn ehlo_as(&mut self, name: &str) -> Outcome<Answer> {
        let answer = self.command(format!("EHLO {name}"))?;
        if answer.code() == 250 {
            self.keywords = Keywords::read(&answer, |line| self.secrets.redact(line));
        }
        Ok(answer)
    }

    /// Sends EHLO and remembers what the server offers.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn ehlo(&mut self) -> Outcome<Answer> {
        self.ehlo_as(CLIENT)
    }

    /// What the last EHLO offered.
    pub fn keywords(&self) -> &Keywords {
        &self.keywords
    }

    /// Sends octets as they are, in one write, and reads nothing.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the server has closed the connection.
    pub fn send(&mut self, octets: impl Into<Line>) -> Outcome {
        let line = octets.into();
        self.transcript.client(&line);
        self.write(line.octets())
    }

    /// As [`Session::reply`], for a script that takes 421 for the refusal that it is.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn reply_or_421(&mut self, to: &str) -> Outcome<Answer> {
        self.reply_even_421(to, Answers::Other)
    }

    /// Reads the next reply, to something that was sent with [`Session::send`].
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn reply(&mut self, to: &str) -> Outcome<Answer> {
        self.reply_to(to, Answers::Other)
    }

    /// The reply that comes within a short while, to something that asks for none; none if silence.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the connection ends without a word.
    pub fn early_reply(&mut self, to: &str) -> Outcome<Option<Answer>> {
        let deadline = Instant::now() + self.target.treatment.quiet;
        match self.wire()?.stirs(deadline) {
            Ok(false) => Ok(None),
            Ok(true) => self.reply_even_421(to, Answers::Other).map(Some),
            Err(end) => Err(self.no_more(end, &format!("silence, or a reply to {to}"))),
        }
    }

    /// Nothing comes for a while: the server has nothing to say yet.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where something comes, or the connection ends.
    pub fn silence(&mut self, expected: &str) -> Outcome {
        match self.early_reply("what needs no reply")? {
            None => Ok(()),
            Some(answer) if answer.code() == 421 => Err(Halt::Temporary(answer.observed)),
            Some(answer) => Err(answer.deviates(expected)),
        }
    }

    /// One reply a command, and none that nobody asked for. Ends the connection with QUIT; a server
    /// that closes before is in step too.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where there is a reply too many, or NOOP is not answered as NOOP.
    pub fn in_step(&mut self, expected: &str) -> Outcome {
        let Some(noop) = still_open(self.command("NOOP"))? else {
            return Ok(());
        };
        if matches!(noop.code(), 500..=502) {
            return Err(noop.deviates(expected));
        }
        let Some(quit) = still_open(self.command("QUIT"))? else {
            return Ok(());
        };
        if quit.code() == 221 {
            return Ok(());
        }
        // Another code alone proves nothing; one reply more does.
        match still_open(self.reply("QUIT"))? {
            Some(_) => Err(quit.deviates(expected)),
            None => Ok(()),
        }
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

    fn send_line(&mut self, line: &Line) -> Outcome {
        self.transcript.client(line);
        let mut octets = line.octets().to_vec();
        octets.extend_from_slice(b"\r\n");
        self.write(&octets)
    }

    fn write(&mut self, octets: &[u8]) -> Outcome {
        let deadline = self.deadline();
        let Err(source) = self.wire()?.send(octets, deadline) else {
            return Ok(());
        };
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match source.kind() {
            // What the server said before it closed is still to be read.
            BrokenPipe | ConnectionAborted | ConnectionReset => Ok(()),
            _ => Err(Error::Connection {
                address: self.listener.address,
                source,
            }
            .into()),
        }
    }

    fn wire(&mut self) -> Outcome<&mut Wire> {
        let address = self.listener.address;
        self.wire.as_mut().ok_or_else(|| {
            let source = std::io::ErrorKind::NotConnected.into();
            Error::Connection { address, source }.into()
        })
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.target.treatment.timeout
    }
}

/// A connection that ends is no answer, and here no breach.
fn still_open(answer: Outcome<Answer>) -> Outcome<Option<Answer>> {
    match answer {
        Err(Halt::Deviation(_)) => Ok(None),
        other => other.map(Some),
    }
}
