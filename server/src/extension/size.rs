//! SIZE: the largest content, and how large the client thinks its own is (RFC 1870).

use super::{Extension, State};
use crate::command::FaultKind;
use crate::reply::{Reply, reply};
use crate::spool::MailOptions;

pub(super) const EXTENSION: Extension = Extension {
    line: |state| Some(format!("SIZE {}", state.config.size_limit)),
    mail: &[("SIZE", size)],
    ..Extension::DEFAULT
};

/// One to twenty digits (section 3); a number that does not fit is too large for any limit.
fn size(_: &mut MailOptions, value: Option<&[u8]>, state: &State<'_>) -> Result<(), Reply> {
    let digits = value.unwrap_or_default();
    if !(1..=20).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FaultKind::Arguments.reply());
    }
    let number = std::str::from_utf8(digits).ok();
    let size: u64 = number
        .and_then(|text| text.parse().ok())
        .unwrap_or(u64::MAX);
    if size > state.config.size_limit {
        Err(too_large())
    } else {
        Ok(())
    }
}

/// The refusal of what is larger than SIZE announces (section 6.1).
pub(crate) fn too_large() -> Reply {
    reply(552, "5.3.4", "Message is too large")
}
