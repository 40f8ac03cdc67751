//! An `.mc`: the statements that m4 finds in it, and where they stand.

use std::ops::Range;

use super::findings::Place;

mod macros;
mod read;
mod suspicions;

pub use suspicions::suspicions;

/// No `.mc` is larger; sendmail's own largest has 9 kB.
const LIMIT: usize = 1024 * 1024;

/// An `.mc`, split into statements.
#[derive(Clone, Debug)]
pub struct Mc {
    /// The file, as messages name it.
    pub name: String,
    /// What stands in it, for people; octets that are no UTF-8 are replaced.
    pub text: String,
    /// What m4 is to read: the octets as they are.
    pub octets: Vec<u8>,
    /// The statements, in the order of the file.
    pub statements: Vec<Statement>,
    /// The quote or parenthesis that is never closed: m4 reads no further than this.
    pub unclosed: Option<Unclosed>,
    lines: Vec<usize>,
}

/// A macro call, or a line of `.cf` text that m4 only hands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The macro, such as `DAEMON_OPTIONS`; empty for `.cf` text.
    pub name: String,
    /// The arguments without their quotes; for `.cf` text the text.
    pub arguments: Vec<String>,
    /// The arguments as they are written.
    pub written: Vec<String>,
    /// The first line, counted from 1.
    pub first: usize,
    /// The last line.
    pub last: usize,
    /// Where it stands in the octets, without a `dnl` that follows.
    pub span: Range<usize>,
    /// The macro that m4 puts the output elsewhere for, such as `LOCAL_CONFIG`; none: the main part.
    pub part: Option<String>,
}

/// What is opened and never closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclosed {
    /// `quote` or `parenthesis`.
    pub what: &'static str,
    /// The line on which it begins.
    pub line: usize,
    /// The macro whose call it belongs to; empty outside of a call.
    pub name: String,
}

impl Mc {
    /// Reads an `.mc` as m4 would, without expanding anything.
    pub fn parse(name: &str, octets: &[u8]) -> Result<Self, String> {
        if octets.len() > LIMIT {
            return Err(format!(
                "{name}: is larger than 1 MiB, which no .mc is: name the .mc that your .cf is made from"
            ));
        }
        if let Some(at) = octets.iter().position(|octet| is_binary(*octet)) {
            let sign = match octets[at] {
                0 => "NUL".to_owned(),
                other => format!("control character 0x{other:02x}"),
            };
            return Err(format!(
                "{name}: is no text: octet {} is {sign}; name the .mc, not a map or an archive",
                at + 1
            ));
        }
        let reading = read::read(octets);
        Ok(Self {
            name: name.to_owned(),
            text: String::from_utf8_lossy(octets).into_owned(),
            octets: octets.to_vec(),
            statements: reading.statements,
            unclosed: reading.unclosed,
            lines: reading.lines,
        })
    }

    /// What m4 is to read when one statement is dropped. Its line feeds stay, so that m4 counts lines
    /// as before; nothing else of it does, because a blank would continue the line before it in the `.cf`.
    pub fn without(&self, index: usize) -> Vec<u8> {
        let Some(Statement { span, .. }) = self.statements.get(index) else {
            return self.octets.clone();
        };
        let dropped = &self.octets[span.clone()];
        let mut left = self.octets[..span.start].to_vec();
        left.extend(dropped.iter().filter(|octet| **octet == b'\n'));
        left.extend_from_slice(&self.octets[span.end..]);
        left
    }

    /// Lines as reports name them. Numbers outside of the file are moved into it.
    pub fn place(&self, first: usize, last: usize) -> Place {
        let first = first.clamp(1, self.lines.len());
        let last = last.clamp(first, self.lines.len());
        let text: Vec<_> = (first..=last).map(|line| self.line(line)).collect();
        Place {
            file: self.name.clone(),
            first,
            last,
            text: text.join("\n"),
        }
    }

    /// The calls of one macro.
    pub fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Statement> {
        self.statements
            .iter()
            .filter(move |statement| statement.name == name)
    }

    /// The `define` of a macro that counts: the last one.
    pub fn define(&self, macro_name: &str) -> Option<&Statement> {
        self.find("define")
            .filter(|statement| statement.argument(0) == macro_name)
            .last()
    }

    fn line(&self, number: usize) -> String {
        let Some(start) = self.lines.get(number - 1) else {
            return String::new();
        };
        let end = self.lines.get(number).copied();
        let octets = &self.octets[*start..end.unwrap_or(self.octets.len())];
        String::from_utf8_lossy(octets)
            .trim_end_matches(['\n', '\r'])
            .to_owned()
    }
}

impl Statement {
    /// An argument, counted from 0; empty where there is none, as m4 has it.
    pub fn argument(&self, index: usize) -> &str {
        self.arguments.get(index).map_or("", String::as_str)
    }
}

/// Tab, line feed, vertical tab, form feed, carriage return and escape do occur in texts.
fn is_binary(octet: u8) -> bool {
    (octet < 0x20 && !matches!(octet, 0x09..=0x0d | 0x1b)) || octet == 0x7f
}

#[cfg(test)]
mod tests;
