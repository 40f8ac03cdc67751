//! AUTH: the mechanisms, and who the client says has submitted a message (RFC 4954).

use super::{Extension, State};
use crate::auth::Mechanism;
use crate::command::{FaultKind, is_mailbox};
use crate::reply::Reply;
use crate::spool::MailOptions;

/// Announced until one exchange has succeeded; the parameter stays.
pub(super) const EXTENSION: Extension = Extension {
    line: |state| {
        let names: Vec<_> = state.mechanisms.iter().map(Mechanism::to_string).collect();
        let offered = !state.authenticated && !names.is_empty();
        offered.then(|| format!("AUTH {}", names.join(" ")))
    },
    in_force: |state| state.authenticated || !state.mechanisms.is_empty(),
    mail: &[("AUTH", submitter)],
    ..Extension::DEFAULT
};

/// `<>` or a mailbox in xtext (section 5). It is checked and forgotten: nobody is trusted to tell
/// who somebody else is, which is the same as `AUTH=<>`.
fn submitter(_: &mut MailOptions, value: Option<&[u8]>, _: &State<'_>) -> Result<(), Reply> {
    let valid = match value {
        Some(b"<>") => true,
        Some(value) => from_xtext(value).is_some_and(|mailbox| is_mailbox(&mailbox)),
        None => false,
    };
    if valid {
        Ok(())
    } else {
        Err(FaultKind::Arguments.reply())
    }
}

/// Takes the encoding of RFC 3461, section 4, off.
fn from_xtext(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(plain),
            [b'+', high, low, after @ ..] => {
                plain.push(hex(*high)? * 16 + hex(*low)?);
                after
            }
            [octet @ 33..=126, after @ ..] if !matches!(octet, b'+' | b'=') => {
                plain.push(*octet);
                after
            }
            _ => return None,
        };
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
