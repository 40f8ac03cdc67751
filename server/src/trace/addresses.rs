//! The fields that hold addresses: what they say, what is repaired in them (RFC 5322, section 3.4;
//! RFC 6409, section 4.2), and under which names they leave the site (RFC 6409, section 8.8).

use std::ops::Range;

use super::Facts;
use super::address_list::{self, Mailbox, Unreadable};
use super::edits::{Edits, OutOfBounds};
use super::{header, quotes};
use crate::rewrite::Rewriting;

/// What a field with addresses is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Author,
    Sender,
    /// Where answers go.
    Answers,
    Recipients,
    /// Of a message that was sent once more: never a reason to refuse it (RFC 5321, section 3.3).
    Resent,
}

/// What a From field names (RFC 5322, section 3.6.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// One mailbox, repaired.
    Mailbox(String),
    /// More than one.
    Several,
    /// None, or a group (RFC 6854), or it cannot be read.
    Unknown,
}

/// Why a field does not conform, and cannot be made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Only where nothing is repaired.
    #[error("a name or a local part lacks quotes")]
    Unquoted,
    #[error("a domain is missing or not fully qualified")]
    Unqualified,
    /// A sender is one person (RFC 5322, section 3.6.2).
    #[error("more than one address")]
    Several,
    #[error("too much to repair")]
    OutOfBounds,
}

impl From<OutOfBounds> for Fault {
    fn from(_: OutOfBounds) -> Self {
        Fault::OutOfBounds
    }
}

const ROLES: [(&str, Role); 10] = [
    ("From", Role::Author),
    ("Sender", Role::Sender),
    ("Reply-To", Role::Answers),
    ("To", Role::Recipients),
    ("Cc", Role::Recipients),
    ("Resent-From", Role::Resent),
    ("Resent-Sender", Role::Resent),
    ("Resent-Reply-To", Role::Resent),
    ("Resent-To", Role::Resent),
    ("Resent-Cc", Role::Resent),
];

impl Role {
    /// The role of a field, and the name by which it is known.
    pub(super) fn of(name: &[u8]) -> Option<(&'static str, Role)> {
        let known = |(known, _): &&(&str, Role)| name.eq_ignore_ascii_case(known.as_bytes());
        ROLES.iter().find(known).copied()
    }

    /// Whether the addresses in it are the site's to rename; those that say to whom a message goes
    /// are not.
    fn is_ours(self) -> bool {
        matches!(self, Role::Author | Role::Sender | Role::Answers)
    }
}

/// Corrects a field. Where there is a fault it stays as it is.
pub(super) fn correct(
    content: &[u8],
    field: Range<usize>,
    role: Role,
    facts: &Facts<'_>,
    edits: &mut Edits,
) -> Result<Author, Fault> {
    let before = edits.len();
    let mut attempt = |rewriting| {
        let body = field.start + header::body_start(&content[field.clone()]);
        let list = List {
            content,
            body,
            end: field.end,
            facts,
            rewriting,
        };
        let corrected = list.correct(&field, role, edits).and_then(|author| {
            edits.within_lines(before, content, field.clone())?;
            Ok(author)
        });
        corrected.inspect_err(|_| edits.truncate(before))
    };
    let rewriting = facts.rewriting.filter(|_| role.is_ours());
    match attempt(rewriting) {
        // What does not fit under its new name leaves under its old one.
        Err(Fault::OutOfBounds) if rewriting.is_some() => attempt(None),
        corrected => corrected,
    }
}

/// The addresses of one field.
struct List<'a> {
    content: &'a [u8],
    /// Where they begin and end in the content.
    body: usize,
    end: usize,
    facts: &'a Facts<'a>,
    rewriting: Option<&'a Rewriting>,
}

impl List<'_> {
    fn correct(
        &self,
        field: &Range<usize>,
        role: Role,
        edits: &mut Edits,
    ) -> Result<Author, Fault> {
        let (mut author, mut mailboxes, mut fault) = (Author::Unknown, 0_usize, None);
        let groups = address_list::read(self.text(), |mailbox| {
            mailboxes += 1;
            if role == Role::Author && mailboxes == 1 {
                author = self
                    .spelled(&mailbox)
                    .map_or(Author::Unknown, Author::Mailbox);
            }
            if fault.is_none() {
                fault = self.mailbox(&mailbox, edits).err();
            }
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        match (role, mailboxes, groups) {
            (Role::Answers | Role::Recipients, 0, 0) if self.facts.fix.addresses => {
                edits.replace(field.clone(), "")?;
            }
            (Role::Resent, ..) => {}
            (_, 0, 0) => return Err(Unreadable::NoAddress.into()),
            (Role::Sender, 2.., 0) => return Err(Fault::Several),
            _ => {}
        }
        Ok(match (mailboxes, groups) {
            (_, 1..) => Author::Unknown,
            (2.., 0) => Author::Several,
            (_, 0) => author,
        })
    }

    /// Local part and domain each by itself: a comment may stand between them.
    fn mailbox(&self, mailbox: &Mailbox, edits: &mut Edits) -> Result<(), Fault> {
        let completion = self.completion(mailbox)?;
        let place = |part: &Range<usize>| part.start + self.body..part.end + self.body;
        let (local_part, domain) = (place(&mailbox.local_part), place(&mailbox.domain));
        if (mailbox.bare_name.is_some() || mailbox.stray_dots) && !self.facts.fix.addresses {
            return Err(Fault::Unquoted);
        }
        if let Some(name) = &mailbox.bare_name {
            quotes::quote(self.content, place(name), edits)?;
        }
        let renamed = self.rewriting.and_then(|rewriting| {
            let address = self.spelled(mailbox)?;
            let (local_part, domain) = address.rsplit_once('@')?;
            let to = rewriting.replacement(local_part, domain)?;
            Some((to.local_part, to.domain))
        });
        match renamed {
            Some((Some(text), _)) => edits.replace(local_part, text)?,
            _ if mailbox.stray_dots => {
                edits.insert(local_part.start, "\"")?;
                edits.insert(local_part.end, "\"")?;
            }
            _ => {}
        }
        let at = if domain.is_empty() { "@" } else { "" };
        match (renamed, completion) {
            (Some((_, text)), _) => edits.replace(domain, format!("{at}{text}"))?,
            (None, Some(completion)) => edits.insert(domain.end, &completion)?,
            (None, None) => {}
        }
        Ok(())
    }

    /// What a domain lacks to be fully qualified.
    fn completion(&self, mailbox: &Mailbox) -> Result<Option<String>, Fault> {
        let domain = &self.text()[mailbox.domain.clone()];
        if domain.starts_with(b"[") || domain.contains(&b'.') {
            return Ok(None);
        }
        let (missing, facts) = (domain.is_empty(), self.facts);
        match facts.completion.filter(|_| facts.fix.addresses) {
            Some(by) if missing => Ok(Some(format!("@{by}"))),
            Some(by) => Ok(Some(format!(".{by}"))),
            None if missing || facts.refuse.unqualified => Err(Fault::Unqualified),
            None => Ok(None),
        }
    }

    /// The address as it will be, if it does not leave under another name.
    fn spelled(&self, mailbox: &Mailbox) -> Option<String> {
        let completion = self.completion(mailbox).ok()?.unwrap_or_default();
        let part = |place: &Range<usize>| address_list::plain(self.text(), place.clone());
        let (local_part, domain) = (part(&mailbox.local_part), part(&mailbox.domain));
        let quote: &[u8] = if mailbox.stray_dots { b"\"" } else { b"" };
        let at: &[u8] = if domain.is_empty() { b"" } else { b"@" };
        let pieces = [
            quote,
            &local_part,
            quote,
            at,
            &domain,
            completion.as_bytes(),
        ];
        String::from_utf8(pieces.concat()).ok()
    }

    fn text(&self) -> &[u8] {
        &self.content[self.body..self.end]
    }
}

#[cfg(test)]
mod tests;
