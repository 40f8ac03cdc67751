//! Mail data as the next hop reads it: every octet, and the same without the dots of transparency.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::LARGEST_MESSAGE;

/// Reads to CR LF . CR LF and nothing less; every octet, to the end.
pub(super) async fn read(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut after_crlf = true;
    loop {
        let begin = content.len();
        let line = (&mut *input)
            .take(1024 * 1024)
            .read_until(b'\n', &mut content)
            .await?;
        if line == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = &content[begin..];
        if after_crlf && line == b".\r\n" {
            return Ok(content);
        }
        after_crlf = line.ends_with(b"\r\n");
        if content.len() > LARGEST_MESSAGE {
            return Err(io::Error::other("a message without end"));
        }
    }
}

/// Undoes transparency (RFC 5321 section 4.5.2), and leaves the final dot out.
pub(super) fn without_transparency(raw: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(raw.len());
    let mut after_crlf = true;
    for line in raw.split_inclusive(|&octet| octet == b'\n') {
        if after_crlf && line == b".\r\n" {
            break;
        }
        let stuffed = after_crlf && line.first() == Some(&b'.');
        content.extend_from_slice(&line[usize::from(stuffed)..]);
        after_crlf = line.ends_with(b"\r\n");
    }
    content
}
