//! Words and specials of a structured field body, without blanks and comments (RFC 5322, section 3.2).

use std::ops::Range;

use super::address_list::Unreadable;
use crate::command::is_atext;

/// What is read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) place: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Characters of atoms, and dots.
    Atom,
    Quoted,
    DomainLiteral,
    /// `<`, `>`, `@`, `,`, `:` or `;`.
    Special(u8),
    /// `)`, `]` or `\`, which only mean something behind what they belong to; or an encoded word with
    /// what it may not have in a display name (RFC 2047, section 5).
    Odd,
}

/// Reads from left to right, each octet once.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Tokens { text, at: 0 }
    }

    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Nothing at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Unreadable> {
        self.skip_blanks_and_comments()?;
        let start = self.at;
        let Some(octet) = self.text.get(start) else {
            return Ok(None);
        };
        let kind = match *octet {
            b'"' => {
                self.closed_by(b'"')?;
                Kind::Quoted
            }
            b'[' => {
                self.closed_by(b']')?;
                Kind::DomainLiteral
            }
            octet @ (b'<' | b'>' | b'@' | b',' | b':' | b';') => {
                self.at += 1;
                Kind::Special(octet)
            }
            b')' | b']' | b'\\' => {
                self.at += 1;
                Kind::Odd
            }
            b'=' if let Some(word) = encoded_word(&self.text[start..])
                && !word.iter().all(|octet| is_word(*octet)) =>
            {
                self.at += word.len();
                Kind::Odd
            }
            octet if is_word(octet) => {
                let rest = &self.text[start..];
                let length = rest.iter().position(|octet| !is_word(*octet));
                self.at += length.unwrap_or(rest.len());
                Kind::Atom
            }
            _ => return Err(Unreadable::Syntax),
        };
        let place = start..self.at;
        Ok(Some(Token { kind, place }))
    }

    /// The next token, which has to be there.
    pub(super) fn needed(&mut self) -> Result<Token, Unreadable> {
        self.next()?.ok_or(Unreadable::Unclosed)
    }

    fn skip_blanks_and_comments(&mut self) -> Result<(), Unreadable> {
        let mut depth = 0_usize;
        while let Some(octet) = self.text.get(self.at) {
            match octet {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.at += 1,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if depth > 0 => {}
                _ => break,
            }
            self.at += 1;
        }
        match depth {
            0 => Ok(()),
            _ => Err(Unreadable::Unclosed),
        }
    }

    /// Goes behind the closing octet of what begins here.
    fn closed_by(&mut self, end: u8) -> Result<(), Unreadable> {
        loop {
            self.at += 1;
            match self.text.get(self.at).ok_or(Unreadable::Unclosed)? {
                b'\\' => self.at += 1,
                b'[' if end == b']' => return Err(Unreadable::Syntax),
                octet if *octet == end => break,
                _ => {}
            }
        }
        self.at += 1;
        Ok(())
    }
}

/// The encoded word that the text begins with (RFC 2047, section 2), whatever its text.
pub(super) fn encoded_word(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"=?")?;
    for _charset_encoding_text in 0..3 {
        let end = rest
            .iter()
            .position(|octet| matches!(octet, b'?' | b' ' | b'\t' | b'\r' | b'\n'))?;
        rest = rest[end..].strip_prefix(b"?")?;
    }
    rest = rest.strip_prefix(b"=")?;
    Some(&text[..text.len() - rest.len()])
}

/// Whether an octet may be in a word without quotes, or a dot. Octets above 127 count as letters: what
/// they spell is not looked at.
pub(super) fn is_word(octet: u8) -> bool {
    is_atext(octet) || octet == b'.' || octet >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However long and hostile a text is, the work is at most its length.
        #[test]
        fn every_token_takes_octets(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["(", ")", "\"", "\\", "[", "]", "<", ">", ",", ":", ";", "a", ".", " "]),
                0..200,
            ),
        ) {
            let text = pieces.concat();
            let mut tokens = Tokens::new(text.as_bytes());
            let mut end = 0;
            while let Ok(Some(token)) = tokens.next() {
                prop_assert!(end <= token.place.start && token.place.start < token.place.end);
                prop_assert_eq!(token.place.end, tokens.at);
                end = token.place.end;
            }
        }
    }
}
