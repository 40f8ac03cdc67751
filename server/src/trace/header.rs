//! Where the header section ends, and which fields it holds (RFC 5322, section 2.2).

/// What the header section of a content looks like.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Octets of fields from the start of the content.
    pub(super) end: usize,
    /// Whether an empty line, or the end of the content, follows the fields.
    pub(super) closed: bool,
    pub(super) has_date: bool,
    pub(super) has_message_id: bool,
    /// The number of Received fields.
    pub(super) received: usize,
}

/// Reads fields up to the first line that is neither a field nor the continuation of one.
pub(super) fn scan(content: &[u8]) -> Header {
    let mut header = Header {
        end: 0,
        closed: false,
        has_date: false,
        has_message_id: false,
        received: 0,
    };
    loop {
        let rest = &content[header.end..];
        if rest.is_empty() || rest.starts_with(b"\r\n") {
            header.closed = true;
            return header;
        }
        let continuation = matches!(rest[0], b' ' | b'\t') && header.end > 0;
        if !continuation {
            let Some(name) = field_name(rest) else {
                return header;
            };
            header.has_date |= name.eq_ignore_ascii_case(b"Date");
            header.has_message_id |= name.eq_ignore_ascii_case(b"Message-ID");
            header.received += usize::from(name.eq_ignore_ascii_case(b"Received"));
        }
        let length = rest
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .map_or(rest.len(), |end| end + 2);
        header.end += length;
    }
}

/// The name of the field that the text begins with; blanks before the colon are obsolete but legal
/// (RFC 5322, section 4.5).
fn field_name(text: &[u8]) -> Option<&[u8]> {
    let colon = text.iter().position(|octet| *octet == b':')?;
    let end = text[..colon]
        .iter()
        .rposition(|octet| !matches!(octet, b' ' | b'\t'))?;
    let name = &text[..=end];
    name.iter()
        .all(|octet| matches!(octet, 33..=126))
        .then_some(name)
}
