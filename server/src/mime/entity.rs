//! An entity: the header of a message or of a part, and its body (RFC 2045, section 2.4).

use std::ops::Range;

use super::field::{MediaType, only_token};
use super::seven_bit::Unfit;
use crate::trace;

/// A header that can be read in one way only, and the body behind it.
pub(super) struct Entity<'a> {
    octets: &'a [u8],
    /// Where the fields end.
    header_end: usize,
    pub(super) body: &'a [u8],
    media_type: Option<Range<usize>>,
    encoding: Option<Range<usize>>,
    version: Option<Range<usize>>,
}

/// What a Content-Transfer-Encoding field says (RFC 2045, section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 7bit, or nothing.
    SevenBit,
    /// 8bit or binary.
    EightBit,
    /// Quoted-printable or base64.
    Encoded,
}

impl<'a> Entity<'a> {
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, Unfit> {
        let mut entity = Entity {
            octets,
            header_end: 0,
            body: b"",
            media_type: None,
            encoding: None,
            version: None,
        };
        for (name, field) in trace::fields(octets) {
            entity.header_end = field.end;
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            let place = if is("Content-Type") {
                &mut entity.media_type
            } else if is(ENCODING) {
                &mut entity.encoding
            } else if is("MIME-Version") {
                &mut entity.version
            } else {
                continue;
            };
            if place.replace(field).is_some() {
                return Err(Unfit::Field);
            }
        }
        let (header, rest) = octets.split_at(entity.header_end);
        if !header.is_ascii() {
            return Err(Unfit::EightBitHeader);
        }
        entity.body = match rest.strip_prefix(b"\r\n") {
            Some(body) => body,
            None if rest.is_empty() => b"",
            None => return Err(Unfit::Field),
        };
        Ok(entity)
    }

    /// Whether it says that it is MIME (RFC 2045, section 4).
    pub(super) fn is_mime(&self) -> bool {
        let version = self.version.clone();
        version.is_some_and(|field| only_token(self.value(field)).as_deref() == Some("1.0"))
    }

    /// Its type, or that which stands for none (RFC 2045, section 5.2).
    pub(super) fn media_type(&self, usual: MediaType<'a>) -> Result<MediaType<'a>, Unfit> {
        match self.media_type.clone() {
            Some(field) => MediaType::read(self.value(field)).ok_or(Unfit::Field),
            None => Ok(usual),
        }
    }

    pub(super) fn encoding(&self) -> Result<Encoding, Unfit> {
        let Some(field) = self.encoding.clone() else {
            return Ok(Encoding::SevenBit);
        };
        match only_token(self.value(field)).as_deref() {
            Some("7bit") => Ok(Encoding::SevenBit),
            Some("8bit" | "binary") => Ok(Encoding::EightBit),
            Some("quoted-printable" | "base64") => Ok(Encoding::Encoded),
            _ => Err(Unfit::Field),
        }
    }

    /// Writes the header and the empty line, with this encoding in place of the one that it names,
    /// or behind the other fields.
    pub(super) fn write_header(&self, encoding: &str, written: &mut Vec<u8>) {
        let (end, body) = (self.header_end, self.octets.len() - self.body.len());
        let place = self.encoding.clone().unwrap_or(end..end);
        written.extend_from_slice(&self.octets[..place.start]);
        written.extend_from_slice(format!("{ENCODING}: {encoding}").as_bytes());
        if place.is_empty() || self.octets[place.clone()].ends_with(b"\r\n") {
            written.extend_from_slice(b"\r\n");
        }
        written.extend_from_slice(&self.octets[place.end..body]);
    }

    /// Writes the header and the empty line as they are.
    pub(super) fn copy_header(&self, written: &mut Vec<u8>) {
        let body = self.octets.len() - self.body.len();
        written.extend_from_slice(&self.octets[..body]);
    }

    /// What stands behind the colon.
    fn value(&self, field: Range<usize>) -> &'a [u8] {
        let field = &self.octets[field];
        &field[trace::body_start(field)..]
    }
}

const ENCODING: &str = "Content-Transfer-Encoding";
