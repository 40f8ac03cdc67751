//! The digests of RFC 2831, section 2.1.2.1, for quality of protection "auth".

use md5::{Digest as _, Md5};

use crate::auth::hex;

/// Everything that a response is computed from.
pub(crate) struct Digest<'a> {
    pub(crate) user: &'a str,
    pub(crate) realm: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) cnonce: &'a [u8],
    pub(crate) authzid: Option<&'a [u8]>,
    /// The digest-uri.
    pub(crate) service: &'a [u8],
}

impl Digest<'_> {
    /// What the client has to send.
    pub(crate) fn response(&self) -> String {
        self.proof("AUTHENTICATE:")
    }

    /// What the server proves itself with (rspauth).
    pub(crate) fn answer(&self) -> String {
        self.proof(":")
    }

    fn proof(&self, direction: &str) -> String {
        let a2 = md5(&[direction.as_bytes(), self.service]);
        hex(&md5(&[
            hex(&self.a1()).as_bytes(),
            b":",
            self.nonce.as_bytes(),
            b":00000001:",
            self.cnonce,
            b":auth:",
            hex(&a2).as_bytes(),
        ]))
    }

    fn a1(&self) -> [u8; 16] {
        let (user, realm, secret) = (narrow(self.user), narrow(self.realm), narrow(self.secret));
        let secret = md5(&[&user, b":", &realm, b":", &secret]);
        let mut parts: Vec<&[u8]> = vec![&secret, b":", self.nonce.as_bytes(), b":", self.cnonce];
        if let Some(authzid) = self.authzid {
            parts.extend([b":".as_slice(), authzid]);
        }
        md5(&parts)
    }
}

/// ISO 8859-1 where the text fits, so that digests are those of HTTP; UTF-8 otherwise.
fn narrow(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(u32::from(character)))
        .collect::<Result<_, _>>()
        .unwrap_or_else(|_| text.as_bytes().to_vec())
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
