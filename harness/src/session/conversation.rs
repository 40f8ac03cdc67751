//! Commands and replies in clear sight, and octets as a script wants them.

use std::time::Instant;

use super::{CLIENT, Keywords, Session};
use crate::{
    answer::Answer,
    line::Line,
    transcript::Answers,
    verdict::{Halt, Outcome},
};

impl Session<'_> {
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
}

/// A connection that ends is no answer, and here no breach.
fn still_open(answer: Outcome<Answer>) -> Outcome<Option<Answer>> {
    match answer {
        Err(Halt::Deviation(_)) => Ok(None),
        other => other.map(Some),
    }
}
