//! Secrets from the configuration, looked up and compared without telling which users exist.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use md5::Md5;
use stringprep::saslprep;
use subtle::ConstantTimeEq;

use crate::auth::Outcome;

/// All accounts.
pub(crate) struct Secrets {
    users: BTreeMap<String, String>,
    /// The same prepared by SASLprep, for mechanisms that compare passwords (RFC 4616, section 2).
    prepared: BTreeMap<String, String>,
    /// A key of this process: passwords are compared by their digests, which have one length.
    key: [u8; 16],
}

/// What is known about a name; for a stranger there is a secret to compute with all the same.
pub(crate) struct Known<'a>(Option<&'a str>);

impl Secrets {
    pub(crate) fn new(users: BTreeMap<String, String>) -> Self {
        let mut key = [0; 16];
        if let Err(error) = getrandom::fill(&mut key) {
            tracing::warn!(%error, "no random key; passwords are compared with a fixed one");
        }
        let prepare = |text: &String| saslprep(text).map_or_else(|_| text.clone(), Cow::into_owned);
        let prepared = users
            .iter()
            .map(|(name, secret)| (prepare(name), prepare(secret)))
            .collect();
        Secrets {
            users,
            prepared,
            key,
        }
    }

    pub(crate) fn of(&self, user: &str) -> Known<'_> {
        Known(self.users.get(user).map(String::as_str))
    }

    /// Compares a password in a time that depends on neither user nor secret.
    pub(crate) fn check(&self, user: &str, password: &str) -> Outcome {
        let (Ok(user), Ok(password)) = (saslprep(user), saslprep(password)) else {
            return Outcome::Refused("a character that SASLprep prohibits");
        };
        if user.is_empty() || password.is_empty() {
            return Outcome::Refused("nothing left by SASLprep");
        }
        let known = Known(self.prepared.get(user.as_ref()).map(String::as_str));
        let (Some(right), Some(given)) = (self.digest(known.secret()), self.digest(&password))
        else {
            return Outcome::Unavailable("no digest".to_owned());
        };
        let same: bool = right.ct_eq(&given).into();
        if same && known.exists() {
            Outcome::Accepted(user.into_owned())
        } else {
            Outcome::Refused("no such user, or the password is wrong")
        }
    }

    fn digest(&self, password: &str) -> Option<[u8; 16]> {
        let mac = Hmac::<Md5>::new_from_slice(&self.key).ok()?;
        Some(
            mac.chain_update(password.as_bytes())
                .finalize()
                .into_bytes()
                .into(),
        )
    }
}

impl Known<'_> {
    /// The secret, or something of ordinary length in its place.
    pub(crate) fn secret(&self) -> &str {
        self.0.unwrap_or("nobody's secret")
    }

    pub(crate) fn exists(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("alice", "IX", true)]
    #[case("alice", "\u{2168}", true)]
    #[case("al\u{ad}ice", "I\u{ad}X", true)]
    #[case("alice", "ix", false)]
    #[case("alice", "IX\u{7}", false)]
    #[case("alice", "\u{ad}", false)]
    #[case("\u{ad}", "IX", false)]
    #[case("bob", "nobody's secret", false)]
    fn passwords_are_prepared(#[case] user: &str, #[case] password: &str, #[case] right: bool) {
        let secrets = Secrets::new(BTreeMap::from([(
            "alice".to_owned(),
            "\u{2168}".to_owned(),
        )]));
        let accepted = secrets.check(user, password) == Outcome::Accepted("alice".to_owned());
        assert_eq!(accepted, right);
    }
}
