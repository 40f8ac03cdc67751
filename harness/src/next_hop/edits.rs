//! How the lies about relayed mail change its octets.

/// Every occurrence of `from` becomes `to`.
pub(crate) fn replace(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(at) = rest
        .windows(from.len().max(1))
        .position(|window| window == from)
    {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

pub(super) fn with_sunken_top_field(content: &[u8]) -> Vec<u8> {
    let folded = |line: &[u8]| matches!(line.first(), Some(b' ' | b'\t'));
    let lines = content.split_inclusive(|&octet| octet == b'\n');
    let field: usize = lines
        .enumerate()
        .take_while(|(index, line)| *index == 0 || folded(line))
        .map(|(_, line)| line.len())
        .sum();
    let (field, rest) = content.split_at(field);
    let end = rest
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(rest.len(), |at| at + 2);
    [&rest[..end], field, &rest[end..]].concat()
}
