//! The whole report: a message of its own, multipart/report (RFC 3462; RFC 3464, section 2).

use sha2::{Digest, Sha256};

use super::returned::returned;
use super::text::{subject, text};
use super::{Action, Due, Facts, Form, fields};
use crate::mime::are_lines;
use crate::spool::{Addressee, Body, Envelope, MailOptions, Message, derived_id};
use crate::trace::date;

/// A report, ready for the spool.
#[derive(Debug)]
pub(super) struct Report {
    /// Always the same for the same result of the same message, so that a report that was stored
    /// just before a crash is not made again.
    pub(super) id: String,
    pub(super) envelope: Envelope,
    pub(super) content: Vec<u8>,
}

/// A body part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: &'static str,
    pub(super) encoding: &'static str,
    pub(super) octets: Vec<u8>,
}

impl Part {
    /// ASCII in lines.
    pub(super) fn plain(kind: &'static str, octets: Vec<u8>) -> Self {
        Part::encoded(kind, "7bit", octets)
    }

    /// Any octets in lines.
    pub(super) fn eight_bit(kind: &'static str, octets: Vec<u8>) -> Self {
        Part::encoded(kind, "8bit", octets)
    }

    /// What an encoding made of any octets.
    pub(super) fn encoded(kind: &'static str, encoding: &'static str, octets: Vec<u8>) -> Self {
        debug_assert!(are_lines(&octets), "{kind}");
        Part {
            kind,
            encoding,
            octets,
        }
    }

    /// A part of our own words.
    fn of_text(seven_bit: &'static str, global: &'static str, text: String) -> Self {
        if text.is_ascii() {
            Part::plain(seven_bit, text.into_bytes())
        } else {
            Part::eight_bit(global, text.into_bytes())
        }
    }
}

/// Makes the report about some recipients of a message.
pub(super) fn compose(facts: &Facts<'_>, message: &Message, due: &[Due<'_>]) -> Report {
    let entry = &message.entry;
    let form = Form::towards(&entry.sender);
    let mut parts = vec![
        Part::of_text(
            "text/plain; charset=us-ascii",
            "text/plain; charset=utf-8",
            text(facts, entry, due, form),
        ),
        Part::of_text(
            "message/delivery-status",
            "message/global-delivery-status",
            fields::groups(facts, entry, due, form),
        ),
    ];
    parts.extend(returned(message, due, form));
    let eight_bit = parts.iter().any(|part| part.encoding == "8bit");
    let id = id(message, due);
    let boundary = boundary(&id, &parts);
    let mut content = format!(
        "Date: {}\r\n\
         From: Mail Delivery System <postmaster@{hostname}>\r\n\
         To: <{}>\r\n\
         Subject: {}\r\n\
         Message-ID: <{id}@{hostname}>\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n \
         boundary=\"{boundary}\"\r\n\
         Content-Transfer-Encoding: {}\r\n\r\n",
        date(facts.now),
        entry.sender,
        subject(due),
        if eight_bit { "8bit" } else { "7bit" },
        hostname = facts.hostname,
    )
    .into_bytes();
    for Part {
        kind,
        encoding,
        octets,
    } in &parts
    {
        content.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Type: {kind}\r\n\
                 Content-Transfer-Encoding: {encoding}\r\n\r\n"
            )
            .as_bytes(),
        );
        content.extend_from_slice(octets);
        content.extend_from_slice(b"\r\n");
    }
    content.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Report {
        id,
        envelope: Envelope {
            arrival: facts.now,
            size: content.len() as u64,
            sender: String::new(),
            options: MailOptions {
                body: eight_bit.then_some(Body::EightBitMime),
                smtputf8: form == Form::Utf8,
                // RFC 8689, section 5: protected like the message that it is about.
                requiretls: entry.options.requiretls,
                ..MailOptions::default()
            },
            recipients: vec![Addressee::from(entry.sender.clone())],
        },
        content,
    }
}

fn id(message: &Message, due: &[Due<'_>]) -> String {
    let mut hash = Sha256::new();
    hash.update(&message.entry.id);
    for due in due {
        let place = message
            .entry
            .recipients
            .iter()
            .position(|recipient| std::ptr::eq(recipient, due.recipient));
        hash.update(format!("\n{} {place:?}", due.action.name()));
    }
    // Waiting recipients are tried again, and the time of their last attempt is no fixed one.
    let last = due
        .iter()
        .filter(|due| due.action != Action::Delayed)
        .filter_map(|due| due.recipient.last_attempt)
        .max();
    derived_id(
        last.unwrap_or(message.entry.arrival),
        &hash.finalize().into(),
    )
}

/// A boundary that occurs nowhere in the parts. Its first form is as good as unguessable.
fn boundary(id: &str, parts: &[Part]) -> String {
    let occurs = |boundary: &str| {
        parts.iter().any(|part| {
            let mut places = part.octets.windows(boundary.len());
            places.any(|place| place == boundary.as_bytes())
        })
    };
    let mut boundary = format!("report-{id}");
    let mut number = 0_u64;
    while occurs(&boundary) {
        number += 1;
        boundary = format!("report-{id}-{number}");
    }
    boundary
}
