//! The mailboxes of an address-list, and where their parts stand in it (RFC 5322, section 3.4). The
//! obsolete forms are read too (section 4.4), and so is what only lacks quotes.

mod dotted;

use std::ops::Range;

use super::tokens::{Kind, Token, Tokens};
use dotted::Dotted;

/// A mailbox, as places in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    /// A display name that may not stand there without quotes.
    pub(super) bare_name: Option<Range<usize>>,
    /// With its quotes, if it is a quoted string, and with what stands around its dots.
    pub(super) local_part: Range<usize>,
    /// Whether the local part has dots where none may be: it lacks quotes.
    pub(super) stray_dots: bool,
    /// With its brackets, if it is a domain literal. Empty where there is no domain, which the
    /// grammar does not know.
    pub(super) domain: Range<usize>,
    pub(super) in_group: bool,
}

/// Why a text is no address-list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A name without an address, or brackets with nothing in them.
    #[error("an address is missing")]
    NoAddress,
    /// What begins has to end.
    #[error("a quote, bracket, comment or group has no end")]
    Unclosed,
    /// Something stands where it may not.
    #[error("not a list of addresses")]
    Syntax,
}

/// Gives the mailboxes in their order, and says how many groups there are. Where the text turns out
/// to be unreadable some mailboxes may have been given before.
pub(super) fn read(text: &[u8], mut found: impl FnMut(Mailbox)) -> Result<usize, Unreadable> {
    let mut tokens = Tokens::new(text);
    let mut element = Element::default();
    let (mut groups, mut in_group, mut whole) = (0, false, false);
    loop {
        let token = tokens.next()?;
        match token.as_ref().map(|token| token.kind) {
            Some(Kind::Special(b'<')) if !whole => {
                found(angle(&mut tokens)?.mailbox(element.bare_name(), in_group)?);
                whole = true;
            }
            None | Some(Kind::Special(b',' | b';')) => {
                if !whole && !element.is_empty() {
                    found(element.address()?.mailbox(None, in_group)?);
                }
                element = Element::default();
                match token.map(|token| token.kind) {
                    None if in_group => return Err(Unreadable::Unclosed),
                    None => return Ok(groups),
                    Some(Kind::Special(b';')) if !in_group => return Err(Unreadable::Syntax),
                    Some(Kind::Special(b';')) => (in_group, whole) = (false, true),
                    Some(_) => whole = false,
                }
            }
            Some(_) if whole => return Err(Unreadable::Syntax),
            Some(Kind::Special(b':')) if in_group || !element.is_phrase() => {
                return Err(Unreadable::Syntax);
            }
            Some(Kind::Special(b':')) => {
                (groups, in_group) = (groups + 1, true);
                element = Element::default();
            }
            Some(_) => element.extend(text, token),
        }
    }
}

/// A part of a mailbox without the blanks and comments that may stand around its dots.
pub(super) fn plain(text: &[u8], part: Range<usize>) -> Vec<u8> {
    let text = &text[part];
    let mut tokens = Tokens::new(text);
    let mut plain = Vec::new();
    while let Ok(Some(token)) = tokens.next() {
        plain.extend_from_slice(&text[token.place]);
    }
    plain
}

/// What stands between commas, up to an opening bracket.
#[derive(Default)]
struct Element {
    place: Option<Range<usize>>,
    address: Address,
    stage: Stage,
    /// Whether something in it may not stand in a phrase (RFC 5322, sections 3.2.5 and 4.1).
    odd: bool,
}

/// What an element may still be, besides a display name.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    LocalPart,
    Domain,
    Neither,
}

impl Element {
    fn is_empty(&self) -> bool {
        self.place.is_none()
    }

    fn is_phrase(&self) -> bool {
        !self.is_empty() && !self.odd
    }

    fn bare_name(&self) -> Option<Range<usize>> {
        self.place.clone().filter(|_| self.odd)
    }

    fn extend(&mut self, text: &[u8], token: Option<Token>) {
        let Some(token) = token else { return };
        let start = self.place.as_ref().map(|place| place.start);
        self.odd |= match token.kind {
            // A phrase begins with a word.
            Kind::Atom => start.is_none() && text[token.place.start] == b'.',
            Kind::Quoted => false,
            Kind::DomainLiteral | Kind::Special(_) | Kind::Odd => true,
        };
        self.place = Some(start.unwrap_or(token.place.start)..token.place.end);
        let Address { local_part, domain } = &mut self.address;
        self.stage = match self.stage {
            Stage::LocalPart if token.kind == Kind::Special(b'@') && !local_part.is_empty() => {
                Stage::Domain
            }
            Stage::LocalPart if local_part.word(text, &token) => Stage::LocalPart,
            Stage::Domain if domain.label(text, &token) => Stage::Domain,
            _ => Stage::Neither,
        };
    }

    fn address(self) -> Result<Address, Unreadable> {
        match self.stage {
            Stage::Neither if !self.odd => Err(Unreadable::NoAddress),
            Stage::Neither => Err(Unreadable::Syntax),
            Stage::Domain if self.address.domain.is_empty() => Err(Unreadable::Syntax),
            Stage::Domain | Stage::LocalPart => Ok(self.address),
        }
    }
}

/// What stands on both sides of an `@`.
#[derive(Default)]
struct Address {
    local_part: Dotted,
    domain: Dotted,
}

impl Address {
    fn mailbox(self, name: Option<Range<usize>>, in_group: bool) -> Result<Mailbox, Unreadable> {
        let stray_dots = self.local_part.has_stray_dots();
        // Quotes around several words would make text of what stands between them.
        if stray_dots && !self.local_part.is_one_word() || self.domain.has_stray_dots() {
            return Err(Unreadable::Syntax);
        }
        let local_part = self.local_part.place().ok_or(Unreadable::NoAddress)?;
        let domain = self.domain.place();
        Ok(Mailbox {
            bare_name: name,
            domain: domain.unwrap_or(local_part.end..local_part.end),
            local_part,
            stray_dots,
            in_group,
        })
    }
}

/// The inside of an angle-addr, behind its opening bracket; a route before the address means nothing
/// (RFC 5322, section 4.4).
fn angle(tokens: &mut Tokens<'_>) -> Result<Address, Unreadable> {
    let mut address = Address::default();
    let mut token = tokens.needed()?;
    if let Kind::Special(b'@' | b',') = token.kind {
        route(tokens, token)?;
        token = tokens.needed()?;
    }
    let mut in_domain = false;
    loop {
        let text = tokens.text();
        match token.kind {
            Kind::Special(b'>') if in_domain && address.domain.is_empty() => {
                return Err(Unreadable::Syntax);
            }
            Kind::Special(b'>') => return Ok(address),
            Kind::Special(b'@') if !in_domain && !address.local_part.is_empty() => in_domain = true,
            _ if in_domain && address.domain.label(text, &token) => {}
            _ if !in_domain && address.local_part.word(text, &token) => {}
            _ => return Err(Unreadable::Syntax),
        }
        token = tokens.needed()?;
    }
}

/// `@ONE,@TWO:` from its first token on.
fn route(tokens: &mut Tokens<'_>, first: Token) -> Result<(), Unreadable> {
    let mut token = first;
    let mut domain = Dotted::default();
    let (mut in_domain, mut known) = (false, false);
    loop {
        known |= in_domain && domain.is_complete();
        let complete = !in_domain || domain.is_complete();
        match token.kind {
            Kind::Special(b'@') if !in_domain => (domain, in_domain) = (Dotted::default(), true),
            Kind::Special(b',') if complete => in_domain = false,
            Kind::Special(b':') if complete && known => return Ok(()),
            _ if in_domain && domain.label(tokens.text(), &token) => {}
            _ => return Err(Unreadable::Syntax),
        }
        token = tokens.needed()?;
    }
}

#[cfg(test)]
mod tests;
