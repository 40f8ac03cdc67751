//! What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1).

use crate::{answer::Answer, mechanism::Mechanism};

/// Keywords with their parameters, in the order of the reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keywords {
    lines: Vec<String>,
}

impl Keywords {
    /// Reads a positive reply to EHLO. The first line is the server's name.
    pub(super) fn read(answer: &Answer, redact: impl Fn(&str) -> String) -> Keywords {
        let count = answer.reply.texts.len();
        Keywords {
            lines: (1..count)
                .map(|line| redact(&answer.reply.text(line)))
                .collect(),
        }
    }

    /// The lines as they came.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The parameters of a keyword, which is compared without regard to case; none where it is not offered.
    pub fn parameters(&self, keyword: &str) -> Option<Vec<&str>> {
        self.lines.iter().find_map(|line| {
            let mut words = line.split(' ');
            let offered = words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case(keyword));
            offered.then(|| words.filter(|word| !word.is_empty()).collect())
        })
    }

    /// Whether a keyword is offered.
    pub fn offers(&self, keyword: &str) -> bool {
        self.parameters(keyword).is_some()
    }

    /// The names after AUTH (RFC 4954 section 3).
    pub fn mechanisms(&self) -> Vec<&str> {
        self.parameters("AUTH").unwrap_or_default()
    }

    /// Whether a mechanism is offered.
    pub fn offers_mechanism(&self, mechanism: Mechanism) -> bool {
        self.mechanisms()
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&mechanism.to_string()))
    }
}
