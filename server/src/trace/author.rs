//! Who a From field says has written the message (RFC 5322, section 3.6.2).

use super::address_list;

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
    let (mut first, mut several, mut group) = (None, false, false);
    let read = address_list::read(field, |mailbox| {
        several |= first.is_some();
        group |= mailbox.in_group;
        first.get_or_insert(mailbox);
    });
    match (read, first) {
        (Ok(()), Some(_)) if several && !group => Author::Several,
        (Ok(()), Some(mailbox)) if !group => {
            let parts = [&field[mailbox.local_part], b"@", &field[mailbox.domain]];
            String::from_utf8(parts.concat()).map_or(Author::Unknown, Author::Mailbox)
        }
        _ => Author::Unknown,
    }
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
