//! Delivery status notifications (RFC 3464), read strictly: a report that the suite cannot read is
//! one that a mail robot cannot read either.

use crate::message::Delivered;

/// A report about a message, as it reached the next hop.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Envelope and octets.
    pub message: Delivered,
    /// The parts, in order.
    pub parts: Vec<Part>,
    /// The per-message fields (RFC 3464 section 2.2).
    pub about_message: Fields,
    /// The per-recipient fields, one group a recipient (RFC 3464 section 2.3).
    pub about_recipients: Vec<Fields>,
}

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

impl Notification {
    /// Reads a report.
    ///
    /// # Errors
    /// The first thing that keeps it from being one.
    pub fn read(message: &Delivered) -> Result<Notification, String> {
        let content = &message.content;
        let (header, body) = section(content).ok_or("no empty line behind the header")?;
        let kind = Fields::strict(header)?.only("Content-Type")?;
        let parameter = |name: &str| parameter(&kind, name);
        if !kind.to_ascii_lowercase().starts_with("multipart/report")
            || parameter("report-type")
                .is_none_or(|kind| !kind.eq_ignore_ascii_case("delivery-status"))
        {
            return Err(format!("Content-Type: {kind}"));
        }
        let boundary = parameter("boundary").ok_or("no boundary")?;
        let parts = parts(body, &boundary)?;
        let status = parts.get(1).ok_or("no second part")?;
        let kind = status.header.only("Content-Type")?.to_ascii_lowercase();
        if !["message/delivery-status", "message/global-delivery-status"]
            .iter()
            .any(|wanted| kind.starts_with(wanted))
        {
            return Err(format!("the second part is {kind}"));
        }
        let mut groups = groups(&status.body)?.into_iter();
        let about_message = groups.next().ok_or("no field in the second part")?;
        Ok(Notification {
            message: message.clone(),
            about_message,
            about_recipients: groups.collect(),
            parts,
        })
    }

    /// The group about this address.
    pub fn about(&self, address: &str) -> Option<&Fields> {
        self.about_recipients
            .iter()
            .find(|group| group.recipient().eq_ignore_ascii_case(address))
    }
}

impl Fields {
    /// Reads header fields: each line ends in CR LF and begins a field or continues one.
    fn strict(octets: &[u8]) -> Result<Fields, String> {
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

    /// The address of a per-recipient group (RFC 3464 section 2.3.2), without its type.
    pub fn recipient(&self) -> &str {
        let recipient = self.value("Final-Recipient").unwrap_or_default();
        let address = recipient.split_once(';').map_or("", |(_, address)| address);
        address.trim().trim_matches(['<', '>'])
    }
}

/// Groups of fields, with an empty line between two.
fn groups(octets: &[u8]) -> Result<Vec<Fields>, String> {
    let text = octets.strip_suffix(b"\r\n").unwrap_or(octets);
    let mut groups = Vec::new();
    let mut group = Vec::new();
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        if line == b"\r\n" {
            groups.push(std::mem::take(&mut group));
        } else {
            group.extend_from_slice(line);
        }
    }
    if !group.is_empty() && !group.ends_with(b"\r\n") {
        group.extend_from_slice(b"\r\n");
    }
    groups.push(group);
    let filled = groups.iter().filter(|group| !group.is_empty());
    filled.map(|group| Fields::strict(group)).collect()
}

/// Header section and body.
fn section(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(body) = octets.strip_prefix(b"\r\n") {
        return Some((&[], body));
    }
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((&octets[..end + 2], &octets[end + 4..]))
}

/// RFC 2046 section 5.1.1: what stands before the first boundary and behind the last is nobody's.
fn parts(body: &[u8], boundary: &str) -> Result<Vec<Part>, String> {
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
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.to_owned())
    })
}

/// What is wrong with the lines of a content (RFC 5322 section 2.1.1), if something is: octets that are
/// no line end and look like one, or a line of more than 998 octets.
pub fn line_fault(content: &[u8]) -> Option<String> {
    let mut line = 1;
    let mut begin = 0;
    for (at, octet) in content.iter().enumerate() {
        let next = content.get(at + 1);
        match octet {
            b'\r' if next != Some(&b'\n') => return Some(format!("a bare CR in line {line}")),
            b'\n' if at == 0 || content[at - 1] != b'\r' => {
                return Some(format!("a bare LF in line {line}"));
            }
            b'\n' => {
                let length = at - 1 - begin;
                if length > 998 {
                    return Some(format!("line {line} has {length} octets"));
                }
                (line, begin) = (line + 1, at + 1);
            }
            _ => {}
        }
    }
    (begin < content.len()).then(|| "the last line does not end".to_owned())
}

#[cfg(test)]
mod tests;
