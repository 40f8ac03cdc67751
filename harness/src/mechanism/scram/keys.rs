//! The keys and proofs of SCRAM (RFC 5802 section 3).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use md5::Digest as _;
use sha1::Sha1;
use sha2::Sha256;

use crate::mechanism::hmac;

/// The hash of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1 (RFC 5802).
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
}

impl Hash {
    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => Sha1::digest(data).to_vec(),
            Hash::Sha256 => Sha256::digest(data).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => hmac::<Sha1>(key, data),
            Hash::Sha256 => hmac::<Sha256>(key, data),
        }
    }

    /// Hi() of RFC 5802 section 2.2.
    fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        match self {
            Hash::Sha1 => pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, salt, iterations).into(),
            Hash::Sha256 => {
                pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, iterations).into()
            }
        }
    }
}

/// The keys that a password gives with one salt and count.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    hash: Hash,
    /// SaltedPassword.
    pub salted_password: Vec<u8>,
    /// ClientKey.
    pub client_key: Vec<u8>,
    /// StoredKey.
    pub stored_key: Vec<u8>,
    /// ServerKey.
    pub server_key: Vec<u8>,
}

impl Keys {
    /// From a password that is already prepared, or deliberately not. The time that this takes
    /// grows with `iterations`: check them first.
    pub fn derive(hash: Hash, password: impl AsRef<[u8]>, salt: &[u8], iterations: u32) -> Keys {
        let salted_password = hash.salted(password.as_ref(), salt, iterations);
        let client_key = hash.hmac(&salted_password, b"Client Key");
        Keys {
            hash,
            stored_key: hash.digest(&client_key),
            server_key: hash.hmac(&salted_password, b"Server Key"),
            client_key,
            salted_password,
        }
    }

    /// ClientProof over an AuthMessage.
    pub fn proof(&self, auth_message: &[u8]) -> Vec<u8> {
        let signature = self.client_signature(auth_message);
        let pairs = self.client_key.iter().zip(signature);
        pairs.map(|(key, signature)| key ^ signature).collect()
    }

    /// ClientSignature over an AuthMessage.
    pub fn client_signature(&self, auth_message: &[u8]) -> Vec<u8> {
        self.hash.hmac(&self.stored_key, auth_message)
    }

    /// ServerSignature over an AuthMessage.
    pub fn server_signature(&self, auth_message: &[u8]) -> Vec<u8> {
        self.hash.hmac(&self.server_key, auth_message)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// Keys that are kept from one exchange to the next (RFC 5802 section 5.1 lets a client do so), for
/// whoever logs in often with one password.
#[derive(Clone, Default)]
pub struct KeyCache(Arc<Mutex<Option<Kept>>>);

struct Kept {
    salt: Vec<u8>,
    iterations: u32,
    keys: Keys,
}

impl KeyCache {
    /// As [`Keys::derive`], at once where salt and count are those of the last time. One cache is
    /// for one password.
    pub(super) fn keys(
        &self,
        hash: Hash,
        password: impl AsRef<[u8]>,
        salt: &[u8],
        iterations: u32,
    ) -> Keys {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && (kept.keys.hash, kept.iterations) == (hash, iterations)
            && kept.salt == salt
        {
            return kept.keys.clone();
        }
        let keys = Keys::derive(hash, password, salt, iterations);
        *kept = Some(Kept {
            salt: salt.to_vec(),
            iterations,
            keys: keys.clone(),
        });
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_keys_are_those_of_the_salt_the_count_and_the_hash() {
        let cache = KeyCache::default();
        for (hash, salt, iterations) in [
            (Hash::Sha256, "salt", 2),
            (Hash::Sha256, "salt", 2),
            (Hash::Sha256, "salt", 3),
            (Hash::Sha256, "pepper", 3),
            (Hash::Sha1, "pepper", 3),
        ] {
            let kept = cache.keys(hash, "pencil", salt.as_bytes(), iterations);
            assert!(kept == Keys::derive(hash, "pencil", salt.as_bytes(), iterations));
        }
    }
}
