//! The Received field (RFC 5321, section 4.4; its tls clause RFC 8314, section 4.3).

use std::net::IpAddr;

use super::{Facts, date};
use crate::command::{address_literal, is_domain, is_mailbox};

/// Octets up to which clauses share a line (RFC 5322, section 2.1.1). None of them is so long that
/// it could not be a line of its own.
const LINE: usize = 78;

/// The field with its CRLF.
pub(super) fn received(facts: &Facts<'_>) -> String {
    let peer = match facts.peer.ip() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    };
    let mut lines = vec![from(facts.client, &peer)];
    let id = format!("id {}", facts.id);
    let by = format!("by {}", facts.hostname);
    lines.push(vec![by, format!("with {}", protocol(facts)), id]);
    if let Some(tls) = facts.tls {
        lines.push(vec![format!("({} {})", tls.version, tls.cipher)]);
    }
    // Neither `postmaster` alone nor a domain with an underscore may stand here.
    if let Some(recipient) = facts.only_recipient
        && is_mailbox(recipient.as_bytes())
    {
        lines.push(vec![format!("for <{recipient}>")]);
    }
    if let Some(tls) = facts.tls {
        lines.push(vec![format!("tls {}", tls.cipher)]);
    }
    if let Some(last) = lines.last_mut() {
        if let Some(clause) = last.last_mut() {
            clause.push(';');
        }
        last.push(date(facts.arrival));
    }
    folded(&lines)
}

/// Who the client says it is, and whence it came. A name with underscores is taken in EHLO, but is
/// no domain: it stands in a comment then.
fn from(client: &str, peer: &str) -> Vec<String> {
    if is_domain(client.as_bytes()) || address_literal(client.as_bytes()).is_some() {
        vec![format!("from {client}"), format!("({peer})")]
    } else {
        let name = format!("(HELO {client})");
        vec![format!("from {peer}"), format!("({peer})"), name]
    }
}

/// The lines, and more of them where one would be too long.
fn folded(lines: &[Vec<String>]) -> String {
    let mut field = "Received:".to_owned();
    let mut length = field.len();
    for (number, line) in lines.iter().enumerate() {
        for (place, clause) in line.iter().enumerate() {
            let begun = number == 0 && place == 0;
            let full = length + 1 + clause.len() > LINE;
            if !begun && (place == 0 || full) {
                field.push_str("\r\n\t");
                length = 1 + clause.len();
            } else {
                field.push(' ');
                length += 1 + clause.len();
            }
            field.push_str(clause);
        }
    }
    field + "\r\n"
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

#[cfg(test)]
mod tests;
