//! Reverse-path and forward-path (RFC 5321, section 4.1.2), kept in the client's own spelling.

use super::FaultKind;
use super::address_literal;
use super::grammar::{is_atext, is_domain, is_loose_domain};

/// An address of the envelope; empty for `<>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mailbox {
    pub(crate) address: String,
    /// What a listener may refuse it for.
    pub(crate) flaw: Flaw,
}

/// What is wrong with a domain that can still be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flaw {
    /// A label with an underscore, or with a hyphen at its end (RFC 5321, section 4.1.2).
    pub(crate) malformed: bool,
    /// A single label (RFC 6409, section 4.2).
    pub(crate) unqualified: bool,
}

/// Octets of a local part (RFC 5321, section 4.5.3.1.1).
pub(crate) const LOCAL_PART_LIMIT: usize = 64;

/// `FROM:` and a path or `<>`: the mailbox (empty for `<>`) and what follows the path.
pub(super) fn reverse(argument: &[u8]) -> Result<(Mailbox, &[u8]), FaultKind> {
    let (path, rest) = split(after_keyword(argument, b"FROM:")?)?;
    let mailbox = if path.is_empty() {
        Mailbox::default()
    } else {
        mailbox(path)?
    };
    Ok((mailbox, rest))
}

/// `TO:` and a path, or `<postmaster>` without a domain (RFC 5321, section 2.3.5).
pub(super) fn forward(argument: &[u8]) -> Result<(Mailbox, &[u8]), FaultKind> {
    let (path, rest) = split(after_keyword(argument, b"TO:")?)?;
    let mailbox = if path.eq_ignore_ascii_case(b"postmaster") {
        Mailbox {
            address: String::from_utf8_lossy(path).into_owned(),
            flaw: Flaw::default(),
        }
    } else {
        mailbox(path)?
    };
    Ok((mailbox, rest))
}

/// Whether a text has the form of a mailbox, whatever its length.
pub(crate) fn is_mailbox(text: &[u8]) -> bool {
    split_mailbox(text)
        .is_some_and(|(_, domain)| is_domain(domain) || address_literal(domain).is_some())
}

fn after_keyword<'a>(argument: &'a [u8], keyword: &[u8]) -> Result<&'a [u8], FaultKind> {
    match argument.split_at_checked(keyword.len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case(keyword) => Ok(rest),
        _ => Err(FaultKind::Arguments),
    }
}

/// Between the angle brackets and after them; a bracket inside a quoted string is text.
fn split(text: &[u8]) -> Result<(&[u8], &[u8]), FaultKind> {
    let inner = text.strip_prefix(b"<").ok_or(FaultKind::Arguments)?;
    let mut octets = inner.iter().enumerate();
    let mut quoted = false;
    while let Some((position, octet)) = octets.next() {
        match octet {
            b'\\' if quoted => {
                octets.next();
            }
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Ok((&inner[..position], &inner[position + 1..])),
            _ => {}
        }
    }
    Err(FaultKind::Arguments)
}

/// A mailbox; a source route before it is recognised and dropped (RFC 5321, appendix C).
fn mailbox(path: &[u8]) -> Result<Mailbox, FaultKind> {
    let mailbox = if path.starts_with(b"@") {
        after_route(path)?
    } else {
        path
    };
    let (local_part, domain) = split_mailbox(mailbox).ok_or(FaultKind::Arguments)?;
    if local_part.len() > LOCAL_PART_LIMIT {
        return Err(FaultKind::Arguments);
    }
    let flaw = if address_literal(domain).is_some() {
        Flaw::default()
    } else if is_loose_domain(domain) {
        Flaw {
            malformed: !is_domain(domain),
            unqualified: !domain.contains(&b'.'),
        }
    } else {
        return Err(FaultKind::Arguments);
    };
    Ok(Mailbox {
        address: String::from_utf8(mailbox.to_vec()).map_err(|_| FaultKind::Arguments)?,
        flaw,
    })
}

/// `@ONE,@TWO:` before a mailbox.
fn after_route(path: &[u8]) -> Result<&[u8], FaultKind> {
    let mut rest = path;
    loop {
        let end = rest
            .iter()
            .position(|octet| matches!(octet, b',' | b':'))
            .ok_or(FaultKind::Arguments)?;
        let domain = rest[..end].strip_prefix(b"@").ok_or(FaultKind::Arguments)?;
        if !is_domain(domain) {
            return Err(FaultKind::Arguments);
        }
        let last = rest[end] == b':';
        rest = &rest[end + 1..];
        if last {
            return Ok(rest);
        }
    }
}

fn split_mailbox(mailbox: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = if mailbox.starts_with(b"\"") {
        quoted_string(mailbox)?
    } else {
        let end = mailbox.iter().position(|octet| *octet == b'@')?;
        let dot_string = mailbox[..end]
            .split(|octet| *octet == b'.')
            .all(|atom| !atom.is_empty() && atom.iter().all(|octet| is_atext(*octet)));
        dot_string.then_some(end)?
    };
    let domain = mailbox[end..].strip_prefix(b"@")?;
    Some((&mailbox[..end], domain))
}

/// The length of the quoted string that the text begins with.
fn quoted_string(text: &[u8]) -> Option<usize> {
    let mut octets = text.iter().enumerate().skip(1);
    while let Some((position, octet)) = octets.next() {
        match octet {
            b'"' => return Some(position + 1),
            b'\\' => {
                octets
                    .next()
                    .filter(|(_, octet)| matches!(octet, 0x20..=0x7e))?;
            }
            0x20..=0x7e => {}
            _ => return None,
        }
    }
    None
}
