//! The message that is sent again and again, each time with a Message-ID of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use msaspec_harness::{error::Error, message};

/// A message of one size.
#[derive(Debug)]
pub(super) struct Content {
    /// Draws apart the messages of this run and of every other.
    token: String,
    sent: AtomicU64,
    /// Everything behind the Message-ID, with the dot that ends it.
    rest: Vec<u8>,
}

/// The smallest size that the header section fits in.
pub(super) const SMALLEST: usize = 512;

impl Content {
    /// Of so many octets, as RFC 1870 section 3 counts them; not less than [`SMALLEST`], nor less
    /// than long addresses need.
    pub(super) fn new(size: usize, sender: &str, recipient: &str) -> Result<Content, Error> {
        let token = message::token()?;
        let message = message::Message::new("load", sender, recipient, token.clone());
        // Its Message-ID is the same for all.
        let fields = message.header().split_inclusive("\r\n");
        let fields: String = fields
            .filter(|field| !field.starts_with("Message-ID:"))
            .collect();
        let mut rest = format!("{fields}\r\n").into_bytes();
        let first = message_id(&token, 0).len();
        // A line has at least one letter and its end.
        let size = size.max(first + rest.len() + LINE_END.len() + 1);
        while first + rest.len() < size {
            let left = size - first - rest.len();
            let length = match left {
                // What remains has to be a line too.
                ..=LINE => left,
                left if left - LINE > LINE_END.len() => LINE,
                _ => LINE / 2,
            };
            rest.extend(std::iter::repeat_n(b'x', length - LINE_END.len()));
            rest.extend_from_slice(LINE_END);
        }
        rest.extend_from_slice(b".\r\n");
        Ok(Content {
            token,
            sent: AtomicU64::new(0),
            rest,
        })
    }

    /// The next message as it goes over the wire: its beginning and the rest. Small ones leave in
    /// one piece.
    pub(super) fn next<'c>(&'c self, buffer: &mut Vec<u8>) -> &'c [u8] {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        buffer.clear();
        buffer.extend_from_slice(message_id(&self.token, number).as_bytes());
        let (small, rest) = self.rest.split_at(self.rest.len().min(PIECE));
        buffer.extend_from_slice(small);
        rest
    }
}

fn message_id(token: &str, number: u64) -> String {
    format!("Message-ID: <{token}.{number:012}@client.example>\r\n")
}

/// Octets of a full line.
const LINE: usize = 74;
const LINE_END: &[u8] = b"\r\n";
/// Octets that are copied for each message, not more.
const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_message_has_the_size_and_an_id_of_its_own() {
        let mut ids = HashSet::new();
        for size in (SMALLEST..SMALLEST + 200).chain([4096, 200_000]) {
            let content = Content::new(size, "alice@example.org", "bob@example.org").unwrap();
            let mut sent = Vec::new();
            let rest = content.next(&mut sent);
            sent.extend_from_slice(rest);
            let text = String::from_utf8(sent).unwrap();
            let text = text.strip_suffix("\r\n.\r\n").unwrap();
            assert_eq!(text.len() + 2, size);
            assert!(text.contains("\r\nSubject: msaspec load\r\n"));
            let lines: Vec<_> = text.split("\r\n").collect();
            assert!(
                lines
                    .iter()
                    .all(|line| line.len() <= 100 && !line.starts_with('.'))
            );
            assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
            assert!(ids.insert(lines[0].to_owned()));
            let mut other = Vec::new();
            content.next(&mut other);
            assert!(!other.starts_with(lines[0].as_bytes()));
        }
    }
}
