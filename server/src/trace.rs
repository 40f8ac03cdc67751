//! What is done to a message: Received on top, and the fix-ups of RFC 6409, section 8.

mod address_list;
mod addresses;
mod corrections;
mod date;
mod edits;
mod header;
mod message_id;
mod quotes;
mod received;
mod tokens;

use std::net::SocketAddr;

use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};

use crate::policy::{FixUps, Refusals};
use crate::rewrite::Rewriting;
use crate::senders::Login;
use crate::wire::TlsFacts;
use addresses::{Author, Fault};
use edits::Edits;
use received::received;

pub(crate) use header::{body_start, fields};

/// What the Received field tells (RFC 5321, section 4.4), and what the others are made of.
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
    /// What is added where it is missing, and repaired where it is wrong.
    pub(crate) fix: FixUps,
    /// What is refused even so.
    pub(crate) refuse: Refusals,
    /// The domain by which unqualified ones are completed; none where they are refused.
    pub(crate) completion: Option<&'a str>,
    /// The reverse-path's mailbox, as the client wrote it; empty for `<>`.
    pub(crate) sender: &'a str,
    pub(crate) login: Option<Login<'a>>,
    /// What leaves by another name, once everything else has been judged.
    pub(crate) rewriting: Option<&'a Rewriting>,
}

impl Facts<'_> {
    /// An address of the author's side as it leaves the site.
    pub(crate) fn outgoing(&self, address: &str) -> String {
        match self.rewriting {
            Some(rewriting) => rewriting.address(address),
            None => address.to_owned(),
        }
    }
}

/// Why a message is not passed on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It has been through too many servers to be anything but a loop (RFC 5321, section 6.3).
    #[error("Too many hops")]
    Loop,
    /// A field that may stand once (RFC 5322, section 3.6).
    #[error("{0}: more than once")]
    Twice(&'static str),
    /// There is no Date, and none is made (RFC 5322, section 3.6).
    #[error("No Date field")]
    NoDate,
    /// There is no From, and none could be made.
    #[error("No From field")]
    NoAuthor,
    /// From has several mailboxes, and nothing says who has sent it (RFC 5322, section 3.6.2).
    #[error("Several authors and no Sender field")]
    NoSender,
    /// A field with addresses that cannot be repaired.
    #[error("{0}: {1}")]
    Addresses(&'static str, Fault),
    /// A Date that cannot be read, or of a day that there never was, where none is made.
    #[error("Date: not a date")]
    Date,
    /// A Message-ID that is none, where none is made.
    #[error("Message-ID: not an identifier in angle brackets")]
    MessageId,
    /// A header section is ASCII unless MAIL had SMTPUTF8, which is not offered (RFC 5322,
    /// section 2.2; RFC 6531, section 3.4).
    #[error("{0}: octets above 127, which need SMTPUTF8")]
    EightBit(String),
    /// A header section that goes on behind a line that is no field (RFC 5322, section 2.2).
    #[error("{0}: behind a line that is no field")]
    Behind(&'static str),
}

/// Received fields above which mail is taken to be looping.
const HOP_LIMIT: usize = 100;

/// What makes a content complete: fields before it, edits of its own, and the end of its header
/// section.
#[derive(Debug)]
pub(crate) struct Additions {
    fields: String,
    edits: Edits,
    header_end: usize,
    boundary: &'static [u8],
}

impl Additions {
    /// The message as it will be relayed, in pieces.
    pub(crate) fn pieces<'a>(&'a self, content: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = vec![self.fields.as_bytes()];
        pieces.extend(self.edits.applied(content, self.header_end));
        pieces.extend([self.boundary, &content[self.header_end..]]);
        pieces
    }
}

/// Finds out what has to be added to a content.
pub(crate) fn additions(content: &[u8], facts: &Facts<'_>) -> Result<Additions, Unfit> {
    let header = header::scan(content);
    if header.received > HOP_LIMIT {
        return Err(Unfit::Loop);
    }
    let strict = facts.refuse.nonconforming;
    if strict && let Some(name) = header.twice() {
        return Err(Unfit::Twice(name));
    }
    // A blind recipient must not be shown even where the rest may pass for text.
    let mut behind = header::behind(content, header.end);
    let is_secret = |name: &&str| facts.fix.bcc && name.ends_with("Bcc");
    if let Some(name) = behind.find(|name| strict || is_secret(name)) {
        return Err(Unfit::Behind(name));
    }
    let (edits, mut author) = corrections::corrected(content, facts)?;
    let mut fields = received(facts);
    let fix = facts.fix;
    if fix.date && !header.has("Date") {
        fields.push_str(&format!("Date: {}\r\n", date(facts.arrival)));
    } else if strict && !header.has("Date") {
        return Err(Unfit::NoDate);
    }
    let own_address = facts.login.and_then(|login| login.address());
    if fix.from
        && !header.has("From")
        && let Some(from) = [facts.sender]
            .into_iter()
            .chain(own_address)
            .find(|address| !address.is_empty())
    {
        fields.push_str(&format!("From: <{}>\r\n", facts.outgoing(from)));
        author = Author::Mailbox(from.to_owned());
    } else if strict && !header.has("From") {
        return Err(Unfit::NoAuthor);
    }
    let own = |login: Login<'_>| matches!(&author, Author::Mailbox(mailbox) if login.owns(mailbox));
    if fix.sender
        && !header.has("Sender")
        && let (Some(login), Some(address)) = (facts.login, own_address)
        && !own(login)
    {
        fields.push_str(&format!("Sender: <{}>\r\n", facts.outgoing(address)));
    } else if strict && author == Author::Several && !header.has("Sender") {
        return Err(Unfit::NoSender);
    }
    if fix.message_id && !header.has("Message-ID") {
        fields.push_str(&format!("Message-ID: {}\r\n", message_id(facts)));
    }
    Ok(Additions {
        fields,
        edits,
        header_end: header.end,
        boundary: if header.closed { b"" } else { b"\r\n" },
    })
}

/// Octets of the header section, without the empty line that ends it.
pub(crate) fn header_end(content: &[u8]) -> usize {
    header::scan(content).end
}

/// Takes the fields out that are not for the recipients, in place: a header section may be large.
pub(crate) fn take_out(content: &mut Vec<u8>, fix: FixUps) {
    header::retain(content, |name| {
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        !(fix.return_path && is(b"Return-Path") || fix.bcc && (is(b"Bcc") || is(b"Resent-Bcc")))
    });
}

/// An identifier that no other message has (RFC 5322, section 3.6.4).
fn message_id(facts: &Facts<'_>) -> String {
    format!("<{}@{}>", facts.id, facts.hostname)
}

/// A date-time of RFC 5322, section 3.3.
pub(crate) fn date(time: Timestamp) -> String {
    rfc2822::to_string(&time.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
