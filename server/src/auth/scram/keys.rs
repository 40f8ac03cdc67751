//! The keys of an account (RFC 5802, section 3), and how they are written (RFC 5803).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::hash::Hash;

/// What is kept of a password: enough to check a proof, not enough to make one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) iterations: u32,
    pub(crate) salt: Vec<u8>,
    pub(super) stored: Vec<u8>,
    pub(super) server: Vec<u8>,
}

/// Iterations of keys that are made here: the fewest that RFC 7677, section 4, permits. The
/// server announces them and never takes a client's word.
pub(crate) const ITERATIONS: u32 = 4096;
/// Iterations that a client can be asked for without keeping it busy for seconds.
const MOST_ITERATIONS: u32 = 1_000_000;
/// Octets of a salt: enough to differ, and no more than can be made up for a stranger.
const SALT: std::ops::RangeInclusive<usize> = 8..=64;

impl Keys {
    /// Keys of a password that SASLprep has prepared.
    pub(crate) fn derive(hash: Hash, password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let salted = hash.stretch(password, &salt, iterations);
        Keys {
            iterations,
            salt,
            stored: hash.digest(&hash.hmac(&salted, b"Client Key")),
            server: hash.hmac(&salted, b"Server Key"),
        }
    }

    /// Keys of nobody: no password makes them.
    pub(crate) fn made_up(hash: Hash, octets: [u8; 64], salt: Vec<u8>, iterations: u32) -> Self {
        let (stored, server) = octets.split_at(32);
        Keys {
            iterations,
            salt,
            stored: stored.iter().copied().take(hash.octets()).collect(),
            server: server.iter().copied().take(hash.octets()).collect(),
        }
    }

    /// Whether a proof of `covered` comes from somebody who has the password.
    pub(super) fn prove(&self, hash: Hash, covered: &[u8], proof: &[u8]) -> bool {
        let signature = hash.hmac(&self.stored, covered);
        let client_key: Vec<u8> = signature.iter().zip(proof).map(|(a, b)| a ^ b).collect();
        let right: bool = hash.digest(&client_key).ct_eq(&self.stored).into();
        right && proof.len() == hash.octets()
    }

    /// As RFC 5803 writes it: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`.
    pub(crate) fn written(&self, hash: Hash) -> String {
        let [salt, stored, server] =
            [&self.salt, &self.stored, &self.server].map(|octets| STANDARD.encode(octets));
        let (scheme, iterations) = (hash.scheme(), self.iterations);
        format!("{scheme}${iterations}:{salt}${stored}:{server}")
    }

    /// Reads what [`Keys::written`] writes; says what is wrong, and nothing that is secret.
    pub(crate) fn read(text: &str) -> Result<(Hash, Self), &'static str> {
        const FORM: &str = "not SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY";
        let (scheme, rest) = text.split_once('$').ok_or(FORM)?;
        let hash = [Hash::Sha1, Hash::Sha256]
            .into_iter()
            .find(|hash| hash.scheme() == scheme)
            .ok_or("neither SCRAM-SHA-1 nor SCRAM-SHA-256")?;
        let (salting, keys) = rest.split_once('$').ok_or(FORM)?;
        let (iterations, salt) = salting.split_once(':').ok_or(FORM)?;
        let (stored, server) = keys.split_once(':').ok_or(FORM)?;
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| FORM);
        let keys = Keys {
            iterations: u32::from_str(iterations).map_err(|_| FORM)?,
            salt: decode(salt)?,
            stored: decode(stored)?,
            server: decode(server)?,
        };
        if !(ITERATIONS..=MOST_ITERATIONS).contains(&keys.iterations) {
            return Err("iterations are 4096 at least and 1000000 at most");
        }
        if !SALT.contains(&keys.salt.len()) {
            return Err("a salt has 8 octets at least and 64 at most");
        }
        if [&keys.stored, &keys.server]
            .iter()
            .any(|key| key.len() != hash.octets())
        {
            return Err("a key is as long as its hash");
        }
        Ok((hash, keys))
    }
}

impl fmt::Debug for Keys {
    /// Nothing that helps to guess the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}
