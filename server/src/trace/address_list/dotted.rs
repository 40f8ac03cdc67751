//! Words with a dot between two of them: local parts and domains (RFC 5322, section 4.4).

use std::ops::Range;

use crate::trace::tokens::{Kind, Token};

/// What has been read of it.
#[derive(Default)]
pub(super) struct Dotted {
    place: Option<Range<usize>>,
    tokens: usize,
    /// Whether only a dot can follow.
    closed: bool,
    stray_dots: bool,
    literal: bool,
}

impl Dotted {
    pub(super) fn place(&self) -> Option<Range<usize>> {
        self.place.clone()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.place.is_none()
    }

    pub(super) fn is_one_word(&self) -> bool {
        self.tokens == 1
    }

    /// Whether a dot has no word before or behind it.
    pub(super) fn has_stray_dots(&self) -> bool {
        self.stray_dots || !self.is_empty() && !self.closed
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.is_empty() && !self.has_stray_dots()
    }

    /// Takes one more token of a local part; refuses what cannot be in one.
    pub(super) fn word(&mut self, text: &[u8], token: &Token) -> bool {
        match token.kind {
            Kind::Atom => {
                let atom = &text[token.place.clone()];
                if self.closed && !atom.starts_with(b".") {
                    return false;
                }
                self.stray_dots |= !self.closed && atom.starts_with(b".");
                self.stray_dots |= atom.windows(2).any(|pair| pair == b"..");
                self.closed = !atom.ends_with(b".");
            }
            Kind::Quoted if !self.closed => self.closed = true,
            _ => return false,
        }
        self.take(token);
        true
    }

    /// Takes one more token of a domain.
    pub(super) fn label(&mut self, text: &[u8], token: &Token) -> bool {
        match token.kind {
            Kind::DomainLiteral if self.is_empty() => {
                (self.closed, self.literal) = (true, true);
                self.take(token);
                true
            }
            Kind::Atom => !self.literal && self.word(text, token),
            _ => false,
        }
    }

    fn take(&mut self, token: &Token) {
        let start = self.place.as_ref().map(|place| place.start);
        self.place = Some(start.unwrap_or(token.place.start)..token.place.end);
        self.tokens += 1;
    }
}
