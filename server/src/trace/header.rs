//! Where the header section ends, and which fields it holds (RFC 5322, section 2.2).

use std::ops::Range;

/// What the header section of a content looks like.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Octets of fields from the start of the content.
    pub(super) end: usize,
    /// Whether an empty line, or the end of the content, follows the fields.
    pub(super) closed: bool,
    /// How often each of [`SINGLE`] is there.
    single: [usize; SINGLE.len()],
    /// The number of Received fields.
    pub(super) received: usize,
}

/// Fields that may stand once in a header section (RFC 5322, section 3.6).
const SINGLE: [&str; 11] = [
    "Date",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
];

/// Other fields that nobody begins a line of text with.
const OTHERS: [&str; 3] = ["Resent-Bcc", "MIME-Version", "Content-Type"];

impl Header {
    /// Whether a field is there, which is one of [`SINGLE`].
    pub(super) fn has(&self, name: &str) -> bool {
        let mut counts = SINGLE.iter().zip(self.single);
        counts.any(|(single, count)| *single == name && count > 0)
    }

    /// The first field that is there more often than it may be.
    pub(super) fn twice(&self) -> Option<&'static str> {
        let mut counts = SINGLE.iter().zip(self.single);
        counts.find_map(|(single, count)| (count > 1).then_some(*single))
    }
}

/// Reads fields up to the first line that is neither a field nor the continuation of one.
pub(super) fn scan(content: &[u8]) -> Header {
    let mut header = Header {
        end: 0,
        closed: false,
        single: [0; SINGLE.len()],
        received: 0,
    };
    for (name, field) in fields(content) {
        header.end = field.end;
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        for (count, single) in header.single.iter_mut().zip(SINGLE) {
            *count += usize::from(is(single.as_bytes()));
        }
        header.received += usize::from(is(b"Received"));
    }
    let rest = &content[header.end..];
    header.closed = rest.is_empty() || rest.starts_with(b"\r\n");
    header
}

/// The fields that stand behind the header section, before the first empty line, and behind a line
/// that is none: whoever wrote them took them for a part of it.
pub(super) fn behind(content: &[u8], end: usize) -> impl Iterator<Item = &'static str> {
    let lines = content[end..].split_inclusive(|octet| *octet == b'\n');
    lines
        .take_while(|line| *line != b"\r\n")
        .filter_map(|line| {
            let name = field_name(line)?;
            let mut known = SINGLE.into_iter().chain(OTHERS);
            known.find(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        })
}

/// The fields in their order, each with its name and its place, continuations included.
pub(crate) fn fields(content: &[u8]) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let found = field(content, start)?;
        start = found.1.end;
        Some(found)
    })
}

/// Where the body of a field begins: behind its colon.
pub(crate) fn body_start(field: &[u8]) -> usize {
    let colon = field.iter().position(|octet| *octet == b':');
    colon.map_or(0, |colon| colon + 1)
}

/// Keeps the fields with these names, in place.
pub(super) fn retain(content: &mut Vec<u8>, keep: impl Fn(&[u8]) -> bool) {
    let (mut read, mut written) = (0, 0);
    while let Some((name, field)) = field(content, read) {
        read = field.end;
        if keep(name) {
            let length = field.len();
            if field.start != written {
                content.copy_within(field, written);
            }
            written += length;
        }
    }
    if written < read {
        content.drain(written..read);
    }
}

/// The field that begins at this place, continuations included, and its name.
fn field(content: &[u8], start: usize) -> Option<(&[u8], Range<usize>)> {
    let name = field_name(&content[start..])?;
    let mut end = start;
    loop {
        let rest = &content[end..];
        end += rest
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .map_or(rest.len(), |line| line + 2);
        if !matches!(content.get(end), Some(b' ' | b'\t')) {
            return Some((name, start..end));
        }
    }
}

/// The name of the field that the text begins with; blanks before the colon are obsolete but legal
/// (RFC 5322, section 4.5).
fn field_name(text: &[u8]) -> Option<&[u8]> {
    let colon = text
        .iter()
        .position(|octet| !matches!(octet, 33..=57 | 59..=126 | b' ' | b'\t'))
        .filter(|colon| text[*colon] == b':')?;
    let end = text[..colon]
        .iter()
        .rposition(|octet| !matches!(octet, b' ' | b'\t'))?;
    let name = &text[..=end];
    name.iter()
        .all(|octet| matches!(octet, 33..=126))
        .then_some(name)
}
