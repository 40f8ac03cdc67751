//! What octets need on their way (RFC 2045, section 6), and the two encodings that make any octets
//! fit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whether these are lines as RFC 5322 has them: CRLF, at most 998 octets, no other CR or LF, no
/// NUL. The last needs no end.
pub(crate) fn are_lines(octets: &[u8]) -> bool {
    lines(octets).all(|line| {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        text.len() <= LINE_LIMIT && !text.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0))
    })
}

/// Appends quoted-printable of text (RFC 2045, section 6.7): its CRLFs stay, all else that is odd
/// is `=XX`.
pub(crate) fn quoted_printable(octets: &[u8], encoded: &mut Vec<u8>) {
    for line in lines(octets) {
        let text = line.strip_suffix(b"\r\n");
        let (text, end) = text.map_or((line, &b""[..]), |text| (text, &b"\r\n"[..]));
        let mut width = 0;
        for (place, octet) in text.iter().enumerate() {
            let last = place + 1 == text.len();
            let plain = match octet {
                b'=' => false,
                b' ' | b'\t' => !last,
                octet => matches!(octet, b'!'..=b'~'),
            };
            let needed = if plain { 1 } else { 3 };
            if width + needed > ENCODED_LINE - 1 {
                encoded.extend_from_slice(b"=\r\n");
                width = 0;
            }
            width += needed;
            if plain {
                encoded.push(*octet);
            } else {
                let digit = |value: u8| DIGITS[usize::from(value)];
                encoded.extend_from_slice(&[b'=', digit(octet >> 4), digit(octet & 15)]);
            }
        }
        encoded.extend_from_slice(end);
    }
}

/// Appends base64 in lines, the last without its end (RFC 2045, section 6.8).
pub(crate) fn base64(octets: &[u8], encoded: &mut Vec<u8>) {
    let mut line = String::with_capacity(ENCODED_LINE);
    for (number, piece) in octets.chunks(ENCODED_LINE / 4 * 3).enumerate() {
        if number > 0 {
            encoded.extend_from_slice(b"\r\n");
        }
        line.clear();
        STANDARD.encode_string(piece, &mut line);
        encoded.extend_from_slice(line.as_bytes());
    }
}

/// Pieces that end with CRLF; the last may not.
fn lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let (line, after) = rest.split_at(end.map_or(rest.len(), |end| end + 2));
        rest = after;
        Some(line)
    })
}

/// The longest line without its end (RFC 5322, section 2.1.1).
pub(crate) const LINE_LIMIT: usize = 998;
/// Octets of an encoded line.
const ENCODED_LINE: usize = 76;
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"", true)]
    #[case(b"a\r\n\r\nb", true)]
    #[case(b"a\rb", false)]
    #[case(b"a\nb\r\n", false)]
    #[case(b"a\r\r\n", false)]
    #[case(b"a\0", false)]
    #[case(&[b'a'; 998], true)]
    #[case(&[b'a'; 999], false)]
    fn lines_are_told_apart(#[case] octets: &[u8], #[case] expected: bool) {
        assert_eq!(are_lines(octets), expected);
    }

    #[rstest]
    #[case(b"a =b\r\nc \r\n", "a =3Db\r\nc=20\r\n")]
    #[case(b"\xe9\r\x00\n", "=E9=0D=00=0A")]
    fn odd_octets_are_quoted(#[case] octets: &[u8], #[case] expected: &str) {
        assert_eq!(encoded(quoted_printable, octets), expected.as_bytes());
    }

    fn encoded(way: fn(&[u8], &mut Vec<u8>), octets: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        way(octets, &mut encoded);
        encoded
    }

    /// A decoder of the tests' own.
    pub(in crate::mime) fn unquoted(text: &[u8]) -> Vec<u8> {
        let mut octets = Vec::new();
        let mut rest = text;
        while let Some((first, after)) = rest.split_first() {
            match (first, after) {
                (b'=', [b'\r', b'\n', after @ ..]) => rest = after,
                (b'=', [high, low, after @ ..]) => {
                    let digit = |octet: &u8| char::from(*octet).to_digit(16).unwrap() as u8;
                    octets.push(digit(high) * 16 + digit(low));
                    rest = after;
                }
                _ => {
                    octets.push(*first);
                    rest = after;
                }
            }
        }
        octets
    }

    proptest! {
        #[test]
        fn both_encodings_keep_every_octet(
            octets in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), any::<u8>()], 0..400),
        ) {
            let quoted = encoded(quoted_printable, &octets);
            prop_assert!(quoted.is_ascii() && are_lines(&quoted));
            prop_assert!(quoted.split(|octet| *octet == b'\n').all(|line| line.len() <= 77));
            prop_assert_eq!(unquoted(&quoted), octets.clone());
            let lines = encoded(base64, &octets);
            prop_assert!(are_lines(&lines));
            let joined: Vec<u8> = lines.into_iter().filter(|octet| *octet > b' ').collect();
            prop_assert_eq!(STANDARD.decode(joined).unwrap(), octets);
        }
    }
}
