//! Who a From field says has written the message (RFC 5322, section 3.6.2).

/// What a From field names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// One mailbox.
    Mailbox(String),
    /// More than one.
    Several,
    /// None, or a group, or it cannot be read.
    Unknown,
}

/// The author whom the field names.
pub(super) fn of(field: &[u8]) -> Author {
    read(field).unwrap_or(Author::Unknown)
}

fn read(field: &[u8]) -> Option<Author> {
    let mut found: Option<Vec<u8>> = None;
    let mut part = Part::default();
    let mut octets = field.iter().copied();
    let mut comments = 0_usize;
    let mut quoted = false;
    let mut several = false;
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' if quoted || comments > 0 => {
                let escaped = octets.next()?;
                if comments == 0 {
                    part.push(octet);
                    part.push(escaped);
                }
            }
            b'"' if comments == 0 => {
                quoted = !quoted;
                part.push(octet);
            }
            _ if quoted => part.push(octet),
            b'(' => comments += 1,
            b')' => comments = comments.checked_sub(1)?,
            _ if comments > 0 => {}
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'<' => part.angle = Some(Vec::new()),
            b'>' if part.angle.is_some() => part.closed = true,
            b',' => several |= add(&mut found, std::mem::take(&mut part)),
            // A group has no mailbox of its own, and maybe several.
            b':' | b';' => return None,
            _ => part.push(octet),
        }
    }
    if quoted || comments > 0 {
        return None;
    }
    if add(&mut found, part) || several {
        return Some(Author::Several);
    }
    String::from_utf8(found?).ok().map(Author::Mailbox)
}

/// What stands between two commas.
#[derive(Default)]
struct Part {
    text: Vec<u8>,
    /// What stands in angle brackets.
    angle: Option<Vec<u8>>,
    closed: bool,
}

impl Part {
    fn push(&mut self, octet: u8) {
        match &mut self.angle {
            Some(_) if self.closed => {}
            Some(angle) => angle.push(octet),
            None => self.text.push(octet),
        }
    }
}

/// Whether this is a second mailbox. Empty list elements are obsolete and mean nothing.
fn add(found: &mut Option<Vec<u8>>, part: Part) -> bool {
    let mailbox = part.angle.unwrap_or(part.text);
    !mailbox.is_empty() && found.replace(mailbox).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(" a@b.example\r\n", Some("a@b.example"))]
    #[case(" Alice <a@b.example>\r\n", Some("a@b.example"))]
    #[case(
        " \"Alice, <x@y>\"\r\n <a@b.example> (at (home), really)",
        Some("a@b.example")
    )]
    #[case(" (comment \\) ) a@b.example", Some("a@b.example"))]
    #[case(" \"a b\"@b.example", Some("\"a b\"@b.example"))]
    #[case(", a@b.example,", Some("a@b.example"))]
    #[case(" Group: a@b.example;", None)]
    #[case(" \"unclosed <a@b.example>", None)]
    #[case("", None)]
    fn mailboxes(#[case] field: &str, #[case] mailbox: Option<&str>) {
        let expected = mailbox.map_or(Author::Unknown, |mailbox| Author::Mailbox(mailbox.into()));
        assert_eq!(of(field.as_bytes()), expected);
    }

    #[rstest]
    #[case(" a@b.example, c@b.example", Author::Several)]
    #[case(" A <a@b.example>, C <c@b.example>, ", Author::Several)]
    #[case(" a@b.example, c@b.example (", Author::Unknown)]
    fn several(#[case] field: &str, #[case] author: Author) {
        assert_eq!(of(field.as_bytes()), author);
    }

    proptest! {
        #[test]
        fn any_octets_are_read(field in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Author::Mailbox(mailbox) = of(&field) {
                prop_assert!(mailbox.len() <= field.len());
            }
        }
    }
}
