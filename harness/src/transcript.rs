//! Everything that crossed the wire, readable as the dialogues of the RFCs and the same on every run.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    line::{Line, visible},
    reply::{EnhancedStatus, Reply},
};

/// A dialogue: `C:` and `S:` are the marks of the RFCs, `==` is the harness speaking.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    lines: Vec<String>,
}

/// What a reply answers, which decides what of its text is prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// The connection: the greeting.
    Connection,
    /// EHLO: the server's name, then keywords.
    Ehlo,
    /// Anything else.
    Other,
}

/// The characters of a client's line beyond which a reader learns nothing.
const LONGEST_SHOWN: usize = 200;

impl Transcript {
    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The lines, moved out.
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// The number of the line that was written last.
    pub fn last(&self) -> usize {
        self.lines.len().saturating_sub(1)
    }

    /// The harness says something.
    pub fn note(&mut self, text: impl AsRef<str>) {
        self.lines.push(format!("== {}", text.as_ref()));
    }

    /// The client sends a line, or several: the CR LF between them is not shown, other line ends are.
    pub fn client(&mut self, line: &Line) {
        let shown = line.shown();
        for part in shown
            .strip_suffix("<CR><LF>")
            .unwrap_or(shown)
            .split("<CR><LF>")
        {
            match part.char_indices().nth(LONGEST_SHOWN) {
                Some((end, _)) => {
                    self.push('C', &format!("{}[{} characters]", &part[..end], part.len()))
                }
                None => self.push('C', part),
            }
        }
    }

    /// The server replies.
    pub fn server(&mut self, reply: &Reply, answers: Answers) {
        let count = reply.texts.len();
        for (index, text) in reply.texts.iter().enumerate() {
            let code = match reply.code {
                Some(code) => format!("{code:03}{}", if index + 1 == count { ' ' } else { '-' }),
                None => String::new(),
            };
            self.push(
                'S',
                &format!("{code}{}", shown_text(reply, index, text, answers)),
            );
        }
    }

    /// Changes the lines from this one on: to take secrets out.
    pub(crate) fn edit_from(&mut self, line: usize, edit: impl Fn(&str) -> String) {
        for line in self.lines.iter_mut().skip(line) {
            *line = edit(line);
        }
    }

    fn push(&mut self, speaker: char, text: &str) {
        self.lines
            .push(format!("{speaker}: {text}").trim_end().to_owned());
    }
}

fn shown_text(reply: &Reply, index: usize, text: &[u8], answers: Answers) -> String {
    match (answers, index, reply.code) {
        (_, _, None) => visible(&text[..text.len().min(200)]),
        (Answers::Connection, ..) => named(text, &["ESMTP", "SMTP"]),
        (Answers::Ehlo, 0, Some(250)) => named(text, &[]),
        (Answers::Ehlo, _, Some(250)) => visible(&text[..text.len().min(512)]),
        (_, _, Some(334)) => challenge(text),
        _ => prose(text),
    }
}

/// A host name, then words of the protocol, then prose.
fn named(text: &[u8], words: &[&str]) -> String {
    let text = visible(text);
    let (host, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let mut shown = if is_host(host) {
        "[host]".to_owned()
    } else {
        host.to_owned()
    };
    let mut rest = rest.trim_start();
    if let Some(word) = words
        .iter()
        .find(|word| rest.split(' ').next() == Some(word))
    {
        shown.push_str(&format!(" {word}"));
        rest = rest[word.len()..].trim_start();
    }
    if !rest.is_empty() {
        shown.push_str(" [text]");
    }
    shown
}

/// Prompts of LOGIN are a convention that readers know; every other challenge differs each time.
fn challenge(text: &[u8]) -> String {
    match BASE64_STANDARD.decode(text) {
        Ok(octets) if octets.is_empty() => String::new(),
        Ok(octets) if matches!(octets.as_slice(), b"Username:" | b"Password:") => visible(text),
        Ok(_) => "[challenge]".to_owned(),
        Err(_) => "[text that is not base64]".to_owned(),
    }
}

fn prose(text: &[u8]) -> String {
    match EnhancedStatus::parse(text) {
        Some(status) => {
            let more = text.len() > status.to_string().len();
            format!("{status}{}", if more { " [text]" } else { "" })
        }
        None if text.is_empty() => String::new(),
        None => "[text]".to_owned(),
    }
}

/// Whether a word can be a host: a domain (RFC 5321 section 4.1.2) or an address literal.
pub fn is_host(word: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if let Some(literal) = word
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let v6 = literal
            .strip_prefix("IPv6:")
            .is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok());
        return v6 || literal.parse::<std::net::Ipv4Addr>().is_ok();
    }
    word.len() <= 255 && word.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(answers: Answers, lines: &[&str]) -> Vec<String> {
        let mut reply = Reply::default();
        for line in lines {
            reply.push(format!("{line}\r\n").as_bytes());
        }
        let mut transcript = Transcript::default();
        transcript.server(&reply, answers);
        transcript.into_lines()
    }

    #[test]
    fn names_and_prose_become_tokens() {
        assert_eq!(
            shown(
                Answers::Connection,
                &["220 mx.example ESMTP Sendmail 8.17; Tue, 24 Nov"]
            ),
            ["S: 220 [host] ESMTP [text]"]
        );
        assert_eq!(
            shown(
                Answers::Ehlo,
                &["250-mx.example Hello you", "250-SIZE 10", "250 AUTH PLAIN"]
            ),
            [
                "S: 250-[host] [text]",
                "S: 250-SIZE 10",
                "S: 250 AUTH PLAIN"
            ]
        );
        assert_eq!(
            shown(Answers::Other, &["530 5.7.0 Go away"]),
            ["S: 530 5.7.0 [text]"]
        );
        assert_eq!(shown(Answers::Other, &["334 "]), ["S: 334"]);
        assert_eq!(
            shown(Answers::Other, &["334 VXNlcm5hbWU6"]),
            ["S: 334 VXNlcm5hbWU6"]
        );
        assert_eq!(
            shown(Answers::Other, &["334 PDEuMkBhPg=="]),
            ["S: 334 [challenge]"]
        );
    }

    #[test]
    fn what_is_no_name_stays_visible() {
        assert_eq!(
            shown(Answers::Connection, &["220 *** ready"]),
            ["S: 220 *** [text]"]
        );
        assert_eq!(
            shown(Answers::Connection, &["SSH-2.0-x\0"]),
            ["S: SSH-2.0-x<NUL>"]
        );
    }
}
