//! The client's side of the SASL mechanisms (RFC 4422), computed here and nowhere else.

pub mod cram_md5;
pub mod digest_md5;
pub mod login;
pub mod plain;
pub mod scram;
#[cfg(test)]
mod vectors;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Digest;
use serde::{Deserialize, Serialize};

/// One exchange from the client's side (RFC 4422 section 3). It reads and writes the octets
/// inside the base64 of RFC 4954, and knows nothing of connections.
pub trait Exchange: Send {
    /// The IANA name that stands in the AUTH command.
    fn name(&self) -> &'static str;

    /// The initial response, for a client that wants to save the round trip (RFC 4422
    /// section 3.3). Without this call the same octets answer the first, empty challenge.
    /// `None`: this mechanism lets the server speak first, or `respond` has an error to tell.
    fn initial(&mut self) -> Option<Vec<u8>>;

    /// The answer to one challenge.
    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeError>;

    /// Whether a success reply may stand now: the exchange is complete and, where the
    /// mechanism proves the server too, that proof was seen and is right.
    fn verify_end(&self) -> Result<(), ExchangeError>;
}

/// A mechanism that the suite speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Mechanism {
    /// RFC 4616.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Never specified, everywhere in use.
    #[serde(rename = "LOGIN")]
    Login,
    /// RFC 2195.
    #[serde(rename = "CRAM-MD5")]
    CramMd5,
    /// RFC 2831, historic since RFC 6331.
    #[serde(rename = "DIGEST-MD5")]
    DigestMd5,
    /// RFC 5802.
    #[serde(rename = "SCRAM-SHA-1")]
    ScramSha1,
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
}

impl Mechanism {
    /// Every mechanism, the simplest first.
    pub const ALL: &'static [Mechanism] = &[
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::CramMd5,
        Mechanism::DigestMd5,
        Mechanism::ScramSha1,
        Mechanism::ScramSha256,
    ];

    /// The name registered with IANA (RFC 4422 section 3.1).
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::DigestMd5 => "DIGEST-MD5",
            Mechanism::ScramSha1 => "SCRAM-SHA-1",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
        }
    }

    /// Whether the password itself crosses the wire (RFC 4954 section 4: not without TLS).
    pub fn is_plaintext(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Login)
    }

    /// A fresh exchange; `host` is the name by which the server was reached (RFC 2831
    /// section 2.1.2 puts it into digest-uri).
    pub fn exchange(self, credentials: &Credentials, host: &str) -> Box<dyn Exchange> {
        match self {
            Mechanism::Plain => Box::new(plain::Plain::new(credentials)),
            Mechanism::Login => Box::new(login::Login::new(credentials)),
            Mechanism::CramMd5 => Box::new(cram_md5::CramMd5::new(credentials)),
            Mechanism::DigestMd5 => Box::new(digest_md5::DigestMd5::new(credentials, host)),
            Mechanism::ScramSha1 => Box::new(scram::Scram::new(scram::Hash::Sha1, credentials)),
            Mechanism::ScramSha256 => Box::new(scram::Scram::new(scram::Hash::Sha256, credentials)),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Mechanism::ALL
            .iter()
            .copied()
            .find(|mechanism| mechanism.name() == name)
            .ok_or_else(|| UnknownMechanism(name.to_owned()))
    }
}

/// A name that stands for no mechanism of this suite; names are upper case (RFC 4422
/// section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no SASL mechanism of this suite is named {0:?}")]
pub struct UnknownMechanism(pub String);

/// Who logs in, with what.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The authentication identity.
    pub user: String,
    /// The secret, which no `Debug` output shows.
    pub password: String,
    /// The identity to act as, where that is not left to the server (RFC 4422 section 3.4.1).
    pub authzid: Option<String>,
}

impl Credentials {
    /// A user who acts as himself.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Credentials {
        Credentials {
            user: user.into(),
            password: password.into(),
            authzid: None,
        }
    }

    /// The same user, asking to act as `authzid`.
    pub fn acting_as(self, authzid: impl Into<String>) -> Credentials {
        Credentials {
            authzid: Some(authzid.into()),
            ..self
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("authzid", &self.authzid)
            .finish_non_exhaustive()
    }
}

/// Why an exchange cannot go on, or may not end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A mechanism in which the client speaks first was sent data (RFC 4422 section 5.1).
    #[error("{0}: the challenge that asks for the client's first message is not empty")]
    NotEmpty(&'static str),
    /// The server asks on where this mechanism has nothing left to say.
    #[error("{0}: a challenge came after the last step of the exchange")]
    Surplus(&'static str),
    /// A message of the server is not what the grammar of its mechanism allows.
    #[error("{mechanism}: {message}: {fault}")]
    Malformed {
        /// The mechanism's name.
        mechanism: &'static str,
        /// Which message of the exchange.
        message: &'static str,
        /// What it lacks.
        fault: String,
    },
    /// The server reports a failure inside the mechanism (RFC 5802 section 7, server-error).
    #[error("{mechanism}: the server ended the exchange with e={reason}")]
    Refused {
        /// The mechanism's name.
        mechanism: &'static str,
        /// The server-error-value.
        reason: String,
    },
    /// The server did not show that it knows the user's secret.
    #[error("{mechanism}: {proof} is not the one that this password gives")]
    WrongProof {
        /// The mechanism's name.
        mechanism: &'static str,
        /// What it is called in this mechanism.
        proof: &'static str,
    },
    /// The server reported success too early.
    #[error("{mechanism}: the exchange ended without {missing}")]
    Incomplete {
        /// The mechanism's name.
        mechanism: &'static str,
        /// What should still have come.
        missing: &'static str,
    },
    /// Ours: the credentials cannot be written in this mechanism.
    #[error("the {what} cannot be used: {why}")]
    Unusable {
        /// Which of the credentials.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Ours: the system gave no random octets.
    #[error("no random octets: {0}")]
    Random(String),
}

impl ExchangeError {
    /// Whether the fault is ours and says nothing about the server.
    pub fn is_ours(&self) -> bool {
        matches!(
            self,
            ExchangeError::Unusable { .. } | ExchangeError::Random(_)
        )
    }
}

/// 24 characters of base64, fit for a SCRAM nonce and a DIGEST-MD5 cnonce alike.
fn random_nonce() -> Result<String, ExchangeError> {
    let mut octets = [0; 18];
    getrandom::fill(&mut octets).map_err(|error| ExchangeError::Random(error.to_string()))?;
    Ok(STANDARD.encode(octets))
}

fn hex(octets: impl AsRef<[u8]>) -> String {
    octets
        .as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

/// RFC 2104 for the hashes of this folder, which all have blocks of 64 octets.
fn hmac<D: Digest>(key: &[u8], data: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let mut block = match key.len() {
        0..=BLOCK => key.to_vec(),
        _ => D::digest(key).to_vec(),
    };
    block.resize(BLOCK, 0);
    let padded = |octet: u8| block.iter().map(|key| key ^ octet).collect::<Vec<u8>>();
    let inner = D::new().chain_update(padded(0x36)).chain_update(data);
    let outer = D::new().chain_update(padded(0x5c));
    outer.chain_update(inner.finalize()).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for &mechanism in Mechanism::ALL {
            assert_eq!(mechanism.to_string().parse(), Ok(mechanism));
        }
        assert!("plain".parse::<Mechanism>().is_err());
    }

    #[test]
    fn debug_output_has_no_password() {
        let credentials = Credentials::new("tim", "tanstaaftanstaaf").acting_as("kurt");
        let shown = format!("{credentials:?}");
        assert!(shown.contains("tim") && shown.contains("kurt") && !shown.contains("tanstaaf"));
    }

    #[test]
    fn what_has_ended_answers_no_more() {
        for mechanism in Mechanism::ALL {
            let mut exchange = mechanism.exchange(&Credentials::new("tim", "secret"), "host");
            assert!(exchange.verify_end().is_err(), "{mechanism} begun");
            let answers = (0..4).filter(|_| exchange.respond(b"").is_ok()).count();
            assert!(answers < 4, "{mechanism} answers for ever");
        }
    }
}
