//! CRAM-MD5: a keyed digest of a challenge (RFC 2195).

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use md5::Md5;
use subtle::ConstantTimeEq;

use super::backend::Accounts;
use super::{Outcome, Step, hex, random_hex};

/// The challenge that was sent.
#[derive(Default)]
pub(crate) struct CramMd5 {
    challenge: String,
}

impl CramMd5 {
    pub(super) fn begin(&mut self, hostname: &str) -> Step {
        let random = match random_digits() {
            Ok(random) => random,
            Err(outcome) => return Step::End(outcome),
        };
        let time = Timestamp::now().as_second();
        self.challenge = format!("<{random}-{time}@{hostname}>");
        Step::Challenge(self.challenge.clone().into_bytes())
    }

    /// `user SP digest`; a user's name may hold blanks, the digest is lower case.
    pub(super) fn answer(&self, response: &[u8], accounts: &Accounts) -> Outcome {
        let Ok(response) = std::str::from_utf8(response) else {
            return Outcome::Refused("not UTF-8");
        };
        let Some((user, digest)) = response.rsplit_once(' ') else {
            return Outcome::Refused("no digest");
        };
        let known = accounts.of(user);
        let Some(right) = keyed_digest(known.secret(), self.challenge.as_bytes()) else {
            return Outcome::Unavailable("no digest".to_owned());
        };
        let same: bool = right.as_bytes().ct_eq(digest.as_bytes()).into();
        if same && known.exists() {
            Outcome::Accepted(user.to_owned())
        } else {
            Outcome::Refused("no such user, or the digest is wrong")
        }
    }
}

/// HMAC-MD5 in hexadecimal.
fn keyed_digest(secret: &str, challenge: &[u8]) -> Option<String> {
    let mac = Hmac::<Md5>::new_from_slice(secret.as_bytes()).ok()?;
    Some(hex(&mac.chain_update(challenge).finalize().into_bytes()))
}

/// 128 random bits as a decimal number.
fn random_digits() -> Result<String, Outcome> {
    let random = random_hex::<16>()?;
    Ok(u128::from_str_radix(&random, 16)
        .unwrap_or_default()
        .to_string())
}

#[cfg(test)]
impl CramMd5 {
    pub(super) fn challenged(challenge: &str) -> Self {
        CramMd5 {
            challenge: challenge.to_owned(),
        }
    }
}
