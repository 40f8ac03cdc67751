//! Argon2id (RFC 9106): slow and large on purpose, and therefore done by a few at a time and not
//! by the threads that serve connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::password_hash::{Output, PasswordHash, PasswordHasher, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::time::timeout;

use super::account::AccountError;
use crate::auth::Outcome;
use crate::limits::{Places, Rank};

/// Where hashes are computed.
pub(super) struct Workers {
    places: Places,
    /// Of hashes that are done; no more than there are places.
    memory: Arc<Mutex<Vec<Memory>>>,
    deadline: Duration,
}

/// What one hash is computed in. Kept for the next: the allocator would keep as much for every
/// thread that ever computed one.
type Memory = Vec<Block>;

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
            places: Places::new(processors.min(MOST_PLACES)),
            memory: Arc::default(),
            deadline: DEADLINE,
        }
    }

    /// Whether a prepared password is the one that was hashed.
    pub(super) async fn verify(
        &self,
        hash: &str,
        password: &str,
        rank: Rank,
    ) -> Result<bool, Outcome> {
        let unavailable = |reason: &str| Outcome::Unavailable(format!("argon2: {reason}"));
        let place = timeout(self.deadline, self.places.take(rank))
            .await
            .map_err(|_| unavailable("too many at once"))?;
        let (hash, password) = (hash.to_owned(), password.to_owned());
        let kept = self.memory.clone();
        tokio::task::spawn_blocking(move || {
            // Held by the work and not by who waits for it: a client that goes frees no place.
            let _place = place;
            let mut memory = lock(&kept).pop().unwrap_or_default();
            let same = is_hash_of(&hash, &password, &mut memory);
            lock(&kept).push(memory);
            same.unwrap_or(false)
        })
        .await
        .map_err(|error| unavailable(&error.to_string()))
    }
}

fn lock(memory: &Mutex<Vec<Memory>>) -> MutexGuard<'_, Vec<Memory>> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Computes the hash anew and compares, in a time that does not depend on the result; nothing if
/// it cannot be computed.
fn is_hash_of(hash: &str, password: &str, memory: &mut Memory) -> Option<bool> {
    let hash = PasswordHash::new(hash).ok()?;
    let version = match hash.version {
        Some(version) => Version::try_from(version).ok()?,
        None => Version::default(),
    };
    let cost = Params::try_from(&hash).ok()?;
    if memory.len() < cost.block_count() {
        memory.resize(cost.block_count(), Block::new());
    }
    let mut salt = [0; Salt::MAX_LENGTH];
    let salt = hash.salt?.decode_b64(&mut salt).ok()?;
    let right = hash.hash?;
    let mut octets = vec![0; right.len()];
    Argon2::new(Algorithm::Argon2id, version, cost)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut octets, memory)
        .ok()?;
    Some(Output::new(&octets).ok()? == right)
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
            places: Places::new(0),
            memory: Arc::default(),
            deadline: Duration::from_millis(1),
        };
        let outcome = workers.verify("", "secret", Rank::default()).await;
        assert!(matches!(outcome, Err(Outcome::Unavailable(_))));
    }
}
