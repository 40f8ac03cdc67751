//! Where the parts of a multipart begin and end (RFC 2046, section 5.1.1).

use super::seven_bit::Unfit;

/// A line between two parts, or behind the last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delimiter {
    /// Where it begins; the CRLF before it is its own.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether no part follows.
    pub(super) closes: bool,
}

/// The next delimiter, from the beginning of a line on. A line that only begins like one is one for
/// some readers and none for others.
pub(super) fn delimiter(body: &[u8], boundary: &[u8], from: usize) -> Result<Delimiter, Unfit> {
    let mut line = from;
    while line < body.len() {
        let rest = &body[line..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let after = line + end.map_or(rest.len(), |end| end + 2);
        let text = &rest[..end.unwrap_or(rest.len())];
        if let Some(tail) = text
            .strip_prefix(b"--")
            .and_then(|text| text.strip_prefix(boundary))
        {
            let closing = tail.strip_prefix(b"--");
            let padding = closing.unwrap_or(tail);
            if !padding.iter().all(|octet| matches!(octet, b' ' | b'\t')) {
                return Err(Unfit::Boundary);
            }
            return Ok(Delimiter {
                start: line.saturating_sub(2).max(from),
                end: after,
                closes: closing.is_some(),
            });
        }
        line = after;
    }
    Err(Unfit::Boundary)
}
