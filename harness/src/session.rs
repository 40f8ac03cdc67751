//! One case's conversation with a target: connections one after the other, and the verbs of a script.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    answer::{Answer, Notes, ONE_CODE},
    case::{Case, Proves},
    certificate::{RecordingVerifier, Verification, client_config},
    error::Error,
    line::Line,
    mechanism::Credentials,
    reply::Reply,
    target::{Listener, Target},
    tls_probe::{self, ProtocolVersion},
    transcript::{Answers, Transcript},
    verdict::{Deviation, Halt, Outcome, Step, Weight},
    wire::{NoMore, Wire},
};

mod authentication;
mod keywords;
mod mail;
mod preparation;

pub use keywords::Keywords;
pub use mail::Afterwards;

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
    secrets: HashMap<String, String>,
    afterwards: Vec<Afterwards>,
}

/// What all sessions of a run share.
#[derive(Debug, Default)]
pub struct Shared {
    interrupted: AtomicBool,
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
            secrets: secrets(target),
            afterwards: Vec::new(),
        }
    }

    /// Ends the session.
    pub fn into_record(self) -> Record {
        Record {
            notes: self.notes.take(),
            transcript: self.transcript,
            afterwards: self.afterwards,
            started_tls: self.started_tls,
        }
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

    /// Reads the greeting of a connection that was opened.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where none comes.
    pub fn greeting(&mut self) -> Outcome<Answer> {
        self.reply_to("the connection", Answers::Connection)
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
            self.keywords = Keywords::read(&answer);
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

    /// Reads the next reply, to something that was sent with [`Session::send`].
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn reply(&mut self, to: &str) -> Outcome<Answer> {
        self.reply_to(to, Answers::Other)
    }

    /// Nothing comes for a while: the server has nothing to say yet.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where something comes, or the connection ends.
    pub fn silence(&mut self, expected: &str) -> Outcome {
        let deadline = Instant::now() + self.target.treatment.quiet;
        match self.wire()?.stirs(deadline) {
            Ok(false) => Ok(()),
            Ok(true) => Err(self
                .reply_to("what needs no reply", Answers::Other)?
                .deviates(expected)),
            Err(end) => Err(self.no_more(end, expected)),
        }
    }

    /// Sends STARTTLS, expects 220, and makes the handshake.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where either fails.
    pub fn start_tls(&mut self) -> Outcome {
        self.command("STARTTLS")?.expect(220)?;
        self.started_tls = true;
        self.handshake()
    }

    /// Makes the TLS handshake on a connection in clear text.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where it fails.
    pub fn handshake(&mut self) -> Outcome {
        let name = self.target.server_name(self.listener);
        let verifier = Arc::new(RecordingVerifier::new(
            self.target.trust.clone(),
            name.clone(),
        ));
        let config =
            client_config(verifier.clone()).map_err(|e| Error::Certificates(e.to_string()))?;
        let deadline = self.deadline();
        let wire = self.wire()?;
        let step = Step::Handshake(wire.local());
        let clear = crate::line::visible(&wire.unread()[..wire.unread().len().min(100)]);
        if !clear.is_empty() {
            let observed = format!("clear text: {clear}");
            return Err(self.deviation(
                "the TLS handshake and nothing before it",
                observed,
                step,
                Weight::Level,
            ));
        }
        if let Err(end) = wire.start_tls(config, name, deadline) {
            return Err(match end {
                NoMore::Failed(source) => Error::Connection {
                    address: self.listener.address,
                    source,
                }
                .into(),
                NoMore::Tls(reason) => {
                    self.deviation("a TLS handshake", reason, step, Weight::Level)
                }
                NoMore::Closed(_) => {
                    self.deviation("a TLS handshake", "connection closed", step, Weight::Level)
                }
                NoMore::Silent(_) | NoMore::TooLong => self.silent("a TLS handshake", step),
            });
        }
        let version = wire.tls_version().unwrap_or("TLS");
        self.transcript.note(version);
        self.keywords = Keywords::default();
        self.verification = verifier.verification();
        Ok(())
    }

    /// What the certificate of this connection is worth; none in clear text.
    pub fn verification(&self) -> Option<&Verification> {
        self.verification.as_ref()
    }

    /// Whether the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.wire.as_ref().is_some_and(Wire::encrypted)
    }

    /// Judges something that the handshake or the certificate shows.
    pub fn handshake_deviates(&mut self, expected: &str, observed: impl Into<String>) -> Halt {
        match self.wire() {
            Ok(wire) => {
                let step = Step::Handshake(wire.local());
                self.deviation(expected, observed, step, Weight::Level)
            }
            Err(halt) => halt,
        }
    }

    /// Offers a version of TLS by a hand-made ClientHello, where a handshake is due.
    ///
    /// # Errors
    /// [`Halt::Error`] where the connection fails.
    pub fn offer_tls(&mut self, version: ProtocolVersion) -> Outcome<tls_probe::Answer> {
        let deadline = self.deadline();
        let address = self.listener.address;
        let hello = tls_probe::hello(version, self.target.host.as_deref());
        self.transcript.note(format!("ClientHello, {version}"));
        let stream = self
            .wire()?
            .bare(deadline)
            .map_err(|source| Error::Connection { address, source })?;
        let answer = match std::io::Write::write_all(stream, &hello) {
            Ok(()) => tls_probe::read_answer(stream),
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|source| Error::Connection { address, source })?;
        self.transcript.note(answer.to_string());
        Ok(answer)
    }

    /// One reply a command, and none that nobody asked for. Ends the connection with QUIT.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where there is a reply too many.
    pub fn in_step(&mut self, expected: &str) -> Outcome {
        self.command("NOOP")?;
        let quit = self.command("QUIT")?;
        if quit.code() == 221 {
            return Ok(());
        }
        // Another code alone proves nothing; one reply more does.
        match self.reply("QUIT") {
            Ok(_) => Err(quit.deviates(expected)),
            Err(Halt::Deviation(_)) => Ok(()),
            Err(other) => Err(other),
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
            observed: self.redact(&observed.into()),
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

    fn reply_to(&mut self, to: &str, answers: Answers) -> Outcome<Answer> {
        let deadline = self.deadline();
        let mut reply = Reply::default();
        loop {
            if self.shared.interrupted() {
                return Err(Error::Interrupted.into());
            }
            match self.wire()?.line(deadline) {
                Ok(line) if reply.push(&line) => break,
                Ok(_) => {}
                Err(end) => {
                    if !reply.texts.is_empty() {
                        self.transcript.server(&reply, answers);
                    }
                    return Err(self.no_more(end, &format!("a reply to {to}")));
                }
            }
        }
        self.transcript.server(&reply, answers);
        let answer = Answer {
            observed: self.redact(&reply.to_string()),
            to: to.to_owned(),
            step: self.next_step()?,
            line: self.transcript.last(),
            notes: self.notes.clone(),
            reply,
        };
        self.replies += 1;
        self.remember_multi_line_faults(&answer);
        Ok(answer)
    }

    /// RFC 5321 section 4.2.1 speaks about every reply, so every session looks for its breaches.
    fn remember_multi_line_faults(&self, answer: &Answer) {
        let Some(fault) = answer.reply.multi_line_fault() else {
            return;
        };
        let observed = format!("{fault}, in the reply to {}", answer.to);
        if let Halt::Deviation(deviation) =
            self.deviation(ONE_CODE, observed, answer.step, Weight::Level)
        {
            self.shared
                .multi_line
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(*deviation);
        }
    }

    fn no_more(&mut self, end: NoMore, expected: &str) -> Halt {
        let step = match self.next_step() {
            Ok(step) => step,
            Err(halt) => return halt,
        };
        let with_rest = |what: &str, rest: &[u8]| match rest {
            [] => what.to_owned(),
            rest => format!(
                "{what} after {}",
                crate::line::visible(&rest[..rest.len().min(100)])
            ),
        };
        match end {
            NoMore::Closed(rest) => {
                self.transcript.note("closed by the server");
                self.deviation(
                    expected,
                    with_rest("connection closed", &rest),
                    step,
                    Weight::Level,
                )
            }
            NoMore::Silent(_) => self.silent(expected, step),
            NoMore::TooLong => {
                self.hang_up();
                let observed = format!("a line of more than {} octets", crate::wire::LONGEST_LINE);
                self.deviation(expected, observed, step, Weight::Level)
            }
            NoMore::Tls(reason) => self.deviation(
                expected,
                format!("broken TLS: {reason}"),
                step,
                Weight::Level,
            ),
            NoMore::Failed(source) => Error::Connection {
                address: self.listener.address,
                source,
            }
            .into(),
        }
    }

    /// Silence is the target's only if it answers somebody else meanwhile.
    fn silent(&mut self, expected: &str, step: Step) -> Halt {
        let waited = self.target.treatment.timeout;
        let address = self.listener.address;
        self.transcript
            .note(format!("silence for {} s", waited.as_secs()));
        let answers = Wire::connect(address, waited).ok().is_some_and(|mut wire| {
            self.listener.implicit_tls || wire.line(self.deadline()).is_ok()
        });
        match answers {
            true => self.deviation(
                expected,
                format!("silence for {} s", waited.as_secs()),
                step,
                Weight::Level,
            ),
            false => Error::Silent { address, waited }.into(),
        }
    }

    fn next_step(&mut self) -> Outcome<Step> {
        let replies = self.replies;
        Ok(Step::Reply(self.wire()?.local(), replies))
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

    fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        for (secret, name) in &self.secrets {
            if redacted.contains(secret.as_str()) {
                redacted = redacted.replace(secret, name);
            }
        }
        redacted
    }
}

/// Passwords and what they encode to, with what stands for them.
fn secrets(target: &Target) -> HashMap<String, String> {
    let accounts = target.account.iter().chain(&target.other_account);
    accounts
        .flat_map(secret_forms)
        .map(|secret| (secret, "[secret]".to_owned()))
        .collect()
}

fn secret_forms(credentials: &Credentials) -> [String; 4] {
    let Credentials { user, password, .. } = credentials;
    let plain = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
    let acting_as_oneself = BASE64_STANDARD.encode(format!("{user}\0{user}\0{password}"));
    [
        plain,
        acting_as_oneself,
        BASE64_STANDARD.encode(password),
        password.clone(),
    ]
}
