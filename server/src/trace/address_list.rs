//! The mailboxes of an address-list, and where their parts stand in it (RFC 5322, section 3.4).

use std::ops::Range;

use crate::command::is_atext;

/// A mailbox without its display name, as places in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    /// With its quotes, if it is a quoted string.
    pub(super) local_part: Range<usize>,
    /// With its brackets, if it is a domain literal.
    pub(super) domain: Range<usize>,
    pub(super) in_group: bool,
}

/// No address-list, or one with routes or with blanks inside a domain (RFC 5322, section 4.4).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What there is of the element that is being read.
enum Element {
    /// Nothing. Empty elements are obsolete and mean nothing.
    Empty,
    /// One word, which may be a local part.
    Word(Range<usize>),
    /// Words that can only be a display name.
    Phrase,
    /// A whole mailbox or group.
    Whole,
}

/// Gives the mailboxes in their order. Where the text turns out to be unreadable some may have been
/// given before.
pub(super) fn read(text: &[u8], mut found: impl FnMut(Mailbox)) -> Result<(), Unreadable> {
    let mut tokens = Tokens { text, at: 0 };
    let mut element = Element::Empty;
    let mut in_group = false;
    while let Some(token) = tokens.next()? {
        element = match (element, token) {
            (Element::Empty, Token::Atom(word) | Token::Quoted(word)) => Element::Word(word),
            (Element::Word(_) | Element::Phrase, Token::Atom(_) | Token::Quoted(_)) => {
                Element::Phrase
            }
            (Element::Word(local_part), Token::Special(b'@')) => {
                let domain = tokens.domain()?;
                found(Mailbox {
                    local_part,
                    domain,
                    in_group,
                });
                Element::Whole
            }
            (Element::Empty | Element::Word(_) | Element::Phrase, Token::Special(b'<')) => {
                let local_part = tokens.word()?;
                tokens.special(b'@')?;
                let domain = tokens.domain()?;
                tokens.special(b'>')?;
                found(Mailbox {
                    local_part,
                    domain,
                    in_group,
                });
                Element::Whole
            }
            (Element::Word(_) | Element::Phrase, Token::Special(b':')) if !in_group => {
                in_group = true;
                Element::Empty
            }
            (Element::Empty | Element::Whole, Token::Special(b';')) if in_group => {
                in_group = false;
                Element::Whole
            }
            (Element::Empty | Element::Whole, Token::Special(b',')) => Element::Empty,
            _ => return Err(Unreadable),
        };
    }
    match element {
        Element::Empty | Element::Whole if !in_group => Ok(()),
        _ => Err(Unreadable),
    }
}

enum Token {
    /// Atoms and dots; display names have them too, although they should not.
    Atom(Range<usize>),
    Quoted(Range<usize>),
    DomainLiteral(Range<usize>),
    Special(u8),
}

struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl Tokens<'_> {
    fn next(&mut self) -> Result<Option<Token>, Unreadable> {
        self.skip_blanks_and_comments()?;
        let start = self.at;
        let Some(octet) = self.text.get(start) else {
            return Ok(None);
        };
        Ok(Some(match octet {
            b'"' => {
                self.closed_by(b'"')?;
                Token::Quoted(start..self.at)
            }
            b'[' => {
                self.closed_by(b']')?;
                Token::DomainLiteral(start..self.at)
            }
            b'<' | b'>' | b'@' | b',' | b':' | b';' => {
                self.at += 1;
                Token::Special(*octet)
            }
            octet if is_word(*octet) => {
                let rest = &self.text[start..];
                let length = rest.iter().position(|octet| !is_word(*octet));
                self.at += length.unwrap_or(rest.len());
                Token::Atom(start..self.at)
            }
            _ => return Err(Unreadable),
        }))
    }

    fn word(&mut self) -> Result<Range<usize>, Unreadable> {
        match self.next()? {
            Some(Token::Atom(word) | Token::Quoted(word)) => Ok(word),
            _ => Err(Unreadable),
        }
    }

    fn domain(&mut self) -> Result<Range<usize>, Unreadable> {
        match self.next()? {
            Some(Token::Atom(domain) | Token::DomainLiteral(domain)) => Ok(domain),
            _ => Err(Unreadable),
        }
    }

    fn special(&mut self, wanted: u8) -> Result<(), Unreadable> {
        match self.next()? {
            Some(Token::Special(octet)) if octet == wanted => Ok(()),
            _ => Err(Unreadable),
        }
    }

    fn skip_blanks_and_comments(&mut self) -> Result<(), Unreadable> {
        let mut depth = 0_usize;
        while let Some(octet) = self.text.get(self.at) {
            match octet {
                b'(' => depth += 1,
                b')' => depth = depth.checked_sub(1).ok_or(Unreadable)?,
                b'\\' if depth > 0 => self.at += 1,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if depth > 0 => {}
                _ => break,
            }
            self.at += 1;
        }
        match depth {
            0 => Ok(()),
            _ => Err(Unreadable),
        }
    }

    /// Goes behind the closing octet of what begins here.
    fn closed_by(&mut self, end: u8) -> Result<(), Unreadable> {
        loop {
            self.at += 1;
            match self.text.get(self.at).ok_or(Unreadable)? {
                b'\\' => self.at += 1,
                b'[' if end == b']' => return Err(Unreadable),
                octet if *octet == end => break,
                _ => {}
            }
        }
        self.at += 1;
        Ok(())
    }
}

/// Octets above 127 count as letters: what they spell is not looked at.
fn is_word(octet: u8) -> bool {
    is_atext(octet) || octet == b'.' || octet >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn mailboxes(text: &str) -> Result<Vec<String>, Unreadable> {
        let mut found = Vec::new();
        read(text.as_bytes(), |mailbox| {
            let group = if mailbox.in_group { ";" } else { "" };
            let (local_part, domain) = (&text[mailbox.local_part], &text[mailbox.domain]);
            found.push(format!("{local_part}@{domain}{group}"));
        })
        .map(|()| found)
    }

    #[rstest]
    #[case(" a@b.example\r\n", &["a@b.example"])]
    #[case("Alice <a@b.example>, c@d.example", &["a@b.example", "c@d.example"])]
    #[case("J. R. User <a@b.example>", &["a@b.example"])]
    #[case("\u{e4}lice <a@b.example>", &["a@b.example"])]
    #[case("\"Alice, <x@y>\"\r\n <a@b.example> (at (\\) home), x@y)", &["a@b.example"])]
    #[case("\"a \\\" b\"@b.example", &["\"a \\\" b\"@b.example"])]
    #[case("a (x) @ (y) b.example", &["a@b.example"])]
    #[case("< a@[192.0.2.1] >", &["a@[192.0.2.1]"])]
    #[case(", a@b.example,,", &["a@b.example"])]
    #[case("All: a@b.example, C <c@d.example>;, e@f.example", &["a@b.example;", "c@d.example;", "e@f.example"])]
    #[case("None:;", &[])]
    #[case("", &[])]
    fn are_found(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(mailboxes(text).unwrap(), expected);
    }

    #[rstest]
    #[case("alice")]
    #[case("a@b.example c@d.example")]
    #[case("a b@c.example")]
    #[case("a@b .example")]
    #[case("a@\"b\"")]
    #[case("<a@b.example")]
    #[case("a@b.example>")]
    #[case("<@x.example:a@b.example>")]
    #[case("<>")]
    #[case("A: b: c@d.example;;")]
    #[case("A: b@c.example")]
    #[case("a@b.example;")]
    #[case("(a@b.example")]
    #[case("a@b.example)")]
    #[case("\"a@b.example")]
    #[case("a@[b")]
    #[case("a@[b[c]")]
    #[case("a@b.example, \0")]
    #[case("a@b.example \\")]
    #[case("\"a\\")]
    fn what_is_no_list_is_unreadable(#[case] text: &str) {
        assert_eq!(mailboxes(text), Err(Unreadable));
    }

    proptest! {
        #[test]
        fn any_octets_are_read(text in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut end = 0;
            let _ = read(&text, |mailbox| {
                assert!(end <= mailbox.local_part.start);
                assert!(mailbox.local_part.end < mailbox.domain.start);
                end = mailbox.domain.end;
                assert!(!text[mailbox.domain].is_empty());
            });
            prop_assert!(end <= text.len());
        }
    }
}
