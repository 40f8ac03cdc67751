//! 8BITMIME: contents may have octets above 127 (RFC 6152).

use super::{Extension, State};
use crate::command::FaultKind;
use crate::reply::Reply;
use crate::spool::{Body, MailOptions};

pub(super) const EXTENSION: Extension = Extension {
    line: |_| Some("8BITMIME".to_owned()),
    mail: &[("BODY", body)],
    ..Extension::DEFAULT
};

/// `7BIT` or `8BITMIME`. BINARYMIME is a parameter of RFC 3030 that cannot be implemented here.
fn body(mail: &mut MailOptions, value: Option<&[u8]>, _: &State<'_>) -> Result<(), Reply> {
    match value.unwrap_or_default().to_ascii_uppercase().as_slice() {
        b"7BIT" => {
            mail.body = Some(Body::SevenBit);
            Ok(())
        }
        b"8BITMIME" => {
            mail.body = Some(Body::EightBitMime);
            Ok(())
        }
        b"BINARYMIME" => Err(FaultKind::Parameter.reply()),
        _ => Err(FaultKind::Arguments.reply()),
    }
}
