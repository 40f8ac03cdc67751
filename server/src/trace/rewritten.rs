//! The author's addresses in the header section, as they leave the site (RFC 6409, section 8.8).

use std::ops::Range;

use super::{address_list, header};
use crate::rewrite::Rewriting;

/// A place in the content, and what stands there instead.
pub(super) type Edit = (Range<usize>, String);

/// Fields that say from whom a message is; those that say to whom are not ours to change.
const FIELDS: [&[u8]; 3] = [b"From", b"Sender", b"Reply-To"];
/// Edits of one message, two for each address, so that short addresses in a long list cannot grow
/// without bounds. What follows stays as it is.
const EDITS: usize = 2000;
/// Octets of a line with its CRLF (RFC 5322, section 2.1.1).
const LINE_LIMIT: usize = 1000;

/// What has to be changed, in order. A field that cannot be read, or would have a line that is too
/// long, stays as it is.
pub(super) fn edits(content: &[u8], rewriting: &Rewriting) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (name, field) in header::fields(content) {
        if !FIELDS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            continue;
        }
        let before = edits.len();
        let body = field.start + header::body_start(&content[field.clone()]);
        let text = &content[body..field.end];
        let read = address_list::read(text, |mailbox| {
            if edits.len() < EDITS {
                edits.extend(replace(text, &mailbox, body, rewriting));
            }
        });
        if read.is_err() || longest_line(&applied(content, field, &edits[before..])) > LINE_LIMIT {
            edits.truncate(before);
        }
    }
    edits
}

/// A range of the content with its edits, in pieces.
pub(super) fn applied<'a>(
    content: &'a [u8],
    range: Range<usize>,
    edits: &'a [Edit],
) -> Vec<&'a [u8]> {
    let mut pieces = Vec::with_capacity(2 * edits.len() + 1);
    let mut start = range.start;
    for (place, text) in edits {
        pieces.push(&content[start..place.start]);
        pieces.push(text.as_bytes());
        start = place.end;
    }
    pieces.push(&content[start..range.end]);
    pieces
}

/// Local part and domain each by itself: a comment may stand between them.
fn replace(
    text: &[u8],
    mailbox: &address_list::Mailbox,
    offset: usize,
    rewriting: &Rewriting,
) -> impl Iterator<Item = Edit> {
    let part = |place: &Range<usize>| std::str::from_utf8(&text[place.clone()]).ok();
    let parts = part(&mailbox.local_part).zip(part(&mailbox.domain));
    let to = parts.and_then(|(local_part, domain)| rewriting.replacement(local_part, domain));
    let edit = |place: &Range<usize>, text: &str| {
        (place.start + offset..place.end + offset, text.to_owned())
    };
    let local_part = to.as_ref().and_then(|to| to.local_part);
    let local_part = local_part.map(|text| edit(&mailbox.local_part, text));
    let domain = to.map(|to| edit(&mailbox.domain, to.domain));
    local_part.into_iter().chain(domain)
}

fn longest_line(pieces: &[&[u8]]) -> usize {
    let (mut longest, mut length) = (0, 0);
    let parts = pieces
        .iter()
        .flat_map(|piece| piece.split_inclusive(|octet| *octet == b'\n'));
    for part in parts {
        length += part.len();
        longest = longest.max(length);
        if part.ends_with(b"\n") {
            length = 0;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn rewriting() -> Rewriting {
        Rewriting::new(
            &[
                ("jru@example.org", "J.Random.User@example.org"),
                ("@squeaky.example.org", "@example.org"),
                ("\"j r\"@example.org", "jr@example.org"),
            ]
            .map(|(from, to)| (from.to_owned(), to.to_owned()))
            .into(),
        )
    }

    fn rewritten(content: &[u8]) -> Vec<u8> {
        let edits = edits(content, &rewriting());
        applied(content, 0..content.len(), &edits).concat()
    }

    #[rstest]
    #[case("From: jru@example.org", "From: J.Random.User@example.org")]
    #[case(
        "From :\tJ (the \"one\") <jru@example.org> (at jru@example.org)",
        "From :\tJ (the \"one\") <J.Random.User@example.org> (at jru@example.org)"
    )]
    #[case(
        "From: \"jru@example.org\"\r\n <jru\r\n\t(x)@ Example.org>",
        "From: \"jru@example.org\"\r\n <J.Random.User\r\n\t(x)@ example.org>"
    )]
    #[case(
        "SENDER: \"odd, local\"@squeaky.example.org",
        "SENDER: \"odd, local\"@example.org"
    )]
    #[case("From: \"j r\"@example.org", "From: jr@example.org")]
    #[case("From: \"jru\"@example.org", "From: J.Random.User@example.org")]
    #[case("From: \"JRU\"@example.org", "From: \"JRU\"@example.org")]
    #[case(
        "Reply-To: Team: jru@example.org, x@y.example;, a@squeaky.example.org",
        "Reply-To: Team: J.Random.User@example.org, x@y.example;, a@example.org"
    )]
    #[case("From: jru@example.org, broken", "From: jru@example.org, broken")]
    #[case(
        "From: <@x.example:jru@example.org>",
        "From: <@x.example:jru@example.org>"
    )]
    #[case("To: jru@example.org", "To: jru@example.org")]
    #[case(
        "Cc: jru@example.org\r\nBcc: jru@example.org",
        "Cc: jru@example.org\r\nBcc: jru@example.org"
    )]
    #[case("Resent-From: jru@example.org", "Resent-From: jru@example.org")]
    #[case(
        "Subject: x\r\n\r\nFrom: jru@example.org",
        "Subject: x\r\n\r\nFrom: jru@example.org"
    )]
    fn only_the_authors_addresses_are_rewritten(#[case] content: &str, #[case] expected: &str) {
        let (content, expected) = (format!("{content}\r\n"), format!("{expected}\r\n"));
        let rewritten = rewritten(content.as_bytes());
        assert_eq!(String::from_utf8(rewritten).unwrap(), expected);
    }

    #[test]
    fn a_line_does_not_become_too_long() {
        let content = |octets| format!("From: {} <jru@example.org>\r\n", "a".repeat(octets));
        // What is there before and after the name, and ten octets more than before.
        let fits = content(LINE_LIMIT - "From:  <J.Random.User@example.org>\r\n".len());
        assert_ne!(rewritten(fits.as_bytes()), fits.as_bytes());
        let full = content(LINE_LIMIT - "From:  <J.Random.User@example.org>\r\n".len() + 1);
        assert_eq!(rewritten(full.as_bytes()), full.as_bytes());
    }

    #[test]
    fn a_list_does_not_grow_without_bounds() {
        let content = format!(
            "From: {}x@y.example\r\n",
            "jru@example.org,\r\n ".repeat(50_000)
        );
        let growth = rewritten(content.as_bytes()).len() - content.len();
        assert_eq!(growth, EDITS / 2 * ("J.Random.User".len() - "jru".len()));
    }

    proptest! {
        #[test]
        fn all_else_stays(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "From", "Sender", "To", ":", " ", "\t", "\r\n", "jru", "@", "example.org",
                    "squeaky.example.org", "jru@example.org", "<", ">", ",", ";", "(", ")", "\"",
                    "\\", "[", "]", "\u{e9}", "\0",
                ]),
                0..40,
            ),
        ) {
            let content = pieces.concat();
            let mut end = 0;
            for (place, text) in edits(content.as_bytes(), &rewriting()) {
                prop_assert!(end <= place.start);
                end = place.end;
                // However it is quoted.
                let replaced = content[place].replace(['"', '\\', '\r', '\n'], "");
                let expected: &[&str] = match replaced.as_str() {
                    "jru" => &["J.Random.User"],
                    "example.org" | "squeaky.example.org" => &["example.org"],
                    _ => &[],
                };
                prop_assert!(expected.contains(&text.as_str()), "{text:?} in {content:?}");
            }
            let rewritten = rewritten(content.as_bytes());
            prop_assert_eq!(header::fields(&rewritten).count(), header::fields(content.as_bytes()).count());
        }
    }
}
