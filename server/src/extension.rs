//! The extensions of the service: what EHLO says of each, and the parameters it gives to MAIL and
//! RCPT (RFC 5321, section 2.2).
//!
//! A new extension is a file beside the others and a line in [`EXTENSIONS`]; a verb of its own is
//! an arm in the session besides.

mod auth;
mod eight_bit_mime;
mod limits;
pub(crate) mod size;
mod start_tls;

use crate::auth::Mechanism;
use crate::command::{FaultKind, Parameter};
use crate::config::Config;
use crate::modifiers::Modifiers;
use crate::reply::Reply;
use crate::spool::{Addressee, MailOptions};

/// One extension.
struct Extension {
    /// Its line in the reply to EHLO, where it is announced in this state.
    line: fn(&State<'_>) -> Option<String>,
    /// Whether its parameters may be used in this state.
    in_force: fn(&State<'_>) -> bool,
    /// What it adds to MAIL.
    mail: Parameters<MailOptions>,
    /// What it adds to RCPT.
    rcpt: Parameters<Addressee>,
}

/// Keywords in capitals, and what reads their values.
type Parameters<T> = &'static [(&'static str, Reader<T>)];
/// Takes the value of a parameter, or refuses it.
type Reader<T> = fn(&mut T, Option<&[u8]>, &State<'_>) -> Result<(), Reply>;

/// What the offer depends on.
pub(crate) struct State<'a> {
    pub(crate) config: &'a Config,
    pub(crate) modifiers: Modifiers,
    /// Whether EHLO was the last greeting; after HELO there are no extensions.
    pub(crate) esmtp: bool,
    pub(crate) tls: bool,
    pub(crate) authenticated: bool,
    /// Those that can be used on this connection now.
    pub(crate) mechanisms: Vec<Mechanism>,
}

/// In the order of the reply to EHLO.
const EXTENSIONS: &[Extension] = &[
    PIPELINING,
    size::EXTENSION,
    eight_bit_mime::EXTENSION,
    ENHANCED_STATUS_CODES,
    limits::EXTENSION,
    start_tls::EXTENSION,
    auth::EXTENSION,
];

/// The lines of the reply to EHLO after the first.
pub(crate) fn lines(state: &State<'_>) -> impl Iterator<Item = String> {
    EXTENSIONS
        .iter()
        .filter_map(|extension| (extension.line)(state))
}

/// Reads the parameters of MAIL; one that is not offered is refused with 555 (RFC 5321, section
/// 4.1.1.11).
pub(crate) fn mail(written: &[Parameter], state: &State<'_>) -> Result<MailOptions, Reply> {
    let mut options = MailOptions::default();
    read(&mut options, written, state, |extension| extension.mail)?;
    Ok(options)
}

/// Reads the parameters of RCPT in the same way.
pub(crate) fn rcpt(
    address: String,
    written: &[Parameter],
    state: &State<'_>,
) -> Result<Addressee, Reply> {
    let mut addressee = Addressee::from(address);
    read(&mut addressee, written, state, |extension| extension.rcpt)?;
    Ok(addressee)
}

fn read<T: 'static>(
    target: &mut T,
    written: &[Parameter],
    state: &State<'_>,
    readers: fn(&Extension) -> Parameters<T>,
) -> Result<(), Reply> {
    for Parameter { keyword, value } in written {
        let reader = EXTENSIONS
            .iter()
            .filter(|extension| state.esmtp && (extension.in_force)(state))
            .flat_map(readers)
            .find(|(name, _)| name == keyword);
        match reader {
            Some((_, read)) => read(target, value.as_deref(), state)?,
            None => return Err(FaultKind::Parameter.reply()),
        }
    }
    Ok(())
}

impl Extension {
    /// What is usual: announced by nothing, always in force, without parameters.
    const DEFAULT: Extension = Extension {
        line: |_| None,
        in_force: |_| true,
        mail: &[],
        rcpt: &[],
    };
}

/// Commands may be sent in groups (RFC 2920).
const PIPELINING: Extension = Extension {
    line: |_| Some("PIPELINING".to_owned()),
    ..Extension::DEFAULT
};
/// Replies begin with a code of RFC 3463 (RFC 2034).
const ENHANCED_STATUS_CODES: Extension = Extension {
    line: |_| Some("ENHANCEDSTATUSCODES".to_owned()),
    ..Extension::DEFAULT
};

#[cfg(test)]
mod tests;
