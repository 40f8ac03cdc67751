//! What is wrong with the fields of a header section, repaired or refused (RFC 6409, section 8).

use std::ops::Range;

use super::addresses::{self, Author, Fault, Role};
use super::date::is_date_time;
use super::edits::Edits;
use super::message_id::is_message_id;
use super::{Facts, Unfit, date, header, message_id};

/// Finds out what has to be changed in the fields, and who the author is.
pub(super) fn corrected(content: &[u8], facts: &Facts<'_>) -> Result<(Edits, Author), Unfit> {
    let mut corrections = Corrections {
        content,
        facts,
        edits: Edits::default(),
        author: None,
    };
    for (name, field) in header::fields(content) {
        corrections.field(name, field)?;
    }
    let author = corrections.author.unwrap_or(Author::Unknown);
    Ok((corrections.edits, author))
}

struct Corrections<'a> {
    content: &'a [u8],
    facts: &'a Facts<'a>,
    edits: Edits,
    author: Option<Author>,
}

impl Corrections<'_> {
    fn field(&mut self, name: &[u8], field: Range<usize>) -> Result<(), Unfit> {
        let (facts, is) = (self.facts, |other: &str| {
            name.eq_ignore_ascii_case(other.as_bytes())
        });
        // However odd, trace fields are no reason to refuse (RFC 5321, section 3.7.2).
        if is("Received") || is("Return-Path") {
            return Ok(());
        }
        let strict = facts.refuse.nonconforming;
        if strict && !self.content[field.clone()].is_ascii() {
            let name = name.get(..SHOWN).unwrap_or(name);
            return Err(Unfit::EightBit(String::from_utf8_lossy(name).into_owned()));
        }
        if let Some((name, role)) = Role::of(name) {
            return self.addresses(name, role, field);
        }
        let body = field.start + header::body_start(&self.content[field.clone()]);
        let text = &self.content[body..field.end];
        let end = body + text.strip_suffix(b"\r\n").unwrap_or(text).len();
        let (right, fixed, with, unfit) = if is("Date") {
            let now = date(facts.arrival);
            (is_date_time(text), facts.fix.date, now, Unfit::Date)
        } else if is("Message-ID") {
            let new = message_id(facts);
            (
                is_message_id(text),
                facts.fix.message_id,
                new,
                Unfit::MessageId,
            )
        } else {
            return Ok(());
        };
        match right {
            true => Ok(()),
            false if fixed && self.edits.replace(body..end, format!(" {with}")).is_ok() => Ok(()),
            false if strict => Err(unfit),
            false => Ok(()),
        }
    }

    fn addresses(
        &mut self,
        name: &'static str,
        role: Role,
        field: Range<usize>,
    ) -> Result<(), Unfit> {
        let corrected = addresses::correct(self.content, field, role, self.facts, &mut self.edits);
        let refuse = self.facts.refuse;
        if let Err(fault) = corrected
            && role != Role::Resent
            && (refuse.nonconforming || refuse.unqualified && fault == Fault::Unqualified)
        {
            return Err(Unfit::Addresses(name, fault));
        }
        if role == Role::Author {
            // Two From fields name nobody.
            let again = self.author.is_some();
            let named = corrected.ok().filter(|_| !again);
            self.author = Some(named.unwrap_or(Author::Unknown));
        }
        Ok(())
    }
}

/// Octets of a field's name that a reply shows.
const SHOWN: usize = 64;
