//! The list of directives in a digest-response: HTTP's list syntax with its blanks, null elements
//! and quoted pairs (RFC 2831, section 7).

/// Names in lower case and values without their quotes, in order.
pub(super) struct Directives(Vec<(String, Vec<u8>)>);

/// Directives that may come once at most; others are ignored.
const SINGLE: [&str; 12] = [
    "username",
    "realm",
    "nonce",
    "cnonce",
    "nc",
    "qop",
    "digest-uri",
    "response",
    "maxbuf",
    "charset",
    "cipher",
    "authzid",
];

impl Directives {
    /// Nothing if the syntax is broken or a directive comes twice.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut directives: Vec<(String, Vec<u8>)> = Vec::new();
        let mut rest = blanks(text);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(b",") {
                rest = blanks(after);
                continue;
            }
            let (name, after) = token(rest)?;
            let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
            let after = blanks(blanks(after).strip_prefix(b"=")?);
            let (value, after) = match after.strip_prefix(b"\"") {
                Some(quoted) => unquoted(quoted)?,
                None => token(after).map(|(value, after)| (value.to_vec(), after))?,
            };
            if SINGLE.contains(&name.as_str()) {
                if directives.iter().any(|(known, _)| *known == name) {
                    return None;
                }
                directives.push((name, value));
            }
            rest = blanks(after);
            if !rest.is_empty() && !rest.starts_with(b",") {
                return None;
            }
        }
        Some(Directives(directives))
    }

    pub(super) fn value(&self, name: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }
}

/// What follows linear white space.
fn blanks(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        rest = match rest {
            [b' ' | b'\t', after @ ..] | [b'\r', b'\n', b' ' | b'\t', after @ ..] => after,
            _ => return rest,
        };
    }
}

fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let ordinary = |octet: &u8| octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(octet);
    let end = text
        .iter()
        .position(|octet| !ordinary(octet))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The value of a quoted string whose opening quote is gone, and what follows it.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', octet @ 0..=0x7f, after @ ..] => {
                value.push(*octet);
                after
            }
            [
                octet @ (b'\t' | 0x20..=0x5b | 0x5d..=0x7e | 0x80..),
                after @ ..,
            ] => {
                value.push(*octet);
                after
            }
            _ => return None,
        };
    }
}
