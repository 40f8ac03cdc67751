//! Splits an `.mc` at the top level, by the rules of m4 for names, quotes, parentheses, comments and `dnl`.

use std::collections::BTreeSet;

use super::{
    Statement, Unclosed,
    macros::{M4, PARTS, SENDMAIL},
};

mod scan;

use scan::{Arguments, trimmed};

/// What stands in an `.mc`.
pub(super) struct Reading {
    pub(super) statements: Vec<Statement>,
    pub(super) unclosed: Option<Unclosed>,
    /// Where each line begins.
    pub(super) lines: Vec<usize>,
}

/// Reads as far as m4 would.
pub(super) fn read(octets: &[u8]) -> Reading {
    let mut reader = Reader::new(octets);
    reader.read();
    Reading {
        statements: reader.statements,
        unclosed: reader.unclosed,
        lines: reader.lines,
    }
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    open: Vec<u8>,
    close: Vec<u8>,
    /// Whether `#` begins a comment of m4: until cf.m4 is read, which switches that off.
    comments: bool,
    /// Whether what is read is thrown away, after `divert(-1)`.
    discarded: bool,
    part: Option<String>,
    /// Where text that is no call has begun on this line.
    text: Option<usize>,
    /// Macros that the file defines itself.
    own: BTreeSet<String>,
    lines: Vec<usize>,
    statements: Vec<Statement>,
    unclosed: Option<Unclosed>,
}

impl<'a> Reader<'a> {
    fn new(octets: &'a [u8]) -> Self {
        let feeds = octets.iter().enumerate().filter(|(_, o)| **o == b'\n');
        let lines = std::iter::once(0).chain(feeds.map(|(at, _)| at + 1));
        Self {
            octets,
            at: 0,
            open: b"`".to_vec(),
            close: b"'".to_vec(),
            // Where cf.m4 is given on m4's command line instead, it has been read before this file.
            comments: octets.split(|octet| *octet == b'\n').any(includes_cf_m4),
            discarded: false,
            part: None,
            text: None,
            own: BTreeSet::new(),
            lines: lines.filter(|at| *at == 0 || *at < octets.len()).collect(),
            statements: Vec::new(),
            unclosed: None,
        }
    }

    fn read(&mut self) {
        while let Some(octet) = self.octets.get(self.at).copied() {
            if self.unclosed.is_some() {
                return;
            }
            if octet == b'\n' {
                self.end_text();
                self.at += 1;
            } else if self.comments && octet == b'#' {
                self.end_text();
                self.skip_line();
            } else if self.starts(&self.open) {
                self.begin_text();
                self.quoted("");
            } else if let Some(word) = self.word() {
                self.on_word(&word);
            } else {
                if !octet.is_ascii_whitespace() {
                    self.begin_text();
                }
                self.at += 1;
            }
        }
        self.end_text();
    }

    fn on_word(&mut self, word: &str) {
        let start = self.at;
        self.at += word.len();
        let called = self.octets.get(self.at) == Some(&b'(');
        if word == "dnl" {
            self.end_text_at(start);
            self.skip_line();
        } else if matches!(word, "divert" | "changequote" | "changecom") {
            self.end_text_at(start);
            let arguments = if called { self.arguments(word) } else { None };
            self.on_switch(
                word,
                arguments.map_or(Vec::new(), |arguments| arguments.plain),
            );
        } else if !self.comments && PARTS.contains(&word) {
            self.end_text_at(start);
            let arguments = if called { self.arguments(word) } else { None };
            self.push(word, arguments, start);
            self.discarded = false;
            self.part = Some(word.to_owned());
        } else if called && self.is_macro(word, start) {
            // In a rule or a header of the .cf a call is a part of the line.
            let within = self.part.is_some() && self.text.is_some();
            if !within {
                self.end_text_at(start);
            }
            let arguments = self.arguments(word);
            if let (false, Some(arguments)) = (within, arguments) {
                self.on_call(word, arguments, start);
            }
        } else {
            self.text.get_or_insert(start);
        }
    }

    fn on_switch(&mut self, word: &str, arguments: Vec<String>) {
        let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
        match word {
            "divert" => {
                let number = argument(0).trim();
                self.discarded = number.starts_with('-');
                self.part = match number {
                    "" | "0" => None,
                    _ if self.discarded => None,
                    other => Some(format!("divert({other})")),
                };
            }
            "changequote" if arguments.is_empty() => {
                self.open = b"`".to_vec();
                self.close = b"'".to_vec();
            }
            "changequote" => {
                self.open = argument(0).as_bytes().to_vec();
                self.close = argument(1).as_bytes().to_vec();
            }
            _ => self.comments = !argument(0).is_empty(),
        }
    }

    fn on_call(&mut self, word: &str, arguments: Arguments, start: usize) {
        let first = arguments.plain.first().cloned().unwrap_or_default();
        match word {
            // cf.m4 takes comments away and ends with divert(0).
            "include" | "sinclude" if first.ends_with("cf.m4") => {
                self.comments = false;
                self.discarded = false;
                self.part = None;
            }
            "define" | "pushdef" => {
                self.own.insert(first);
            }
            _ => {}
        }
        self.push(word, Some(arguments), start);
    }

    /// Whether a name with a parenthesis is a call. One in capitals at the beginning of a line is taken
    /// for a misspelt one.
    fn is_macro(&self, word: &str, start: usize) -> bool {
        M4.contains(&word)
            || self.own.contains(word)
            || (!self.comments && SENDMAIL.contains(&word))
            || (!self.discarded
                && self.part.is_none()
                && self.text.is_none()
                && word.len() > 3
                && !word.contains(|c: char| c.is_ascii_lowercase())
                && self.lines.binary_search(&start).is_ok())
    }

    fn stop(&mut self, what: &'static str, begin: usize, word: &str) {
        self.at = self.octets.len();
        self.text = None;
        self.unclosed = Some(Unclosed {
            what,
            line: self.line(begin),
            name: word.to_owned(),
        });
    }

    fn begin_text(&mut self) {
        self.text.get_or_insert(self.at);
    }

    fn end_text(&mut self) {
        self.end_text_at(self.at);
    }

    /// A line of text is a statement, unless it is thrown away or a comment of the `.cf`.
    fn end_text_at(&mut self, end: usize) {
        let Some(start) = self.text.take() else {
            return;
        };
        let text = trimmed(&self.octets[start..end]);
        if self.discarded || text.is_empty() || text.starts_with('#') {
            return;
        }
        let end = start + self.octets[start..end].trim_ascii_end().len();
        let (first, last) = (self.line(start), self.line(end.saturating_sub(1)));
        let begins_line = self.lines.binary_search(&start).is_ok();
        if let (false, Some(before)) = (begins_line, self.statements.last_mut())
            && before.name.is_empty()
            && before.last + 1 == first
        {
            // The .cf continues a line where the next one begins with a blank.
            before.arguments = vec![trimmed(&self.octets[before.span.start..end])];
            before.written = before.arguments.clone();
            before.span.end = end;
            before.last = last;
            return;
        }
        self.statements.push(Statement {
            name: String::new(),
            arguments: vec![text.clone()],
            written: vec![text],
            first,
            last,
            span: start..end,
            part: self.part.clone(),
        });
    }

    fn push(&mut self, word: &str, arguments: Option<Arguments>, start: usize) {
        let (plain, written) =
            arguments.map_or_else(Default::default, |all| (all.plain, all.written));
        self.statements.push(Statement {
            name: word.to_owned(),
            arguments: plain,
            written,
            first: self.line(start),
            last: self.line(self.at.saturating_sub(1)),
            span: start..self.at,
            part: self.part.clone(),
        });
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }
}

fn includes_cf_m4(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.starts_with(b"include(") && line.windows(5).any(|octets| octets == b"cf.m4")
}
