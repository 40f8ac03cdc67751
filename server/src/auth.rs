//! SASL: the mechanisms that can be offered, and one exchange of one of them (RFC 4422, RFC 4954).

mod anonymous;
mod backend;
mod channel;
mod cram_md5;
mod digest_md5;
mod external;
mod gs2;
mod login;
mod mechanism;
mod oauthbearer;
mod plain;
mod scram;
mod xoauth2;

pub use backend::{Account, AccountError};
pub(crate) use backend::{Backends, check_backends};
pub(crate) use channel::{Channel, end_point};
pub use mechanism::Mechanism;

use crate::limits::Rank;
use scram::Hash;

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
    /// The client is nobody in particular, and left this trace (RFC 4505).
    Anonymous(String),
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
    Scram(Box<scram::Scram>),
    XOAuth2(xoauth2::XOAuth2),
    OAuthBearer(oauthbearer::OAuthBearer),
    External(Option<String>),
    Anonymous,
}

impl Exchange {
    pub(crate) fn new(mechanism: Mechanism, channel: Channel) -> Self {
        let scram =
            |hash, plus, channel| Exchange::Scram(Box::new(scram::Scram::new(hash, plus, channel)));
        match mechanism {
            Mechanism::Plain => Exchange::Plain,
            Mechanism::Login => Exchange::Login(login::Login::default()),
            Mechanism::CramMd5 => Exchange::CramMd5(cram_md5::CramMd5::default()),
            Mechanism::DigestMd5 => Exchange::DigestMd5(digest_md5::DigestMd5::default()),
            Mechanism::ScramSha1 => scram(Hash::Sha1, false, channel),
            Mechanism::ScramSha1Plus => scram(Hash::Sha1, true, channel),
            Mechanism::ScramSha256 => scram(Hash::Sha256, false, channel),
            Mechanism::ScramSha256Plus => scram(Hash::Sha256, true, channel),
            Mechanism::XOAuth2 => Exchange::XOAuth2(xoauth2::XOAuth2::default()),
            Mechanism::OAuthBearer => {
                Exchange::OAuthBearer(oauthbearer::OAuthBearer::new(channel.place))
            }
            Mechanism::External => Exchange::External(channel.certificate),
            Mechanism::Anonymous => Exchange::Anonymous,
        }
    }

    /// What the server says first, if the client gave no initial response.
    pub(crate) fn begin(&mut self, hostname: &str) -> Step {
        match self {
            Exchange::Login(_) => login::Login::begin(),
            Exchange::CramMd5(exchange) => exchange.begin(hostname),
            Exchange::DigestMd5(exchange) => exchange.begin(hostname),
            // The client speaks first: an empty challenge asks it to (RFC 4422, section 5).
            _ => Step::Challenge(Vec::new()),
        }
    }

    /// Whether the credentials were wrong already and only the client's last response is missing.
    pub(crate) fn has_failed(&self) -> bool {
        match self {
            Exchange::XOAuth2(exchange) => exchange.has_failed(),
            Exchange::OAuthBearer(exchange) => exchange.has_failed(),
            _ => false,
        }
    }

    /// Takes a client's response, decoded. What is slow on purpose is done for lower ranks first.
    pub(crate) async fn answer(
        &mut self,
        response: &[u8],
        backends: &Backends,
        rank: Rank,
    ) -> Step {
        match self {
            Exchange::Plain => Step::End(plain::answer(response, backends, rank).await),
            Exchange::Login(exchange) => exchange.answer(response, backends, rank).await,
            Exchange::CramMd5(exchange) => {
                Step::End(exchange.answer(response, backends.accounts()))
            }
            Exchange::DigestMd5(exchange) => exchange.answer(response, backends.accounts()),
            Exchange::Scram(exchange) => exchange.answer(response, backends.accounts()),
            Exchange::XOAuth2(exchange) => exchange.answer(response, backends.tokens()),
            Exchange::OAuthBearer(exchange) => exchange.answer(response, backends.tokens()),
            Exchange::External(user) => Step::End(external::answer(response, user.as_deref())),
            Exchange::Anonymous => Step::End(anonymous::answer(response)),
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
