//! What is made up for names that nobody has: always the same for one name, so that asking twice
//! tells nothing (RFC 5802, section 9, wants no difference that tells).

use hmac::{Hmac, Mac};
use sha2::Sha512;

use crate::auth::scram::{Hash, ITERATIONS, Keys};

/// The key that everything is computed from.
pub(super) struct Strangers {
    key: Vec<u8>,
}

/// Octets of a salt where there is none to imitate.
const SALT: usize = 16;

impl Strangers {
    /// Without a key of the user file one is made, which lasts as long as the process.
    pub(super) fn new(key: Option<Vec<u8>>) -> Self {
        let key = key.unwrap_or_else(|| {
            let mut key = vec![0; 32];
            if let Err(error) = getrandom::fill(&mut key) {
                tracing::warn!(%error, "no random key; what strangers are told can be guessed");
            }
            key
        });
        Strangers { key }
    }

    /// One number below `count`; nothing where that is 0.
    pub(super) fn number(&self, user: &str, count: usize) -> Option<usize> {
        let mut number = [0; 8];
        number.copy_from_slice(&self.digest("stand-in", user)[..8]);
        let number = u64::from_be_bytes(number).checked_rem(count as u64)?;
        usize::try_from(number).ok()
    }

    /// Keys that no password makes, with salt and iterations such as `like` has.
    pub(super) fn keys(&self, user: &str, hash: Hash, like: Option<&Keys>) -> Keys {
        let mut salt = self.salt(user, hash);
        salt.resize(like.map_or(SALT, |keys| keys.salt.len()), 0);
        let iterations = like.map_or(ITERATIONS, |keys| keys.iterations);
        Keys::made_up(hash, self.digest("keys", user), salt, iterations)
    }

    /// The longest salt for a name.
    fn salt(&self, user: &str, hash: Hash) -> Vec<u8> {
        self.digest(&format!("salt {hash:?}"), user).to_vec()
    }

    /// A salt of ordinary length, for keys that are made from a secret.
    pub(super) fn short_salt(&self, user: &str, hash: Hash) -> Vec<u8> {
        let mut salt = self.salt(user, hash);
        salt.truncate(SALT);
        salt
    }

    /// Octets that nobody else can compute. HMAC takes keys of every length.
    pub(super) fn digest(&self, purpose: &str, text: &str) -> [u8; 64] {
        let Ok(mac) = Hmac::<Sha512>::new_from_slice(&self.key) else {
            return [0; 64];
        };
        let mac = mac.chain_update(purpose).chain_update([0]);
        mac.chain_update(text).finalize().into_bytes().into()
    }
}
