//! Domains, address literals and atoms (RFC 5321, sections 4.1.2 and 4.1.3).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A domain: labels of letters, digits and inner hyphens, at most 63 octets each and 255 in all.
pub(crate) fn is_domain(text: &[u8]) -> bool {
    is_host_name(text) && !text.contains(&b'_')
}

/// A domain in which underscores are tolerated.
pub(super) fn is_host_name(text: &[u8]) -> bool {
    let clean = |label: &[u8]| !label.starts_with(b"-") && !label.ends_with(b"-");
    is_loose_domain(text) && text.split(|octet| *octet == b'.').all(clean)
}

/// A domain in which hyphens too may stand anywhere: no two readers will take it for different ones.
pub(super) fn is_loose_domain(text: &[u8]) -> bool {
    text.len() <= 255
        && text.split(|octet| *octet == b'.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .iter()
                    .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
        })
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]`; other tags are not registered.
pub(super) fn is_address_literal(text: &[u8]) -> bool {
    let Some(inner) = text
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"))
        .and_then(|inner| std::str::from_utf8(inner).ok())
    else {
        return false;
    };
    match inner.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => {
            address.parse::<Ipv6Addr>().is_ok()
        }
        _ => inner.parse::<Ipv4Addr>().is_ok(),
    }
}

/// A character of an atom.
pub(crate) fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}
