//! Delivery status notifications (RFC 3464), read strictly: a report that the suite cannot read is
//! one that a mail robot cannot read either.

use crate::{
    message::Delivered,
    mime::{Fields, Part, parameter, parts, section},
};

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

    /// Whether a message says that it is a report as RFC 3464 has it.
    pub fn is_claimed_by(message: &Delivered) -> bool {
        let types = message.all("Content-Type");
        types.iter().any(|kind| {
            kind.to_ascii_lowercase().starts_with("multipart/report")
                && parameter(kind, "report-type")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("delivery-status"))
        })
    }

    /// A report in a format of its own, of which no part and no field is known.
    pub fn in_another_format(message: Delivered) -> Notification {
        Notification {
            message,
            parts: Vec::new(),
            about_message: Fields::default(),
            about_recipients: Vec::new(),
        }
    }

    /// The group about this address.
    pub fn about(&self, address: &str) -> Option<&Fields> {
        self.about_recipients
            .iter()
            .find(|group| group.recipient().eq_ignore_ascii_case(address))
    }
}

impl Fields {
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
