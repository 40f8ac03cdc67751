//! A reply in its place, and the words in which a script judges it.

use std::{cell::RefCell, rc::Rc};

use crate::{
    reply::{EnhancedStatus, Reply},
    verdict::{Deviation, Halt, Outcome, Step, Weight},
};

/// What RFC 5321 section 4.2.1 asks of replies with several lines.
pub(crate) const ONE_CODE: &str =
    "one code on every line of a reply, and a hyphen on all lines but the last";

/// Deviations that do not end a script: warnings.
pub type Notes = Rc<RefCell<Vec<Deviation>>>;

/// A reply, with the place where it was given.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The reply as it came.
    pub reply: Reply,
    pub(crate) to: String,
    pub(crate) observed: String,
    pub(crate) step: Step,
    pub(crate) line: usize,
    pub(crate) notes: Notes,
}

impl Answer {
    /// The reply code, 0 where there is none.
    pub fn code(&self) -> u16 {
        self.reply.code.unwrap_or(0)
    }

    /// What was seen, in one line and without secrets.
    pub fn observed(&self) -> &str {
        &self.observed
    }

    /// Whether the command was accepted (2yz).
    pub fn accepted(&self) -> bool {
        self.reply.class() == 2
    }

    /// This code passes, another of the same first digit warns, everything else deviates.
    ///
    /// # Errors
    /// [`Halt::Deviation`]; [`Halt::Temporary`] on a 4yz that was not asked for.
    pub fn expect(&self, code: u16) -> Outcome {
        self.expect_one_of(&[code])
    }

    /// As [`Answer::expect`], with several right codes, the most usual first.
    ///
    /// # Errors
    /// As [`Answer::expect`].
    pub fn expect_one_of(&self, codes: &[u16]) -> Outcome {
        if codes.contains(&self.code()) {
            return Ok(());
        }
        let expected = self.expectation(codes);
        if codes.iter().any(|code| code / 100 == self.reply.class()) {
            self.note(expected);
            return Ok(());
        }
        Err(self.temporary().unwrap_or_else(|| self.deviates(expected)))
    }

    /// As [`Answer::expect`], where the requirement itself says that 4yz is wrong.
    ///
    /// # Errors
    /// [`Halt::Deviation`]; [`Halt::Temporary`] on 421 alone.
    pub fn expect_for_good(&self, code: u16) -> Outcome {
        if self.reply.class() == 4 && self.code() != 421 {
            return Err(self.deviates(self.expectation(&[code])));
        }
        self.expect(code)
    }

    /// As [`Answer::expect_one_of`]; a `contested` code warns, because implementations read the requirement so.
    ///
    /// # Errors
    /// As [`Answer::expect`].
    pub fn expect_or_contested(&self, codes: &[u16], contested: &[u16]) -> Outcome {
        if contested.contains(&self.code()) {
            self.note(self.expectation(codes));
            return Ok(());
        }
        self.expect_one_of(codes)
    }

    /// The first word is a domain or an address literal (RFC 5321 section 4.2); one label alone warns.
    ///
    /// # Errors
    /// [`Halt::Deviation`].
    pub fn expect_domain_first(&self) -> Outcome {
        let text = self.reply.text(0);
        let word = text.split(' ').next().unwrap_or_default();
        let expected = "a fully-qualified domain or an address literal as the first word";
        if !crate::transcript::is_host(word) {
            return Err(self.deviates(expected));
        }
        if !word.contains(['.', '[']) {
            self.note(expected);
        }
        Ok(())
    }

    /// One code on every line, a hyphen on all lines but the last (RFC 5321 section 4.2.1).
    ///
    /// # Errors
    /// [`Halt::Deviation`].
    pub fn expect_one_code(&self) -> Outcome {
        match self.reply.multi_line_fault() {
            Some(fault) => Err(self.deviates_because(ONE_CODE, fault)),
            None => Ok(()),
        }
    }

    /// Any refusal for good (5yz) passes.
    ///
    /// # Errors
    /// As [`Answer::expect`].
    pub fn expect_refusal(&self, of: &str) -> Outcome {
        if self.reply.class() == 5 {
            return Ok(());
        }
        Err(self
            .temporary()
            .unwrap_or_else(|| self.deviates(format!("5yz to {of}"))))
    }

    /// The enhanced status code, where the server gives one at all: another warns.
    pub fn expect_status(&self, statuses: &[&str]) {
        // A code that is warned about says enough.
        let noted = self
            .notes
            .borrow()
            .iter()
            .any(|note| note.step == self.step);
        let Some(status) = self.reply.status().filter(|_| !noted) else {
            return;
        };
        if !statuses
            .iter()
            .any(|expected| EnhancedStatus::parse(expected.as_bytes()) == Some(status))
        {
            self.note(format!(
                "{:03} {} to {}",
                self.code(),
                statuses.join(" or "),
                self.to
            ));
        }
    }

    /// A login with something wrong is refused: for good passes, "later" warns (RFC 4954 section 6
    /// has 535), and only 421 puts us off.
    ///
    /// # Errors
    /// [`Halt::Deviation`] on anything but a refusal.
    pub fn expect_login_refused(&self) -> Outcome {
        if self.reply.class() == 4 && self.code() != 421 {
            self.note(format!("5yz to {}", self.to));
            return Ok(());
        }
        self.expect_refusal(&self.to)
    }

    /// The greeting of a server that takes mail here; 554 says that it does not (RFC 5321 section 3.1).
    ///
    /// # Errors
    /// [`Halt::Skip`] on 554, otherwise as [`Answer::expect`].
    pub fn expect_greeting(&self) -> Outcome {
        match self.code() {
            554 => Err(Halt::Skip(format!("no service here: {}", self.observed))),
            _ => self.expect(220),
        }
    }

    /// The reply that the rest of a script needs, and that the script does not judge.
    ///
    /// # Errors
    /// [`Halt::Skip`] where the class is another, [`Halt::Temporary`] on 4yz.
    pub fn ready(&self, code: u16) -> Outcome {
        if self.reply.class() == code / 100 {
            return Ok(());
        }
        let skip = format!(
            "could not be prepared: {code} to {}, observed {}",
            self.to, self.observed
        );
        Err(self.temporary().unwrap_or(Halt::Skip(skip)))
    }

    /// Acceptance would be worse than what the requirement names, whatever its level.
    ///
    /// # Errors
    /// [`Halt::Deviation`] that fails.
    pub fn never_accepted(&self, why: &str) -> Outcome {
        match self.accepted() {
            true => Err(self.deviation(why, Weight::Fail)),
            false => Ok(()),
        }
    }

    /// This reply breaks the requirement.
    pub fn deviates(&self, expected: impl Into<String>) -> Halt {
        self.deviation(expected, Weight::Level)
    }

    /// This reply breaks the requirement, and this is how.
    pub fn deviates_because(
        &self,
        expected: impl Into<String>,
        fault: impl std::fmt::Display,
    ) -> Halt {
        let mut halt = self.deviates(expected);
        if let Halt::Deviation(deviation) = &mut halt {
            deviation.observed = format!("{} ({fault})", deviation.observed);
        }
        halt
    }

    /// The line of this reply that begins with `word` breaks the requirement; `fault` says how.
    pub fn deviates_at(
        &self,
        word: &str,
        expected: impl Into<String>,
        fault: impl std::fmt::Display,
    ) -> Halt {
        let count = self.reply.texts.len();
        let found = (0..count).find(|line| self.reply.text(*line).starts_with(word));
        let mut halt = self.deviates(expected);
        if let (Halt::Deviation(deviation), Some(line)) = (&mut halt, found) {
            let code = self
                .reply
                .code
                .map(|code| format!("{code:03} "))
                .unwrap_or_default();
            deviation.observed = format!("{code}{} ({fault})", self.reply.text(line));
            deviation.line = self.line.saturating_sub(count - 1 - line);
        }
        halt
    }

    /// This reply is worth a warning; the script goes on.
    pub fn note(&self, expected: impl Into<String>) {
        if let Halt::Deviation(deviation) = self.deviation(expected, Weight::Warn) {
            self.notes.borrow_mut().push(*deviation);
        }
    }

    /// The line of this reply that begins with `word` is worth a warning; the script goes on.
    pub fn note_at(&self, word: &str, expected: impl Into<String>) {
        if let Halt::Deviation(mut deviation) = self.deviates_at(word, expected, "offered") {
            deviation.weight = Weight::Warn;
            self.notes.borrow_mut().push(*deviation);
        }
    }

    /// What 421, or 4yz where it was not asked for, means: come back later (RFC 5321 section 4.2.1).
    pub fn temporary(&self) -> Option<Halt> {
        (self.reply.class() == 4).then(|| Halt::Temporary(self.observed.clone()))
    }

    pub(crate) fn deviation(&self, expected: impl Into<String>, weight: Weight) -> Halt {
        Halt::Deviation(Box::new(Deviation {
            weight,
            expected: expected.into(),
            observed: self.observed.clone(),
            step: self.step,
            line: self.line,
        }))
    }

    fn expectation(&self, codes: &[u16]) -> String {
        let codes: Vec<_> = codes.iter().map(|code| format!("{code:03}")).collect();
        format!("{} to {}", codes.join(" or "), self.to)
    }
}
