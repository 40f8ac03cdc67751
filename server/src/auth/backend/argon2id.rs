//! Argon2id (RFC 9106): slow and large on purpose, and therefore done by a few at a time and not
//! by the threads that serve connections.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Argon2, Params};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::account::AccountError;
use crate::auth::Outcome;

/// Where hashes are computed.
pub(super) struct Workers {
    places: Arc<Semaphore>,
    deadline: Duration,
}

/// Hashes at a time: as many as there are processors, so that waiting for a place is not slower
/// than sharing one, and no more, since each takes up to 64 MiB.
const MOST_PLACES: usize = 4;
/// Longest wait for a place.
const DEADLINE: Duration = Duration::from_secs(5);
/// Bounds of what one check may cost: KiB of memory, passes, lanes.
const MOST: (u32, u32, u32) = (64 * 1024, 16, 16);

impl Workers {
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Workers {
            places: Arc::new(Semaphore::new(processors.min(MOST_PLACES))),
            deadline: DEADLINE,
        }
    }

    /// Whether a prepared password is the one that was hashed.
    pub(super) async fn verify(&self, hash: &str, password: &str) -> Result<bool, Outcome> {
        let unavailable = |reason: &str| Outcome::Unavailable(format!("argon2: {reason}"));
        let place = timeout(self.deadline, self.places.clone().acquire_owned())
            .await
            .map_err(|_| unavailable("too many at once"))?
            .map_err(|error| unavailable(&error.to_string()))?;
        let (hash, password) = (hash.to_owned(), password.to_owned());
        tokio::task::spawn_blocking(move || {
            // Held by the work and not by who waits for it: a client that goes frees no place.
            let _place = place;
            PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            })
        })
        .await
        .map_err(|error| unavailable(&error.to_string()))
    }
}

/// Hashes a prepared password at the cost that the crate takes for its default.
pub(super) fn hash(password: &str, salt: &[u8]) -> Result<String, AccountError> {
    let failed = |error: argon2::password_hash::Error| AccountError::Failed(error.to_string());
    let salt = SaltString::encode_b64(salt).map_err(failed)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    Ok(hash.map_err(failed)?.to_string())
}

/// What is wrong with a hash in a user file.
pub(super) fn fault(text: &str) -> Option<&'static str> {
    let Ok(hash) = PasswordHash::new(text) else {
        return Some("not a hash in PHC's form ($argon2id$v=19$m=…,t=…,p=…$SALT$HASH)");
    };
    if hash.algorithm != argon2::ARGON2ID_IDENT {
        return Some("not argon2id");
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Some("no salt or no hash");
    }
    match Params::try_from(&hash) {
        Ok(cost) if cost.m_cost() > MOST.0 || cost.t_cost() > MOST.1 || cost.p_cost() > MOST.2 => {
            Some("costs more than m=65536,t=16,p=16")
        }
        Ok(_) => None,
        Err(_) => Some("parameters that argon2id does not have"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_place_is_no_refusal() {
        let workers = Workers {
            places: Arc::new(Semaphore::new(0)),
            deadline: Duration::from_millis(1),
        };
        let outcome = workers.verify("", "secret").await;
        assert!(matches!(outcome, Err(Outcome::Unavailable(_))));
    }
}
