//! A reply as it came (RFC 5321 section 4.2): nothing is repaired, what is wrong is recorded.

use std::fmt;

use crate::line::visible;

/// The most lines of one reply that are read.
pub const MOST_LINES: usize = 256;

/// One reply: its code, its lines, and every rule that it breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The three digits of the first line; none where the line does not begin with three digits.
    pub code: Option<u16>,
    /// The lines' texts, without code, separator and line end.
    pub texts: Vec<Vec<u8>>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// A rule that a reply breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line that does not begin with three digits.
    NoCode,
    /// A code outside 200 to 559 (RFC 5321 section 4.2).
    CodeOutOfRange(u16),
    /// A line with another code than the first (RFC 5321 section 4.2.1).
    CodesDiffer(u16, u16),
    /// Neither blank nor hyphen nor line end after the code.
    Separator(u8),
    /// A line that ends with LF alone (RFC 5321 section 2.3.8).
    BareLf,
    /// A CR inside a line.
    BareCr,
    /// A NUL inside a line.
    Nul,
    /// An octet above 127.
    EightBit,
    /// A line of more than 512 octets, its length (RFC 5321 section 4.5.3.1.5).
    LongLine(usize),
    /// More than [`MOST_LINES`] lines: reading stopped.
    Endless,
}

impl Reply {
    /// Adds a line with its line end. True when the reply is complete.
    pub fn push(&mut self, line: &[u8]) -> bool {
        let first = self.texts.is_empty();
        let body = self.without_line_end(line);
        if body.contains(&b'\r') {
            self.faults.push(Fault::BareCr);
        }
        if body.contains(&0) {
            self.faults.push(Fault::Nul);
        }
        if !body.is_ascii() {
            self.faults.push(Fault::EightBit);
        }
        if line.len() > 512 {
            self.faults.push(Fault::LongLine(line.len()));
        }
        let Some(code) = three_digits(body) else {
            self.faults.push(Fault::NoCode);
            self.texts.push(body.to_vec());
            return first || self.is_endless();
        };
        match self.code {
            None => {
                self.code = Some(code);
                if !(200..=559).contains(&code) || code / 10 % 10 > 5 {
                    self.faults.push(Fault::CodeOutOfRange(code));
                }
            }
            Some(before) if before != code => self.faults.push(Fault::CodesDiffer(before, code)),
            Some(_) => {}
        }
        let (last, text) = match body.get(3) {
            None => (true, &body[3..]),
            Some(b' ') => (true, &body[4..]),
            Some(b'-') => (false, &body[4..]),
            Some(&other) => {
                self.faults.push(Fault::Separator(other));
                (true, &body[3..])
            }
        };
        self.texts.push(text.to_vec());
        last || self.is_endless()
    }

    /// The first digit of the code, 0 where there is none.
    pub fn class(&self) -> u16 {
        self.code.unwrap_or(0) / 100
    }

    /// The text of a line as characters; odd octets are made visible.
    pub fn text(&self, line: usize) -> String {
        self.texts
            .get(line)
            .map(|text| visible(text))
            .unwrap_or_default()
    }

    /// The enhanced status code of the first line (RFC 2034 section 4), if it is well formed.
    pub fn status(&self) -> Option<EnhancedStatus> {
        EnhancedStatus::parse(self.texts.first()?)
    }

    /// What is wrong with its codes and separators.
    pub fn multi_line_fault(&self) -> Option<&Fault> {
        let concerns = |fault: &&Fault| {
            matches!(
                fault,
                Fault::CodesDiffer(..) | Fault::Endless | Fault::NoCode | Fault::Separator(_)
            )
        };
        self.faults
            .iter()
            .find(concerns)
            .filter(|_| self.code.is_some())
    }

    fn without_line_end<'l>(&mut self, line: &'l [u8]) -> &'l [u8] {
        match line.strip_suffix(b"\r\n") {
            Some(body) => body,
            None => {
                self.faults.push(Fault::BareLf);
                line.strip_suffix(b"\n").unwrap_or(line)
            }
        }
    }

    fn is_endless(&mut self) -> bool {
        let endless = self.texts.len() >= MOST_LINES;
        if endless {
            self.faults.push(Fault::Endless);
        }
        endless
    }
}

impl fmt::Display for Reply {
    /// The first line, and how many follow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.code {
            write!(f, "{code:03}")?;
        }
        let text = self.text(0);
        if !text.is_empty() {
            if self.code.is_some() {
                f.write_str(" ")?;
            }
            f.write_str(&text)?;
        }
        match self.texts.len() {
            0 | 1 => Ok(()),
            lines => write!(f, " (first of {lines} lines)"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoCode => f.write_str("a line does not begin with three digits"),
            Fault::CodeOutOfRange(code) => write!(f, "{code:03} is not a reply code"),
            Fault::CodesDiffer(first, other) => {
                write!(
                    f,
                    "the lines of one reply have the codes {first:03} and {other:03}"
                )
            }
            Fault::Separator(octet) => {
                write!(
                    f,
                    "the code is followed by {} and not by a blank or a hyphen",
                    visible(&[*octet])
                )
            }
            Fault::BareLf => f.write_str("a line ends with LF alone"),
            Fault::BareCr => f.write_str("a line contains CR"),
            Fault::Nul => f.write_str("a line contains NUL"),
            Fault::EightBit => f.write_str("a line contains octets above 127"),
            Fault::LongLine(octets) => write!(f, "a line has {octets} octets"),
            Fault::Endless => write!(f, "the reply has more than {MOST_LINES} lines"),
        }
    }
}

/// An enhanced status code (RFC 3463 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnhancedStatus {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about.
    pub subject: u16,
    /// The detail.
    pub detail: u16,
}

impl EnhancedStatus {
    /// Reads the code at the beginning of a reply's text.
    pub fn parse(text: &[u8]) -> Option<EnhancedStatus> {
        let word = text.split(|&octet| octet == b' ').next()?;
        let word = std::str::from_utf8(word).ok()?;
        let mut parts = word.split('.');
        let class = parts
            .next()
            .filter(|class| matches!(*class, "2" | "4" | "5"))?;
        let (subject, detail) = (parts.next()?, parts.next()?);
        let number = |part: &str| {
            let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        if parts.next().is_some() {
            return None;
        }
        Some(EnhancedStatus {
            class: class.parse().ok()?,
            subject: number(subject)?,
            detail: number(detail)?,
        })
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

fn three_digits(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    digits.iter().all(u8::is_ascii_digit).then(|| {
        digits
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn read(lines: &[&[u8]]) -> Reply {
        let mut reply = Reply::default();
        let complete: Vec<bool> = lines.iter().map(|line| reply.push(line)).collect();
        assert_eq!(complete.last(), Some(&true), "the last line ends the reply");
        assert!(
            !complete[..complete.len() - 1].contains(&true),
            "no earlier line ends it"
        );
        reply
    }

    #[rstest]
    #[case::single(&[b"250 ok\r\n".as_slice()], Some(250), &[])]
    #[case::bare_code(&[b"250\r\n".as_slice()], Some(250), &[])]
    #[case::several(&[b"250-a\r\n".as_slice(), b"250 b\r\n"], Some(250), &[])]
    #[case::codes(&[b"250-a\r\n".as_slice(), b"220 b\r\n"], Some(250), &[Fault::CodesDiffer(250, 220)])]
    #[case::separator(&[b"250_a\r\n".as_slice()], Some(250), &[Fault::Separator(b'_')])]
    #[case::lf(&[b"250 a\n".as_slice()], Some(250), &[Fault::BareLf])]
    #[case::cr(&[b"250 a\rb\r\n".as_slice()], Some(250), &[Fault::BareCr])]
    #[case::nul(&[b"250 a\0b\r\n".as_slice()], Some(250), &[Fault::Nul])]
    #[case::eight_bit(&[b"250 \xe4\r\n".as_slice()], Some(250), &[Fault::EightBit])]
    #[case::prose(&[b"HTTP/1.1 400 Bad Request\r\n".as_slice()], None, &[Fault::NoCode])]
    #[case::range(&[b"999 a\r\n".as_slice()], Some(999), &[Fault::CodeOutOfRange(999)])]
    #[case::middle(&[b"250-a\r\n".as_slice(), b"x\r\n", b"250 b\r\n"], Some(250), &[Fault::NoCode])]
    fn faults_are_recorded(
        #[case] lines: &[&[u8]],
        #[case] code: Option<u16>,
        #[case] faults: &[Fault],
    ) {
        let reply = read(lines);
        assert_eq!(reply.code, code);
        assert_eq!(reply.faults, faults);
    }

    #[test]
    fn a_reply_ends() {
        let mut reply = Reply::default();
        let lines = (1..).find(|_| reply.push(b"250-again\r\n"));
        assert_eq!(lines, Some(MOST_LINES));
        assert!(reply.faults.contains(&Fault::Endless));
    }

    #[rstest]
    #[case("5.7.0 no", Some("5.7.0"))]
    #[case("5.7", None)]
    #[case("3.7.0 x", None)]
    #[case("5.1234.0", None)]
    #[case("5.7.0.1", None)]
    fn enhanced_status(#[case] text: &str, #[case] status: Option<&str>) {
        let parsed = EnhancedStatus::parse(text.as_bytes()).map(|status| status.to_string());
        assert_eq!(parsed.as_deref(), status);
    }

    proptest! {
        #[test]
        fn any_octets_are_a_reply(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..20)) {
            let mut reply = Reply::default();
            for line in lines {
                reply.push(&line);
            }
            let _ = reply.to_string();
        }
    }
}
