//! MIME as far as a relay has to know it (RFC 2045 and RFC 2046): parts, their types, and encodings.

mod encoding;
mod entity;
mod field;
mod multipart;
mod seven_bit;

pub(crate) use encoding::{LINE_LIMIT, are_lines, base64, quoted_printable};
pub(crate) use seven_bit::to_seven_bit;
