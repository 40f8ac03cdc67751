//! How a reply is read, and what it means when none comes.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use super::Session;
use crate::{
    answer::{Answer, ONE_CODE},
    error::Error,
    line::visible,
    reply::Reply,
    transcript::Answers,
    verdict::{Halt, Outcome, Step, Weight},
    wire::{LONGEST_LINE, NoMore, Wire},
};

/// How soon a session that waits hears that the run was interrupted.
const SLICE: Duration = Duration::from_millis(200);

impl Session<'_> {
    pub(super) fn reply_to(&mut self, to: &str, answers: Answers) -> Outcome<Answer> {
        let deadline = self.deadline();
        let mut reply = Reply::default();
        loop {
            if self.shared.interrupted() {
                return Err(Error::Interrupted.into());
            }
            let slice = deadline.min(Instant::now() + SLICE);
            match self.wire()?.line(slice) {
                Ok(line) if reply.push(&line) => break,
                Ok(_) => {}
                Err(NoMore::Silent(_)) if Instant::now() < deadline => {}
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
                let observed = format!("a line of more than {} octets", LONGEST_LINE);
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
    pub(super) fn silent(&mut self, expected: &str, step: Step) -> Halt {
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
}
