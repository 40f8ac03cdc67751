//! What is wrong with the fields of a header section, repaired or refused (RFC 6409, section 8).

use super::addresses::{self, Author, Fault, Role};
use super::edits::Edits;
use super::{Facts, Unfit, header};

/// Finds out what has to be changed in the fields, and who the author is.
pub(super) fn corrected(content: &[u8], facts: &Facts<'_>) -> Result<(Edits, Author), Unfit> {
    let mut edits = Edits::default();
    let mut author = None;
    for (name, field) in header::fields(content) {
        let Some((name, role)) = Role::of(name) else {
            continue;
        };
        let corrected = addresses::correct(content, field, role, facts, &mut edits);
        if let Err(fault) = corrected
            && role != Role::Resent
            && is_refused(fault, facts)
        {
            return Err(Unfit::Addresses(name, fault));
        }
        if role == Role::Author {
            // Two From fields name nobody.
            let again = author.is_some();
            let named = corrected.ok().filter(|_| !again);
            author = Some(named.unwrap_or(Author::Unknown));
        }
    }
    Ok((edits, author.unwrap_or(Author::Unknown)))
}

fn is_refused(fault: Fault, facts: &Facts<'_>) -> bool {
    let refuse = facts.refuse;
    refuse.nonconforming || refuse.unqualified && fault == Fault::Unqualified
}
