//! The memory for messages that are coming in, which sessions and users share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory for the messages of all sessions together, so that many large ones cannot exhaust it.
#[derive(Debug)]
pub(crate) struct Room {
    all: Arc<Semaphore>,
    /// Units that one user can have at a time.
    most: usize,
    /// Those who hold some, or did a moment ago.
    users: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// What one user may have of the room.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// What one content, or one envelope, has of a share. It is given back on drop.
#[derive(Debug)]
pub(crate) struct Claim {
    share: Share,
    octets: usize,
    held: Option<Held>,
}

/// Room that is taken, of the user's and of everybody's.
#[derive(Debug)]
struct Held {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

/// Octets of one unit of room.
pub(super) const UNIT: usize = 1024;

impl Room {
    /// Room for so many octets, and always for the largest content. One user has at most half of
    /// it, so that nobody who is slow on purpose keeps the others out.
    pub(crate) fn new(octets: u64, largest: u64) -> Self {
        Room {
            all: Arc::new(Semaphore::new(units(octets.max(largest)))),
            most: units(largest.max(octets / 2)),
            users: Mutex::default(),
        }
    }

    /// The share of a user, which all his sessions have together.
    pub(crate) fn share(&self, user: &str) -> Share {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let known = users.get(user).and_then(Weak::upgrade);
        let own = known.unwrap_or_else(|| {
            users.retain(|_, share| share.strong_count() > 0);
            let own = Arc::new(Semaphore::new(self.most));
            users.insert(user.to_owned(), Arc::downgrade(&own));
            own
        });
        Share {
            own,
            all: self.all.clone(),
        }
    }
}

impl Share {
    /// The beginning of something that will need room.
    pub(crate) fn claim(&self) -> Claim {
        Claim {
            share: self.clone(),
            octets: 0,
            held: None,
        }
    }
}

impl Claim {
    /// Takes room for so many octets more; none is taken if there is not enough.
    pub(crate) fn grow(&mut self, more: usize) -> Option<()> {
        let octets = self.octets + more;
        let units = octets.div_ceil(UNIT) - self.octets.div_ceil(UNIT);
        if units > 0 {
            let units = u32::try_from(units).ok()?;
            let own = self.share.own.clone().try_acquire_many_owned(units).ok()?;
            let all = self.share.all.clone().try_acquire_many_owned(units).ok()?;
            match &mut self.held {
                Some(held) => {
                    held.own.merge(own);
                    held.all.merge(all);
                }
                None => self.held = Some(Held { own, all }),
            }
        }
        self.octets = octets;
        Some(())
    }

    /// Gives all of it back.
    pub(super) fn release(&mut self) {
        self.octets = 0;
        self.held = None;
    }
}

fn units(octets: u64) -> usize {
    let units = usize::try_from(octets / UNIT as u64 + 1).unwrap_or(usize::MAX);
    units.min(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Content, ContentFault};

    #[test]
    fn room_is_shared_and_given_back() {
        let room = Room::new(2 * UNIT as u64 - 1, 2 * UNIT as u64 - 1);
        let large = vec![b'a'; UNIT + 1];
        let mut first = Content::new(u64::MAX, &room.share("alice"));
        first.feed(&large);
        let mut second = Content::new(u64::MAX, &room.share("bob"));
        second.feed(b"a\r\n.\r\n");
        assert_eq!(second.finish(), Err(ContentFault::NoRoom));
        drop(first);
        let mut third = Content::new(u64::MAX, &room.share("bob"));
        third.feed(b"a\r\n.\r\n");
        assert_eq!(third.finish(), Ok(b"a\r\n".to_vec()));
    }

    #[test]
    fn a_claim_takes_a_unit_when_the_last_is_full() {
        let room = Room::new(3 * UNIT as u64 - 1, 3 * UNIT as u64 - 1);
        let share = room.share("alice");
        let mut claim = share.claim();
        let free = |share: &Share| share.all.available_permits();
        for (more, left) in [(0, 3), (1, 2), (UNIT - 1, 2), (1, 1), (UNIT, 0)] {
            assert_eq!(claim.grow(more), Some(()));
            assert_eq!(free(&share), left);
        }
        assert_eq!(claim.grow(UNIT), None);
        assert_eq!(claim.grow(UNIT - 1), Some(()));
        drop(claim);
        assert_eq!(free(&share), 3);
    }

    #[test]
    fn one_user_cannot_have_all_the_room() {
        let room = Room::new(8 * UNIT as u64, UNIT as u64);
        let large = vec![b'a'; UNIT];
        let contents = |user: &str| {
            let mut contents: Vec<_> = (0..9)
                .map(|_| Content::new(u64::MAX, &room.share(user)))
                .collect();
            contents.retain_mut(|content| {
                content.feed(&large);
                content.overflow.is_none()
            });
            contents
        };
        let first = contents("alice");
        let second = contents("bob");
        assert_eq!((first.len(), second.len()), (5, 4));
        drop(first);
        assert_eq!(contents("carol").len(), 5);
        assert_eq!(room.users.lock().unwrap().len(), 2);
    }
}
