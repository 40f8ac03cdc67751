//! SASL: the mechanisms that can be offered.

use std::fmt;

use serde::Deserialize;

/// A SASL mechanism the server can offer (RFC 4422).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    /// PLAIN (RFC 4616).
    #[serde(rename = "PLAIN")]
    Plain,
    /// LOGIN, a convention without an RFC.
    #[serde(rename = "LOGIN")]
    Login,
    /// CRAM-MD5 (RFC 2195).
    #[serde(rename = "CRAM-MD5")]
    CramMd5,
    /// DIGEST-MD5 (RFC 2831).
    #[serde(rename = "DIGEST-MD5")]
    DigestMd5,
}

impl Mechanism {
    /// Whether the server has to know the secret itself.
    pub(crate) fn needs_secret(self) -> bool {
        matches!(self, Mechanism::CramMd5 | Mechanism::DigestMd5)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::DigestMd5 => "DIGEST-MD5",
        })
    }
}

/// Where credentials are checked.
pub(crate) struct Backends;

impl Backends {
    pub(crate) fn new(_config: &crate::config::Config) -> Self {
        Backends
    }
}
