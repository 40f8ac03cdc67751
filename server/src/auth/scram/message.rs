//! The two messages of a client (RFC 5802, section 7).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::Outcome;
use crate::auth::gs2::saslname;

/// client-first-message-bare.
pub(super) struct ClientFirst<'a> {
    pub(super) user: String,
    pub(super) nonce: &'a str,
}

/// client-final-message.
pub(super) struct ClientFinal<'a> {
    /// What stands under `c=`, decoded.
    pub(super) binding: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
    pub(super) without_proof: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(bare: &'a str) -> Result<Self, Outcome> {
        let mut attributes = bare.split(',');
        let mut first = attributes.next();
        if first.is_some_and(|attribute| attribute.starts_with("m=")) {
            return Err(Outcome::Refused("an extension that is mandatory"));
        }
        let user = first
            .take()
            .and_then(|attribute| attribute.strip_prefix("n="))
            .and_then(saslname)
            .ok_or(Outcome::Malformed("user name"))?;
        let nonce = nonce(attributes.next())?;
        extensions(attributes)?;
        Ok(ClientFirst { user, nonce })
    }
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Outcome> {
        let (without_proof, proof) = text
            .rsplit_once(",p=")
            .ok_or(Outcome::Malformed("no proof"))?;
        let proof = STANDARD
            .decode(proof)
            .map_err(|_| Outcome::Malformed("proof"))?;
        let mut attributes = without_proof.split(',');
        let binding = attributes
            .next()
            .and_then(|attribute| attribute.strip_prefix("c="))
            .and_then(|binding| STANDARD.decode(binding).ok())
            .ok_or(Outcome::Malformed("channel binding"))?;
        let nonce = nonce(attributes.next())?;
        extensions(attributes)?;
        Ok(ClientFinal {
            binding,
            nonce,
            proof,
            without_proof,
        })
    }
}

/// At least one printable character; the comma has been split at.
fn nonce(attribute: Option<&str>) -> Result<&str, Outcome> {
    attribute
        .and_then(|attribute| attribute.strip_prefix("r="))
        .filter(|nonce| !nonce.is_empty() && nonce.bytes().all(|octet| octet.is_ascii_graphic()))
        .ok_or(Outcome::Malformed("nonce"))
}

/// Extensions nobody knows are covered by the proof and otherwise ignored.
fn extensions<'a>(mut attributes: impl Iterator<Item = &'a str>) -> Result<(), Outcome> {
    attributes.try_for_each(|attribute| {
        let (name, value) = attribute
            .split_once('=')
            .ok_or(Outcome::Malformed("extension"))?;
        let letter = name.len() == 1 && name.bytes().all(|octet| octet.is_ascii_alphabetic());
        match (name, letter && !value.is_empty() && !value.contains('\0')) {
            ("m", _) => Err(Outcome::Refused("an extension that is mandatory")),
            (_, true) => Ok(()),
            (_, false) => Err(Outcome::Malformed("extension")),
        }
    })
}
