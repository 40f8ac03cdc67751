//! Addresses and identifiers as report fields write them (RFC 3464, section 2.3; RFC 6533,
//! section 3).

use super::Form;

/// The value of Final-Recipient: the address as it was accepted, with its type.
pub(super) fn final_recipient(address: &str, form: Form) -> String {
    match (address.is_ascii(), form) {
        (true, _) => format!("rfc822;{}", printable(address)),
        (false, Form::SevenBit) => format!("utf-8;{}", unitext(address)),
        (false, Form::Utf8) => format!("utf-8;{}", visible(address)),
    }
}

/// The value of Original-Recipient, from ORCPT as the client wrote it.
pub(super) fn original_recipient(orcpt: &str, form: Form) -> String {
    let (kind, address) = orcpt.split_once(';').unwrap_or(("unknown", orcpt));
    let address = match (kind.eq_ignore_ascii_case("utf-8"), form) {
        (false, _) => decoded(address),
        (true, Form::SevenBit) => escaped(address, |other| !other.is_ascii()),
        (true, Form::Utf8) => visible(&from_unitext(address).unwrap_or_else(|| address.to_owned())),
    };
    format!("{};{address}", printable(kind))
}

/// An address for people.
pub(super) fn shown(address: &str, form: Form) -> String {
    match form {
        Form::SevenBit => escaped(address, |other| !matches!(other, ' '..='~')),
        Form::Utf8 => visible(address),
    }
}

/// What xtext stands for (RFC 3461, section 4). It stays encoded if it is none, or if it stands
/// for octets that cannot be in a field.
pub(super) fn decoded(xtext: &str) -> String {
    from_xtext(xtext)
        .filter(|text| !text.is_empty() && text.bytes().all(|octet| matches!(octet, b' '..=b'~')))
        .unwrap_or_else(|| printable(xtext))
}

/// Everything but printable ASCII shown as `?`.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|other| match other {
            ' '..='~' => other,
            _ => '?',
        })
        .collect()
}

fn from_xtext(xtext: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = xtext;
    while let Some((before, after)) = rest.split_once('+') {
        let (digits, after) = after.split_at_checked(2)?;
        text.push_str(before);
        text.push(char::from(u8::from_str_radix(digits, 16).ok()?));
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// The 7-bit form of an address (`utf-8-addr-xtext`).
fn unitext(address: &str) -> String {
    escaped(address, |other| {
        !matches!(other, '!'..='~') || matches!(other, '\\' | '+' | '=')
    })
}

/// Any text with control characters escaped, since some readers end lines at them.
fn visible(text: &str) -> String {
    escaped(text, |other| {
        other.is_control() || matches!(other, '\u{2028}' | '\u{2029}')
    })
}

fn escaped(text: &str, must: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for other in text.chars() {
        if must(other) {
            shown.push_str(&format!("\\x{{{:02X}}}", u32::from(other)));
        } else {
            shown.push(other);
        }
    }
    shown
}

fn from_unitext(text: &str) -> Option<String> {
    let mut address = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x{") {
        let (digits, after) = after.split_once('}')?;
        address.push_str(before);
        address.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        rest = after;
    }
    address.push_str(rest);
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Local.PART@b.example", "rfc822;Local.PART@b.example", None)]
    #[case("\"a b\"@b.example", "rfc822;\"a b\"@b.example", None)]
    #[case("a\r\nAction: x@b", "rfc822;a??Action: x@b", None)]
    #[case(
        "用+x@b.example",
        r"utf-8;\x{7528}\x{2B}x@b.example",
        Some("utf-8;用+x@b.example")
    )]
    #[case("é\u{85}@b", r"utf-8;\x{E9}\x{85}@b", Some(r"utf-8;é\x{85}@b"))]
    fn the_accepted_address_is_told(
        #[case] address: &str,
        #[case] seven_bit: &str,
        #[case] utf8: Option<&str>,
    ) {
        assert_eq!(final_recipient(address, Form::SevenBit), seven_bit);
        assert_eq!(
            final_recipient(address, Form::Utf8),
            utf8.unwrap_or(seven_bit)
        );
    }

    #[rstest]
    #[case("rfc822;Orig+2BAddr@B.Example", "rfc822;Orig+Addr@B.Example", None)]
    #[case("rfc822;a+0D+0AAction:x", "rfc822;a+0D+0AAction:x", None)]
    #[case("rfc822;a+2", "rfc822;a+2", None)]
    #[case("rfc822;a+é", "rfc822;a+?", None)]
    #[case("x-odd;a;b", "x-odd;a;b", None)]
    #[case("bare", "unknown;bare", None)]
    #[case(r"utf-8;\x{7528}+2B@b", r"utf-8;\x{7528}+2B@b", Some("utf-8;用+2B@b"))]
    #[case("UTF-8;用@b", r"UTF-8;\x{7528}@b", Some("UTF-8;用@b"))]
    #[case(r"utf-8;\x{D800}@b", r"utf-8;\x{D800}@b", None)]
    #[case(r"utf-8;\x{0A}@b", r"utf-8;\x{0A}@b", None)]
    fn orcpt_is_told_as_it_was_meant(
        #[case] orcpt: &str,
        #[case] seven_bit: &str,
        #[case] utf8: Option<&str>,
    ) {
        assert_eq!(original_recipient(orcpt, Form::SevenBit), seven_bit);
        assert_eq!(
            original_recipient(orcpt, Form::Utf8),
            utf8.unwrap_or(seven_bit)
        );
    }

    #[rstest]
    #[case("Id+2B1", "Id+1")]
    #[case("Id+3D+20x", "Id= x")]
    #[case("Id+zz", "Id+zz")]
    #[case("Id+0A", "Id+0A")]
    #[case("+", "+")]
    fn xtext_is_decoded_where_it_can_be(#[case] xtext: &str, #[case] expected: &str) {
        assert_eq!(decoded(xtext), expected);
    }
}
