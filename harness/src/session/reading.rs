//! How a reply is read, and what it means when none comes.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use super::Session;
use crate::{
    answer::{Answer, ONE_CODE},
    certificate::{RecordingVerifier, client_config},
    error::Error,
    line::visible,
    reply::Reply,
    transcript::Answers,
    verdict::{Halt, Outcome, Step, Weight},
    wire::{LONGEST_LINE, NoMore, Wire},
};

/// How soon a session that waits hears that the run was interrupted.
const SLICE: Duration = Duration::from_millis(200);
/// The most octets of one reply that are read.
const LONGEST_REPLY: usize = 64 * 1024;
/// How many timeouts a whole case may take.
const TIMEOUTS: u32 = 20;

impl Session<'_> {
    /// The next reply. 421 puts us off, wherever it comes (RFC 5321 section 3.8).
    pub(super) fn reply_to(&mut self, to: &str, answers: Answers) -> Outcome<Answer> {
        let answer = self.reply_even_421(to, answers)?;
        match answer.code() {
            421 => Err(Halt::Temporary(answer.observed)),
            _ => Ok(answer),
        }
    }

    /// The next reply, for a script that takes 421 for the refusal that it is.
    pub(super) fn reply_even_421(&mut self, to: &str, answers: Answers) -> Outcome<Answer> {
        let deadline = self.deadline();
        let mut reply = Reply::default();
        let mut octets = 0;
        loop {
            if self.shared.interrupted() {
                return Err(Error::Interrupted.into());
            }
            if self.started.elapsed() > self.target.treatment.timeout * TIMEOUTS {
                return Err(Error::Target(format!("{} takes too long", self.case.id)).into());
            }
            let slice = deadline.min(Instant::now() + SLICE);
            match self.wire()?.line(slice) {
                Ok(line) => {
                    octets += line.len();
                    let complete = reply.push(&line);
                    if octets > LONGEST_REPLY && !complete {
                        self.show(&reply, answers);
                        return Err(
                            self.no_more(NoMore::TooLong, &format!("the end of a reply to {to}"))
                        );
                    }
                    if complete {
                        break;
                    }
                }
                Err(NoMore::Silent(_)) if Instant::now() < deadline => {}
                Err(end) => {
                    if !reply.texts.is_empty() {
                        self.show(&reply, answers);
                    }
                    return Err(self.no_more(end, &format!("a reply to {to}")));
                }
            }
        }
        self.show(&reply, answers);
        let answer = Answer {
            observed: self.secrets.redact(&reply.to_string()),
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

    /// A server may repeat what it was sent, secrets too.
    fn show(&mut self, reply: &Reply, answers: Answers) {
        let before = self.transcript.lines().len();
        self.transcript.server(reply, answers);
        let secrets = &self.secrets;
        self.transcript
            .edit_from(before, |line| secrets.redact(line));
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

    pub(super) fn no_more(&mut self, end: NoMore, expected: &str) -> Halt {
        let step = match self.next_step() {
            Ok(step) => step,
            Err(halt) => return halt,
        };
        let with_rest = |what: &str, rest: &[u8]| match rest {
            [] => what.to_owned(),
            rest => format!("{what} after {}", visible(&rest[..rest.len().min(100)])),
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
                let observed = format!(
                    "a line of more than {LONGEST_LINE} octets, or a reply of more than {LONGEST_REPLY}"
                );
                self.deviation(expected, observed, step, Weight::Level)
            }
            NoMore::TlsBeyondUs(reason) => Error::Target(format!("TLS: {reason}")).into(),
            NoMore::ClearText(octets) => {
                self.deviation(expected, visible(&octets), step, Weight::Level)
            }
            NoMore::Tls(reason) => self.deviation(
                expected,
                format!("broken TLS: {reason}"),
                step,
                Weight::Level,
            ),
            NoMore::Failed(error) => Error::Connection {
                address: self.listener.address,
                error,
            }
            .into(),
        }
    }

    /// Silence is the target's only if it answers somebody else meanwhile.
    pub(super) fn silent(&mut self, expected: &str, step: Step) -> Halt {
        let waited = self.target.treatment.timeout;
        let address = self.listener.address;
        self.transcript
            .note(format!("silence for {} s", waited.as_secs()));
        let answers = self.answers_a_stranger();
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

    /// Whether a fresh connection is greeted, inside TLS where it comes first.
    fn answers_a_stranger(&self) -> bool {
        let timeout = self.target.treatment.timeout;
        let Ok(mut wire) = Wire::connect(self.listener.address, timeout) else {
            return false;
        };
        let name = self.target.server_name(self.listener);
        let verifier = Arc::new(RecordingVerifier::new(
            self.target.trust.clone(),
            name.clone(),
        ));
        let encrypted = || {
            client_config(verifier)
                .map(|config| wire.start_tls(config, name, self.deadline()).is_ok())
        };
        if self.listener.implicit_tls && !encrypted().unwrap_or(false) {
            return false;
        }
        wire.line(self.deadline()).is_ok()
    }

    fn next_step(&mut self) -> Outcome<Step> {
        let replies = self.replies;
        Ok(Step::Reply(self.wire()?.local(), replies))
    }
}
