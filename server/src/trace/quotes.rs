//! A display name that lacks quotes gets them (RFC 5322, sections 3.2.4 and 3.2.5).

use std::ops::Range;

use super::edits::{Edits, OutOfBounds};
use super::tokens::{encoded_word, is_word};

/// Makes a name a quoted string of the same text. Encoded words mean nothing inside of quotes
/// (RFC 2047, section 5), so that quotes stand around what else there is.
pub(super) fn quote(
    content: &[u8],
    name: Range<usize>,
    edits: &mut Edits,
) -> Result<(), OutOfBounds> {
    if !content[name.clone()].windows(2).any(|pair| pair == b"=?") {
        return quote_all(content, name, edits);
    }
    for word in words(content, name) {
        let text = &content[word.clone()];
        if is_encoded(text) {
            encode(content, word, edits)?;
        } else if !text.iter().all(|octet| is_word(*octet)) || text.starts_with(b".") {
            quote_all(content, word, edits)?;
        }
    }
    Ok(())
}

fn quote_all(content: &[u8], place: Range<usize>, edits: &mut Edits) -> Result<(), OutOfBounds> {
    edits.insert(place.start, "\"")?;
    for at in place.clone() {
        if let b'"' | b'\\' = content[at] {
            edits.insert(at, "\\")?;
        }
    }
    edits.insert(place.end, "\"")
}

/// What stands between blanks.
fn words(content: &[u8], name: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = name.start;
    content[name]
        .split(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'))
        .map(move |word| {
            let place = start..start + word.len();
            start = place.end + 1;
            place
        })
        .filter(|place| !place.is_empty())
}

/// Whether this is an encoded word whose text has the Q encoding (RFC 2047, section 4.2).
fn is_encoded(word: &[u8]) -> bool {
    let encoding = word.split(|octet| *octet == b'?').nth(2);
    encoded_word(word) == Some(word)
        && encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case(b"q"))
}

/// Encodes what may not stand in an encoded word of a phrase (RFC 2047, section 5).
fn encode(content: &[u8], word: Range<usize>, edits: &mut Edits) -> Result<(), OutOfBounds> {
    for at in word.filter(|at| !is_word(content[*at])) {
        edits.replace(at..at + 1, format!("={:02X}", content[at]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a@b.example", "\"a@b.example\"")]
    #[case("[Tag] Foo\r\n Bar", "\"[Tag] Foo\r\n Bar\"")]
    #[case("\"A\" \\ B)", "\"\\\"A\\\" \\\\ B)\"")]
    #[case("=?utf-8?q?=C3=A4?= [x] y", "=?utf-8?q?=C3=A4?= \"[x]\" y")]
    #[case("=?utf-8?Q?=C3=A4_[x]?=\r\n y", "=?utf-8?Q?=C3=A4_=5Bx=5D?=\r\n y")]
    #[case("=?utf-8?b?w6Q=?= a@b", "=?utf-8?b?w6Q=?= \"a@b\"")]
    #[case("=? a@b .c", "=? \"a@b\" \".c\"")]
    fn the_text_stays(#[case] name: &str, #[case] quoted: &str) {
        let content = format!("<{name}>");
        let mut edits = Edits::default();
        quote(content.as_bytes(), 1..content.len() - 1, &mut edits).unwrap();
        let pieces = edits.applied(content.as_bytes(), content.len());
        assert_eq!(
            String::from_utf8(pieces.concat()).unwrap(),
            format!("<{quoted}>")
        );
    }
}
