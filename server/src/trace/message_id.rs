//! Whether a Message-ID is one (RFC 5322, section 3.6.4).

use super::address_list;
use super::tokens::{Kind, Tokens};

/// Whether the body of a field is an identifier in angle brackets. One without `@` is common and does
/// what it is for; the obsolete forms (section 4.5.4) look like addresses.
pub(super) fn is_message_id(text: &[u8]) -> bool {
    let inner = text
        .trim_ascii()
        .strip_prefix(b"<")
        .and_then(|rest| rest.strip_suffix(b">"));
    let is_text = |octet: &u8| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>');
    inner.is_some_and(|inner| !inner.is_empty() && inner.iter().all(is_text))
        || is_angle_address(text)
}

fn is_angle_address(text: &[u8]) -> bool {
    let first = Tokens::new(text).next();
    let opens =
        first.is_ok_and(|token| token.is_some_and(|token| token.kind == Kind::Special(b'<')));
    let mut identifiers = 0;
    let read = address_list::read(text, |_| identifiers += 1);
    opens && read == Ok(0) && identifiers == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(" <1@client.example>\r\n", true)]
    #[case("\r\n <1.[x]:;(,\"\\@@[client]>", true)]
    #[case("<no-at-sign>", true)]
    #[case("(x) <1 . 2 @ client (y) . example> (z)", true)]
    #[case("<\"a b\"@client.example>", true)]
    #[case("", false)]
    #[case("<>", false)]
    #[case("1@client.example", false)]
    #[case("<1@client.example", false)]
    #[case("<1 2@client.example>", false)]
    #[case("<1@client.example> <2@client.example>", false)]
    #[case("<1@client.example>, <2@client.example>", false)]
    #[case("x <1@client.example>", false)]
    #[case("<<1@client.example>>", false)]
    fn identifiers(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_message_id(text.as_bytes()), expected);
    }

    proptest! {
        #[test]
        fn any_octets_are_read(text in prop::collection::vec(any::<u8>(), 0..80)) {
            is_message_id(&text);
        }
    }
}
