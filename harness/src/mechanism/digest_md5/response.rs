//! The digest-response and both proofs (RFC 2831 sections 2.1.2 and 2.1.3).

use std::fmt;

use md5::{Digest, Md5};

use crate::mechanism::{ExchangeError, hex};

/// The values that go into a digest-response (RFC 2831 section 2.1.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The authentication identity.
    pub username: String,
    /// The chosen realm; `None` leaves the directive out.
    pub realm: Option<String>,
    /// The secret, which no `Debug` output shows.
    pub password: String,
    /// The server's nonce.
    pub nonce: String,
    /// Ours.
    pub cnonce: String,
    /// The nonce count, 1 in initial authentication.
    pub nc: u32,
    /// The quality of protection.
    pub qop: String,
    /// Service and host, such as `smtp/mail.example`.
    pub digest_uri: String,
    /// The identity to act as.
    pub authzid: Option<String>,
    /// Whether text is UTF-8, as the server offered, or else ISO 8859-1.
    pub utf8: bool,
}

impl Response {
    /// Both proofs with the hashes that they are made of (RFC 2831 section 2.1.2.1).
    pub fn compute(&self) -> Result<Proofs, ExchangeError> {
        let secret = [
            self.hashed("user name", &self.username)?,
            self.hashed("realm", self.realm.as_deref().unwrap_or_default())?,
            self.hashed("password", &self.password)?,
        ];
        let nonce = self.encoded("nonce", &self.nonce)?;
        let cnonce = self.encoded("cnonce", &self.cnonce)?;
        let mut a1 = vec![
            Md5::digest(secret.join(&b':')).to_vec(),
            nonce.clone(),
            cnonce.clone(),
        ];
        if let Some(authzid) = &self.authzid {
            // UTF-8 whatever the charset (RFC 2831 section 2.1.2).
            a1.push(authzid.clone().into_bytes());
        }
        let a1 = hash(&a1);

        let uri = self.encoded("digest-uri", &self.digest_uri)?;
        let body = match self.qop.as_str() {
            "auth-int" | "auth-conf" => &b":00000000000000000000000000000000"[..],
            _ => b"",
        };
        let a2 = |method: &[u8]| hex(Md5::digest([method, b":", &uri, body].concat()));
        let (a2_client, a2_server) = (a2(b"AUTHENTICATE"), a2(b""));

        let proof = |a2: &str| {
            hash(&[
                a1.clone().into_bytes(),
                nonce.clone(),
                format!("{:08x}", self.nc).into_bytes(),
                cnonce.clone(),
                self.qop.clone().into_bytes(),
                a2.as_bytes().to_vec(),
            ])
        };
        Ok(Proofs {
            response: proof(&a2_client),
            rspauth: proof(&a2_server),
            a1,
            a2_client,
            a2_server,
        })
    }

    /// The digest-response (RFC 2831 section 2.1.2), directives in the order of its examples.
    pub fn message(&self) -> Result<Vec<u8>, ExchangeError> {
        let proofs = self.compute()?;
        let mut directives: Vec<Vec<u8>> = Vec::new();
        if self.utf8 {
            directives.push(b"charset=utf-8".to_vec());
        }
        directives.push(self.quoted("username", &self.username)?);
        if let Some(realm) = &self.realm {
            directives.push(self.quoted("realm", realm)?);
        }
        directives.push(self.quoted("nonce", &self.nonce)?);
        directives.push(format!("nc={:08x}", self.nc).into_bytes());
        directives.push(self.quoted("cnonce", &self.cnonce)?);
        directives.push(self.quoted("digest-uri", &self.digest_uri)?);
        directives.push(format!("response={}", proofs.response).into_bytes());
        directives.push(format!("qop={}", self.qop).into_bytes());
        if let Some(authzid) = &self.authzid {
            directives.push(quoted("authzid", authzid.as_bytes()));
        }
        Ok(directives.join(&b','))
    }

    fn quoted(&self, name: &'static str, value: &str) -> Result<Vec<u8>, ExchangeError> {
        Ok(quoted(name, &self.encoded(name, value)?))
    }

    /// How `text` is written in the message.
    fn encoded(&self, what: &'static str, text: &str) -> Result<Vec<u8>, ExchangeError> {
        match self.utf8 {
            true => Ok(text.as_bytes().to_vec()),
            false => latin1(text).ok_or_else(|| ExchangeError::Unusable {
                what,
                why: "the server offers no UTF-8, and it does not fit ISO 8859-1".to_owned(),
            }),
        }
    }

    /// How `text` enters the innermost hash: each one down-converted where it fits, as the
    /// sample code of RFC 2831 section 8 does (its prose can be read otherwise).
    fn hashed(&self, what: &'static str, text: &str) -> Result<Vec<u8>, ExchangeError> {
        latin1(text).map_or_else(|| self.encoded(what, text), Ok)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("nonce", &self.nonce)
            .field("nc", &self.nc)
            .field("qop", &self.qop)
            .field("digest_uri", &self.digest_uri)
            .field("authzid", &self.authzid)
            .field("utf8", &self.utf8)
            .finish_non_exhaustive()
    }
}

/// What both sides prove, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proofs {
    /// The client's proof, the value of `response`.
    pub response: String,
    /// The server's proof, the value of `rspauth` (RFC 2831 section 2.1.3).
    pub rspauth: String,
    /// HEX(H(A1)).
    pub a1: String,
    /// HEX(H(A2)) of the client's proof.
    pub a2_client: String,
    /// HEX(H(A2)) of the server's proof.
    pub a2_server: String,
}

fn hash(parts: &[Vec<u8>]) -> String {
    hex(Md5::digest(parts.join(&b':')))
}

/// `name="value"` with the quoted-pairs of RFC 2831 section 7.2.
fn quoted(name: &str, value: &[u8]) -> Vec<u8> {
    let mut text = format!("{name}=\"").into_bytes();
    for &octet in value {
        if matches!(octet, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(octet);
    }
    text.push(b'"');
    text
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}
