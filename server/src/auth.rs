//! SASL: the mechanisms that can be offered, and one exchange of one of them (RFC 4422, RFC 4954).

mod backend;
mod cram_md5;
mod digest_md5;
mod login;
mod plain;

use std::fmt;

use serde::Deserialize;

pub(crate) use backend::Backends;

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

/// What the server does after a client's response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Challenge(Vec<u8>),
    End(Outcome),
}

/// How an exchange ended. Reasons are for the log and never for the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The client is this user.
    Accepted(String),
    /// Wrong credentials, whatever is wrong with them.
    Refused(&'static str),
    /// The response does not have the form that the mechanism prescribes.
    Malformed(&'static str),
    /// Nobody could check the credentials now.
    Unavailable(String),
}

/// One exchange under way.
pub(crate) enum Exchange {
    Plain,
    Login(login::Login),
    CramMd5(cram_md5::CramMd5),
    DigestMd5(digest_md5::DigestMd5),
}

impl Mechanism {
    /// Whether the server has to know the secret itself.
    pub(crate) fn needs_secret(self) -> bool {
        matches!(self, Mechanism::CramMd5 | Mechanism::DigestMd5)
    }

    /// Whether the password crosses the wire, so that TLS is wanted.
    pub(crate) fn is_plaintext(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Login)
    }

    /// Whether the server speaks first, so that there can be no initial response.
    pub(crate) fn is_server_first(self) -> bool {
        self.needs_secret()
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

impl Exchange {
    pub(crate) fn new(mechanism: Mechanism) -> Self {
        match mechanism {
            Mechanism::Plain => Exchange::Plain,
            Mechanism::Login => Exchange::Login(login::Login::default()),
            Mechanism::CramMd5 => Exchange::CramMd5(cram_md5::CramMd5::default()),
            Mechanism::DigestMd5 => Exchange::DigestMd5(digest_md5::DigestMd5::default()),
        }
    }

    /// What the server says first, if the client gave no initial response.
    pub(crate) fn begin(&mut self, hostname: &str) -> Step {
        match self {
            Exchange::Plain => Step::Challenge(Vec::new()),
            Exchange::Login(_) => login::Login::begin(),
            Exchange::CramMd5(exchange) => exchange.begin(hostname),
            Exchange::DigestMd5(exchange) => exchange.begin(hostname),
        }
    }

    /// Takes a client's response, decoded.
    pub(crate) async fn answer(&mut self, response: &[u8], backends: &Backends) -> Step {
        match self {
            Exchange::Plain => Step::End(plain::answer(response, backends).await),
            Exchange::Login(exchange) => exchange.answer(response, backends).await,
            Exchange::CramMd5(exchange) => Step::End(exchange.answer(response, backends.secrets())),
            Exchange::DigestMd5(exchange) => exchange.answer(response, backends.secrets()),
        }
    }
}

/// Lower-case hexadecimal.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Octets nobody can guess, in hexadecimal; two digits each.
fn random_hex<const OCTETS: usize>() -> Result<String, Outcome> {
    let mut octets = [0; OCTETS];
    getrandom::fill(&mut octets).map_err(|error| Outcome::Unavailable(error.to_string()))?;
    Ok(hex(&octets))
}

#[cfg(test)]
mod tests;
