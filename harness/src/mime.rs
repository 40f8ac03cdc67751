//! MIME read strictly (RFC 2045 and RFC 2046), by code of our own: fields, parts, and what the leaves
//! hold.

use base64::{Engine, engine::general_purpose::STANDARD};

/// One part of a multipart message.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its header fields.
    pub header: Fields,
    /// Its octets behind the empty line, without the line end that belongs to the boundary.
    pub body: Vec<u8>,
}

/// Fields in order: name, and value with its folding undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// Reads header fields: each line ends in CR LF and begins a field or continues one.
    pub(crate) fn strict(octets: &[u8]) -> Result<Fields, String> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            let text = String::from_utf8_lossy(line);
            let text = text
                .strip_suffix("\r\n")
                .filter(|text| !text.contains('\r'))
                .ok_or_else(|| format!("a line without CR LF: {text:?}"))?;
            match (fields.last_mut(), text.split_once(':')) {
                (Some(last), _) if text.starts_with([' ', '\t']) => last.1.push_str(text),
                (_, Some((name, value)))
                    if !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()) =>
                {
                    fields.push((name.to_owned(), value.trim().to_owned()));
                }
                _ => return Err(format!("not a field: {text:?}")),
            }
        }
        Ok(Fields(fields))
    }

    /// The first value with this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values with this name.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        let named = self
            .0
            .iter()
            .filter(move |field| field.0.eq_ignore_ascii_case(name));
        named.map(|field| field.1.as_str())
    }

    /// The value of a field that has to be there once.
    ///
    /// # Errors
    /// How often it is there instead.
    pub fn only(&self, name: &str) -> Result<String, String> {
        match self.all(name).collect::<Vec<_>>().as_slice() {
            [value] => Ok((*value).to_owned()),
            values => Err(format!("{name} stands {} times", values.len())),
        }
    }
}

/// The octets of every part that has no parts of its own, decoded and in order.
///
/// # Errors
/// The first thing that is not as RFC 2045 and RFC 2046 have it.
pub fn leaves(content: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut leaves = Vec::new();
    let whole = message(content)?;
    whole.header.only("MIME-Version")?;
    read(&whole, 0, &mut leaves)?;
    Ok(leaves)
}

fn message(content: &[u8]) -> Result<Part, String> {
    let (header, body) = section(content).ok_or("no empty line behind the header")?;
    Ok(Part {
        header: Fields::strict(header)?,
        body: body.to_vec(),
    })
}

fn read(part: &Part, depth: usize, leaves: &mut Vec<Vec<u8>>) -> Result<(), String> {
    let single = |name: &str, usual: &str| match part.header.all(name).count() {
        0 => Ok(usual.to_owned()),
        _ => part.header.only(name),
    };
    let kind = single("Content-Type", "text/plain")?;
    let encoding = single("Content-Transfer-Encoding", "7bit")?.to_ascii_lowercase();
    let small = kind.to_ascii_lowercase();
    let encoded = !matches!(encoding.as_str(), "7bit" | "8bit" | "binary");
    let is_message = small.split(';').next().map(str::trim) == Some("message/rfc822");
    if !is_message && !small.starts_with("multipart/") {
        let decoded = decoded(&part.body, &encoding);
        leaves.push(decoded.map_err(|fault| format!("{kind} in {encoding}: {fault}"))?);
        return Ok(());
    }
    if encoded {
        return Err(format!("{kind} in {encoding}"));
    }
    if encoding == "7bit" && !part.body.is_ascii() {
        return Err(format!("{kind} in 7bit: octets above 127"));
    }
    if depth == DEPTH {
        return Err("parts nested without end".to_owned());
    }
    if is_message {
        return read(&message(&part.body)?, depth + 1, leaves);
    }
    let boundary = parameter(&kind, "boundary").ok_or("no boundary")?;
    let parts = parts(&part.body, &boundary)?;
    parts
        .iter()
        .try_for_each(|part| read(part, depth + 1, leaves))
}

fn decoded(octets: &[u8], encoding: &str) -> Result<Vec<u8>, String> {
    match encoding {
        "7bit" if !octets.is_ascii() => Err("octets above 127".to_owned()),
        "7bit" | "8bit" | "binary" => Ok(octets.to_vec()),
        "base64" => {
            let digits: Vec<u8> = octets
                .iter()
                .copied()
                .filter(|octet| !matches!(octet, b'\r' | b'\n'))
                .collect();
            STANDARD.decode(digits).map_err(|error| error.to_string())
        }
        "quoted-printable" => unquoted(octets).ok_or_else(|| "not to be read".to_owned()),
        _ => Err("no encoding of MIME".to_owned()),
    }
}

/// RFC 2045 section 6.7.
fn unquoted(octets: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        if text.len() > 76 || text.ends_with(b" ") || text.ends_with(b"\t") {
            return None;
        }
        let soft = text.strip_suffix(b"=");
        let mut rest = soft.unwrap_or(text);
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            match first {
                b'=' => {
                    let (digits, after) = rest.split_at_checked(2)?;
                    let digits = std::str::from_utf8(digits).ok()?;
                    decoded.push(u8::from_str_radix(digits, 16).ok()?);
                    rest = after;
                }
                b'\t' | b' '..=b'~' => decoded.push(first),
                _ => return None,
            }
        }
        if soft.is_none() {
            decoded.extend_from_slice(&line[text.len()..]);
        }
    }
    Some(decoded)
}

/// Header section and body.
pub(crate) fn section(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(body) = octets.strip_prefix(b"\r\n") {
        return Some((&[], body));
    }
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((&octets[..end + 2], &octets[end + 4..]))
}

/// RFC 2046 section 5.1.1: what stands before the first boundary and behind the last is nobody's.
pub(crate) fn parts(body: &[u8], boundary: &str) -> Result<Vec<Part>, String> {
    let (opening, closing) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut parts = Vec::new();
    let mut part: Option<Vec<u8>> = None;
    for line in body.split_inclusive(|&octet| octet == b'\n') {
        let text = line.trim_ascii_end();
        let closes = text == closing.as_bytes();
        if !closes && text != opening.as_bytes() {
            if let Some(part) = &mut part {
                part.extend_from_slice(line);
            }
            continue;
        }
        if let Some(octets) = part.take() {
            let octets = octets.strip_suffix(b"\r\n").unwrap_or(&octets);
            let (header, body) = match section(octets) {
                Some(both) => both,
                // A part of a header alone has lost its empty line to the boundary.
                None => (octets, &[][..]),
            };
            let mut header = header.to_vec();
            if !header.is_empty() && !header.ends_with(b"\r\n") {
                header.extend_from_slice(b"\r\n");
            }
            parts.push(Part {
                header: Fields::strict(&header)?,
                body: body.to_vec(),
            });
        }
        if closes {
            return Ok(parts);
        }
        part = Some(Vec::new());
    }
    Err("the closing boundary is missing".to_owned())
}

/// A parameter of a Content-Type, quoted or not.
pub(crate) fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.to_owned())
    })
}

/// Parts in parts.
const DEPTH: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const MIXED: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
        Content-Transfer-Encoding: 8bit\r\n\r\n";

    #[rstest]
    #[case("Content-Type: text/plain\r\n\r\nOne.\r\n", Ok(&["One.\r\n"][..]))]
    #[case(
        "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n=c3=A9 =\r\n=3D\r\n",
        Ok(&["\u{e9} =\r\n"][..])
    )]
    #[case("Content-Transfer-Encoding: base64\r\n\r\nw6\r\nk=\r\n", Ok(&["\u{e9}"][..]))]
    #[case(
        "Content-Type: Message/RFC822\r\n\r\nX: y\r\n\r\nTwo.\r\n",
        Ok(&["Two.\r\n"][..])
    )]
    #[case("\r\n\u{e9}\r\n", Err("text/plain in 7bit: octets above 127"))]
    #[case(
        "Content-Type: message/rfc822\r\n\r\n\r\n\u{e9}\r\n",
        Err("message/rfc822 in 7bit: octets above 127")
    )]
    #[case(
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=\u{e9}\r\n",
        Err("not to be read")
    )]
    #[case(
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nx \r\n",
        Err("not to be read")
    )]
    #[case("Content-Transfer-Encoding: x-own\r\n\r\nx\r\n", Err("no encoding"))]
    #[case("Content-Transfer-Encoding: base64\r\n\r\n=\r\n", Err("base64"))]
    #[case(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nWDogeQ==\r\n",
        Err("message/rfc822 in base64")
    )]
    #[case("Content-Type: multipart/mixed\r\n\r\nx\r\n", Err("no boundary"))]
    fn a_part_is_read(#[case] part: &str, #[case] expected: Result<&[&str], &str>) {
        let found = leaves(format!("{MIXED}--b\r\n{part}\r\n--b--\r\n").as_bytes());
        match expected {
            Ok(expected) => {
                let expected: Vec<_> = expected
                    .iter()
                    .map(|leaf| leaf.as_bytes().to_vec())
                    .collect();
                assert_eq!(found, Ok(expected));
            }
            Err(expected) => {
                let fault = found.unwrap_err();
                assert!(fault.contains(expected), "{fault}");
            }
        }
    }

    #[test]
    fn what_is_not_mime_or_has_no_end_is_refused() {
        assert!(leaves(b"Subject: x\r\n\r\nOne.\r\n").is_err());
        assert!(leaves(MIXED.as_bytes()).is_err());
        let level = "Content-Type: message/rfc822\r\n\r\n";
        let deep = format!("MIME-Version: 1.0\r\n{}\r\nx", level.repeat(DEPTH + 1));
        assert_eq!(
            leaves(deep.as_bytes()),
            Err("parts nested without end".to_owned())
        );
    }
}
