//! What is added to a message: Received, and Date and Message-ID where they are missing.

mod header;

use std::net::{IpAddr, SocketAddr};

use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};

use crate::wire::TlsFacts;

/// What the Received field tells (RFC 5321, section 4.4).
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    pub(crate) id: &'a str,
    pub(crate) hostname: &'a str,
    pub(crate) client: &'a str,
    pub(crate) peer: SocketAddr,
    pub(crate) esmtp: bool,
    pub(crate) authenticated: bool,
    pub(crate) tls: Option<&'a TlsFacts>,
    /// Named only if the message has no other recipient: the rest may be blind copies.
    pub(crate) only_recipient: Option<&'a str>,
    pub(crate) arrival: Timestamp,
}

/// The message has been through too many servers to be anything but a loop (RFC 5321, section 6.3).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Loop;

/// Received fields above which mail is taken to be looping.
const HOP_LIMIT: usize = 100;

/// What makes a content complete: fields before it, and the end of its header section.
#[derive(Debug)]
pub(crate) struct Additions {
    fields: String,
    header_end: usize,
    boundary: &'static [u8],
}

impl Additions {
    /// The message as it will be relayed, in pieces.
    pub(crate) fn pieces<'a>(&'a self, content: &'a [u8]) -> [&'a [u8]; 4] {
        let (header, rest) = content.split_at(self.header_end);
        [self.fields.as_bytes(), header, self.boundary, rest]
    }
}

/// Finds out what has to be added to a content.
pub(crate) fn additions(content: &[u8], facts: &Facts<'_>) -> Result<Additions, Loop> {
    let header = header::scan(content);
    if header.received > HOP_LIMIT {
        return Err(Loop);
    }
    let mut fields = received(facts);
    if !header.has_date {
        fields.push_str(&format!("Date: {}\r\n", date(facts.arrival)));
    }
    if !header.has_message_id {
        fields.push_str(&format!(
            "Message-ID: <{}@{}>\r\n",
            facts.id, facts.hostname
        ));
    }
    Ok(Additions {
        fields,
        header_end: header.end,
        boundary: if header.closed { b"" } else { b"\r\n" },
    })
}

/// Octets of the header section, without the empty line that ends it.
pub(crate) fn header_end(content: &[u8]) -> usize {
    header::scan(content).end
}

fn received(facts: &Facts<'_>) -> String {
    let peer = match facts.peer.ip() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    };
    let mut field = format!(
        "Received: from {} ({peer})\r\n\tby {} with {} id {}",
        facts.client,
        facts.hostname,
        protocol(facts),
        facts.id,
    );
    if let Some(tls) = facts.tls {
        field.push_str(&format!("\r\n\t({} {})", tls.version, tls.cipher));
    }
    if let Some(recipient) = facts.only_recipient {
        field.push_str(&format!("\r\n\tfor <{recipient}>"));
    }
    if let Some(tls) = facts.tls {
        field.push_str(&format!("\r\n\ttls {}", tls.cipher));
    }
    field.push_str(&format!("; {}\r\n", date(facts.arrival)));
    field
}

/// The keyword of the WITH clause (RFC 3848); implicit TLS counts like STARTTLS.
fn protocol(facts: &Facts<'_>) -> &'static str {
    match (facts.esmtp, facts.tls.is_some(), facts.authenticated) {
        (false, _, _) => "SMTP",
        (true, false, false) => "ESMTP",
        (true, true, false) => "ESMTPS",
        (true, false, true) => "ESMTPA",
        (true, true, true) => "ESMTPSA",
    }
}

/// A date-time of RFC 5322, section 3.3.
pub(crate) fn date(time: Timestamp) -> String {
    rfc2822::to_string(&time.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
