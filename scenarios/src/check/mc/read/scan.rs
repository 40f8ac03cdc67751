//! Names, quotes and arguments, by the rules of m4.

use super::Reader;

/// A call's arguments, with and without quotes.
pub(super) struct Arguments {
    pub(super) plain: Vec<String>,
    pub(super) written: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads arguments from the opening parenthesis on.
    pub(super) fn arguments(&mut self, word: &str) -> Option<Arguments> {
        let begin = self.at;
        let mut depth = 0_usize;
        let mut from = self.at + 1;
        let mut plain = Vec::new();
        let mut all = Arguments {
            plain: Vec::new(),
            written: Vec::new(),
        };
        while let Some(octet) = self.octets.get(self.at).copied() {
            if self.starts(&self.open) {
                plain.extend_from_slice(self.quoted(word)?);
                continue;
            }
            if let Some(name) = self.word() {
                if name == "dnl" {
                    self.skip_line();
                } else {
                    plain.extend_from_slice(name.as_bytes());
                    self.at += name.len();
                }
                continue;
            }
            if self.comments && octet == b'#' {
                let start = self.at;
                self.skip_line();
                plain.extend_from_slice(&self.octets[start..self.at]);
                continue;
            }
            self.at += 1;
            match octet {
                b'(' => {
                    depth += 1;
                    if depth == 1 {
                        continue;
                    }
                }
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && octet == b',') {
                all.plain.push(trimmed(self.peeled(plain.trim_ascii())));
                all.written.push(trimmed(&self.octets[from..self.at - 1]));
                plain.clear();
                from = self.at;
            } else {
                plain.push(octet);
            }
            if depth == 0 {
                return Some(all);
            }
        }
        self.stop("parenthesis", begin, word);
        None
    }

    /// Takes off further pairs of quotes that stand around the whole, as in ``a, b''.
    fn peeled<'b>(&self, mut octets: &'b [u8]) -> &'b [u8] {
        while let Some(inner) = octets
            .strip_prefix(self.open.as_slice())
            .and_then(|rest| rest.strip_suffix(self.close.as_slice()))
        {
            let quotes = |quote: &[u8]| inner.windows(quote.len().max(1)).any(|o| o == quote);
            if self.open.is_empty() || quotes(&self.open) || quotes(&self.close) {
                break;
            }
            octets = inner;
        }
        octets
    }

    /// Reads a quoted string, within which quotes nest; gives what is between the outermost.
    pub(super) fn quoted(&mut self, word: &str) -> Option<&'a [u8]> {
        let begin = self.at;
        self.at += self.open.len();
        let inner = self.at;
        let mut depth = 1_usize;
        while self.at < self.octets.len() {
            if self.starts(&self.close) {
                depth -= 1;
                self.at += self.close.len();
                if depth == 0 {
                    return Some(&self.octets[inner..self.at - self.close.len()]);
                }
            } else if self.starts(&self.open) {
                depth += 1;
                self.at += self.open.len();
            } else {
                self.at += 1;
            }
        }
        self.stop("quote", begin, word);
        None
    }

    pub(super) fn skip_line(&mut self) {
        let rest = &self.octets[self.at..];
        let feed = rest.iter().position(|octet| *octet == b'\n');
        self.at += feed.map_or(rest.len(), |feed| feed + 1);
    }

    /// The name that begins here, as m4 defines one.
    pub(super) fn word(&self) -> Option<String> {
        let rest = &self.octets[self.at..];
        if !rest.first()?.is_ascii_alphabetic() && rest.first() != Some(&b'_') {
            return None;
        }
        let octets = rest
            .iter()
            .take_while(|octet| octet.is_ascii_alphanumeric() || **octet == b'_');
        Some(octets.map(|octet| char::from(*octet)).collect())
    }

    pub(super) fn starts(&self, quote: &[u8]) -> bool {
        !quote.is_empty() && self.octets[self.at..].starts_with(quote)
    }
}

pub(super) fn trimmed(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets.trim_ascii()).into_owned()
}
