//! Address literals (RFC 5321, section 4.1.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Groups of an IPv6 address, 16 bits each.
const GROUPS: usize = 8;

/// The address of `[192.0.2.1]` or `[IPv6:2001:db8::1]`; no other tag is registered. The grammar is
/// not that of other texts: an IPv4 number may have zeros in front and is decimal all the same, and
/// `::` stands for two groups at least.
pub(crate) fn address_literal(text: &[u8]) -> Option<IpAddr> {
    let inner = text.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let inner = std::str::from_utf8(inner).ok()?;
    match inner.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => ipv6(address).map(IpAddr::V6),
        _ => ipv4(inner).map(IpAddr::V4),
    }
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let numbers = text.split('.').map(number);
    let octets: [u8; 4] = numbers.collect::<Option<Vec<u8>>>()?.try_into().ok()?;
    Some(octets.into())
}

/// One to three digits, up to 255.
fn number(text: &str) -> Option<u8> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let Some((before, after)) = text.split_once("::") else {
        let groups: [u16; GROUPS] = groups(text, true)?.try_into().ok()?;
        return Some(groups.into());
    };
    let (before, after) = (groups(before, false)?, groups(after, true)?);
    let zeros = GROUPS.checked_sub(before.len() + after.len())?;
    if zeros < 2 {
        return None;
    }
    let groups = [before, vec![0; zeros], after].concat();
    let groups: [u16; GROUPS] = groups.try_into().ok()?;
    Some(groups.into())
}

/// Groups between colons, perhaps none; the last may be an IPv4 address, which is two.
fn groups(text: &str, last: bool) -> Option<Vec<u16>> {
    let mut groups = Vec::new();
    if text.is_empty() {
        return Some(groups);
    }
    let mut pieces = text.split(':').peekable();
    while let Some(piece) = pieces.next() {
        if last && pieces.peek().is_none() && piece.contains('.') {
            let [a, b, c, d] = ipv4(piece)?.octets();
            groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
        } else {
            groups.push(group(piece)?);
        }
    }
    Some(groups)
}

/// One to four hexadecimal digits.
fn group(text: &str) -> Option<u16> {
    let digits =
        (1..=4).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    digits.then(|| u16::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("[192.0.2.1]", Some("192.0.2.1"))]
    #[case("[192.000.002.001]", Some("192.0.2.1"))]
    #[case("[010.0.0.08]", Some("10.0.0.8"))]
    #[case("[255.255.255.255]", Some("255.255.255.255"))]
    #[case("[256.0.2.1]", None)]
    #[case("[192.0.2.0001]", None)]
    #[case("[192.0.2]", None)]
    #[case("[192.0.2.1.5]", None)]
    #[case("[192.0.2.]", None)]
    #[case("[192.0.+2.1]", None)]
    #[case("[0xC0.0.2.1]", None)]
    #[case("[IPv6:2001:db8:1:2:3:4:5:6]", Some("2001:db8:1:2:3:4:5:6"))]
    #[case("[ipV6:2001:DB8::1]", Some("2001:db8::1"))]
    #[case("[IPv6:::]", Some("::"))]
    #[case("[IPv6:::1]", Some("::1"))]
    #[case("[IPv6:1::]", Some("1::"))]
    #[case("[IPv6:1:2:3::4:5:6]", Some("1:2:3:0:0:4:5:6"))]
    #[case("[IPv6:::ffff:192.0.2.1]", Some("::ffff:192.0.2.1"))]
    #[case("[IPv6:1:2:3:4:5:6:192.0.2.1]", Some("1:2:3:4:5:6:c000:201"))]
    #[case("[IPv6:1:2::3:4:192.0.2.1]", Some("1:2:0:0:3:4:c000:201"))]
    // "::" would be a single group, or none at all.
    #[case("[IPv6:1:2:3::5:6:7:8]", None)]
    #[case("[IPv6:1:2:3:4::5:6:7:8]", None)]
    #[case("[IPv6:1:2:3::4:5:192.0.2.1]", None)]
    #[case("[IPv6:1::2::3]", None)]
    #[case("[IPv6:2001:db8:::1]", None)]
    #[case("[IPv6:1:2:3:4:5:6:7]", None)]
    #[case("[IPv6:12345::]", None)]
    #[case("[IPv6:192.0.2.1::]", None)]
    #[case("[IPv6:fe80::1%eth0]", None)]
    #[case("[IPv6:]", None)]
    #[case("[IPv6:192.0.2.1]", None)]
    #[case("[2001:db8::1]", None)]
    #[case("[x400:a]", None)]
    #[case("[192.0.2.1", None)]
    #[case("192.0.2.1", None)]
    #[case("[]", None)]
    #[case("[[192.0.2.1]]", None)]
    #[case("[ 192.0.2.1 ]", None)]
    fn literals_are_those_of_the_grammar(#[case] text: &str, #[case] expected: Option<&str>) {
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(address_literal(text.as_bytes()), expected);
    }

    /// What the standard library reads of the same text: it takes no zeros before a number, and
    /// takes `::` for a single group.
    fn otherwise(inner: &str) -> Option<IpAddr> {
        let plain = |number: &str| match number.len() {
            1..=3 => number.parse().map(|number: u8| number.to_string()),
            _ => Ok("?".to_owned()),
        };
        let plain = |address: &str| -> Option<String> {
            let numbers: Result<Vec<_>, _> = address.split('.').map(plain).collect();
            Some(numbers.ok()?.join("."))
        };
        let Some(address) = inner.strip_prefix("IPv6:") else {
            return plain(inner)?.parse().map(IpAddr::V4).ok();
        };
        let (front, end) = address.rsplit_once(':')?;
        let (end, two) = match end.contains('.') {
            true => (plain(end)?, 1),
            false => (end.to_owned(), 0),
        };
        let groups = address.split(':').filter(|group| !group.is_empty()).count() + two;
        let read = format!("{front}:{end}").parse().map(IpAddr::V6).ok();
        read.filter(|_| groups != 7)
    }

    proptest! {
        #[test]
        fn another_reader_agrees(
            tag in prop::sample::select(vec!["", "IPv6:"]),
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    ":", ":", ":", "::", ".", "1", "ff", "0DB8", "12345", "g", "0", "255", "256", "007",
                    "192.0.2.1", "01.2.3.004", "1:2:3", "%", "]", "",
                ]),
                0..14,
            ),
        ) {
            let inner = tag.to_owned() + &pieces.concat();
            let read = address_literal(format!("[{inner}]").as_bytes());
            prop_assert_eq!(read, otherwise(&inner), "{}", inner);
        }

        #[test]
        fn every_address_is_read_as_it_is_shown(address: IpAddr) {
            let tag = if address.is_ipv6() { "IPv6:" } else { "" };
            let read = address_literal(format!("[{tag}{address}]").as_bytes());
            prop_assert_eq!(read, Some(address));
        }

        #[test]
        fn any_octets_are_read(octets: Vec<u8>) {
            let text = [b"[IPv6:".as_slice(), &octets, b"]"].concat();
            address_literal(&text);
            address_literal(&octets);
        }
    }
}
