//! Secrets from the configuration, looked up and compared without telling which users exist.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use md5::Md5;
use subtle::ConstantTimeEq;

use crate::auth::Outcome;

/// All accounts.
pub(crate) struct Secrets {
    users: BTreeMap<String, String>,
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
        Secrets { users, key }
    }

    pub(crate) fn of(&self, user: &str) -> Known<'_> {
        Known(self.users.get(user).map(String::as_str))
    }

    /// Compares a password in a time that depends on neither user nor secret.
    pub(crate) fn check(&self, user: &str, password: &str) -> Outcome {
        let known = self.of(user);
        let (Some(right), Some(given)) = (self.digest(known.secret()), self.digest(password))
        else {
            return Outcome::Unavailable("no digest".to_owned());
        };
        let same: bool = right.ct_eq(&given).into();
        if same && known.exists() {
            Outcome::Accepted(user.to_owned())
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
