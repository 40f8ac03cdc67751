//! Domains and atoms (RFC 5321, section 4.1.2).

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

/// A character of an atom.
pub(crate) fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}
