//! The names of the mechanisms, and what each of them needs to be offered.

use std::fmt;

use serde::Deserialize;

use super::scram::Hash;

/// A SASL mechanism the server can offer (RFC 4422).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
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
    /// SCRAM-SHA-1 (RFC 5802).
    #[serde(rename = "SCRAM-SHA-1")]
    ScramSha1,
    /// SCRAM-SHA-1-PLUS (RFC 5802, section 6): bound to the TLS channel, on TLS 1.3 only.
    #[serde(rename = "SCRAM-SHA-1-PLUS")]
    ScramSha1Plus,
    /// SCRAM-SHA-256 (RFC 7677).
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// SCRAM-SHA-256-PLUS (RFC 7677): bound to the TLS channel, on TLS 1.3 only.
    #[serde(rename = "SCRAM-SHA-256-PLUS")]
    ScramSha256Plus,
    /// XOAUTH2, a bearer token in the form that preceded RFC 7628; inside TLS only.
    #[serde(rename = "XOAUTH2")]
    XOAuth2,
    /// OAUTHBEARER (RFC 7628); inside TLS only.
    #[serde(rename = "OAUTHBEARER")]
    OAuthBearer,
    /// EXTERNAL (RFC 4422, appendix A): the certificate of the client, verified by TLS.
    #[serde(rename = "EXTERNAL")]
    External,
    /// ANONYMOUS (RFC 4505): succeeds for everybody and permits nothing.
    #[serde(rename = "ANONYMOUS")]
    Anonymous,
}

/// What a backend has to know for a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Enough to check a plain password.
    Password,
    /// The secret itself.
    Secret,
    /// Keys made from the secret (RFC 5802, section 3).
    Keys(Hash),
    /// Bearer tokens.
    Tokens,
    /// Authorities of client certificates.
    Authorities,
    /// Nothing.
    Nothing,
}

impl Mechanism {
    /// Every mechanism, in no order of merit.
    pub const ALL: &'static [Mechanism] = &[
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::CramMd5,
        Mechanism::DigestMd5,
        Mechanism::ScramSha1,
        Mechanism::ScramSha1Plus,
        Mechanism::ScramSha256,
        Mechanism::ScramSha256Plus,
        Mechanism::XOAuth2,
        Mechanism::OAuthBearer,
        Mechanism::External,
        Mechanism::Anonymous,
    ];

    pub(crate) fn need(self) -> Need {
        match self {
            Mechanism::Plain | Mechanism::Login => Need::Password,
            Mechanism::CramMd5 | Mechanism::DigestMd5 => Need::Secret,
            Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Need::Keys(Hash::Sha1),
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => Need::Keys(Hash::Sha256),
            Mechanism::XOAuth2 | Mechanism::OAuthBearer => Need::Tokens,
            Mechanism::External => Need::Authorities,
            Mechanism::Anonymous => Need::Nothing,
        }
    }

    /// Whether the exchange is bound to the TLS channel.
    pub(crate) fn binds(self) -> bool {
        matches!(self, Mechanism::ScramSha1Plus | Mechanism::ScramSha256Plus)
    }

    /// Whether the server speaks first, so that there can be no initial response.
    pub(crate) fn is_server_first(self) -> bool {
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
            Mechanism::ScramSha1 => "SCRAM-SHA-1",
            Mechanism::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Mechanism::XOAuth2 => "XOAUTH2",
            Mechanism::OAuthBearer => "OAUTHBEARER",
            Mechanism::External => "EXTERNAL",
            Mechanism::Anonymous => "ANONYMOUS",
        })
    }
}
