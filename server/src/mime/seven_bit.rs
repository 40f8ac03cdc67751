//! 8-bit MIME made 7-bit MIME without loss, for a hop that takes nothing else (RFC 6152, section 3).
//!
//! Bodies with octets above 127 are encoded and say so, labels that are true no more change with
//! them, and every other octet stays. A DKIM-Signature is no obstacle: it may fail then, but it is
//! the hop that asks for the conversion, and without it nobody would have the message.

use super::encoding::{base64, quoted_printable};
use super::entity::{Encoding, Entity};
use super::field::MediaType;
use super::multipart::delimiter;

/// Why octets above 127 cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// Nothing says what its body is (RFC 2045, section 4).
    #[error("it is not MIME")]
    NotMime,
    /// A field of MIME is malformed or doubled, or stands in doubt.
    #[error("the fields of a part cannot be read")]
    Field,
    /// That is the matter of SMTPUTF8 (RFC 6532).
    #[error("a header has octets above 127")]
    EightBitHeader,
    /// The parts cannot be told apart.
    #[error("the boundary of a multipart is broken")]
    Boundary,
    /// Before the first part of a multipart, or behind its last.
    #[error("octets above 127 stand outside of every part")]
    Outside,
    /// What was signed must not change (RFC 1847, section 2.1).
    #[error("a part is signed or encrypted")]
    Sealed,
    /// The type takes no encoding (RFC 2046, section 5.2).
    #[error("a part has a type that takes no encoding")]
    Type,
    /// An encoding that leaves such octets was none.
    #[error("a part is not in the encoding that it names")]
    NotEncoded,
    /// Entities in entities.
    #[error("its parts are nested too deeply")]
    Depth,
}

/// The content in 7 bits, its last line ended.
pub(crate) fn to_seven_bit(content: &[u8]) -> Result<Vec<u8>, Unfit> {
    let mut written = Vec::with_capacity(content.len() + content.len() / 8);
    convert(content, Role::Message, 0, &mut written)?;
    if !written.ends_with(b"\r\n") {
        written.extend_from_slice(b"\r\n");
    }
    Ok(written)
}

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A message, which has to say that it is MIME.
    Message,
    Part,
    /// A part that is a message unless it says otherwise (RFC 2046, section 5.1.5).
    PartOfDigest,
}

/// How a body goes on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    QuotedPrintable,
    Base64,
}

/// Entities in entities; each level is looked through once more.
const DEPTH: usize = 20;

/// An entity inside another. Without octets above 127 only its labels have to change, and where that
/// cannot be done it stays as it is.
fn inner(octets: &[u8], role: Role, depth: usize, written: &mut Vec<u8>) -> Result<(), Unfit> {
    let start = written.len();
    match convert(octets, role, depth, written) {
        Err(_) if octets.is_ascii() => {
            written.truncate(start);
            written.extend_from_slice(octets);
            Ok(())
        }
        result => result,
    }
}

fn convert(octets: &[u8], role: Role, depth: usize, written: &mut Vec<u8>) -> Result<(), Unfit> {
    if depth > DEPTH {
        return Err(Unfit::Depth);
    }
    let entity = Entity::read(octets)?;
    if role == Role::Message && !entity.is_mime() {
        return Err(Unfit::NotMime);
    }
    let usual = match role {
        Role::PartOfDigest => MediaType::new("message", "rfc822"),
        _ => MediaType::new("text", "plain"),
    };
    let media = entity.media_type(usual)?;
    let encoding = entity.encoding()?;
    match (media.kind.as_str(), media.subtype.as_str()) {
        ("multipart", "signed" | "encrypted") => plain(&entity, encoding, Unfit::Sealed, written),
        ("multipart", subtype) => {
            let role = match subtype {
                "digest" => Role::PartOfDigest,
                _ => Role::Part,
            };
            let boundary = media.boundary().ok_or(Unfit::Boundary)?;
            container(&entity, encoding, written)?;
            parts(entity.body, &boundary, role, depth, written)
        }
        ("message", "rfc822") => {
            container(&entity, encoding, written)?;
            inner(entity.body, Role::Message, depth + 1, written)
        }
        // RFC 6532, section 3.7, and RFC 6533, section 6, permit every encoding.
        ("message", subtype) if subtype == "global" || subtype.starts_with("global-") => {
            leaf(&entity, encoding, Way::Base64, written)
        }
        ("message", _) => plain(&entity, encoding, Unfit::Type, written),
        ("text", _) => leaf(&entity, encoding, Way::QuotedPrintable, written),
        _ => leaf(&entity, encoding, Way::Base64, written),
    }
}

/// The header of an entity whose parts say themselves how they are encoded: it can have no encoding
/// of its own (RFC 2045, section 6.4).
fn container(entity: &Entity<'_>, encoding: Encoding, written: &mut Vec<u8>) -> Result<(), Unfit> {
    if encoding == Encoding::Encoded {
        return Err(Unfit::NotEncoded);
    }
    seven_bit_header(entity, encoding, written);
    Ok(())
}

fn parts(
    body: &[u8],
    boundary: &[u8],
    role: Role,
    depth: usize,
    written: &mut Vec<u8>,
) -> Result<(), Unfit> {
    let mut last = delimiter(body, boundary, 0)?;
    let preamble = &body[..last.start];
    written.extend_from_slice(&body[..last.end]);
    while !last.closes {
        let next = delimiter(body, boundary, last.end)?;
        inner(&body[last.end..next.start], role, depth + 1, written)?;
        written.extend_from_slice(&body[next.start..next.end]);
        last = next;
    }
    let epilogue = &body[last.end..];
    written.extend_from_slice(epilogue);
    match preamble.is_ascii() && epilogue.is_ascii() {
        true => Ok(()),
        false => Err(Unfit::Outside),
    }
}

fn leaf(
    entity: &Entity<'_>,
    encoding: Encoding,
    way: Way,
    written: &mut Vec<u8>,
) -> Result<(), Unfit> {
    if entity.body.is_ascii() || encoding == Encoding::Encoded {
        return plain(entity, encoding, Unfit::NotEncoded, written);
    }
    match way {
        Way::QuotedPrintable => {
            entity.write_header("quoted-printable", written);
            quoted_printable(entity.body, written);
        }
        Way::Base64 => {
            entity.write_header("base64", written);
            base64(entity.body, written);
        }
    }
    Ok(())
}

/// A body that stays as it is, if it can.
fn plain(
    entity: &Entity<'_>,
    encoding: Encoding,
    otherwise: Unfit,
    written: &mut Vec<u8>,
) -> Result<(), Unfit> {
    if !entity.body.is_ascii() {
        return Err(otherwise);
    }
    seven_bit_header(entity, encoding, written);
    written.extend_from_slice(entity.body);
    Ok(())
}

fn seven_bit_header(entity: &Entity<'_>, encoding: Encoding, written: &mut Vec<u8>) {
    match encoding {
        Encoding::EightBit => entity.write_header("7bit", written),
        _ => entity.copy_header(written),
    }
}

#[cfg(test)]
mod tests;
