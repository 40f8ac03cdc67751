//! A few places for work that is slow on purpose, given first to whoever has cost least.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// What an address has cost lately: failed logins, checks under way, and one more where nobody has
/// logged in. Less goes first, so that nobody who guesses without end, from however many
/// connections, stands before those who do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(pub(super) u32);

/// All places.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Mutex<Table>>);

/// A place, or one in the line for it; left when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    number: (Rank, u64),
}

#[derive(Debug)]
struct Table {
    free: usize,
    arrivals: u64,
    /// Nobody waits while a place is free.
    line: BTreeMap<(Rank, u64), oneshot::Sender<()>>,
}

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Places(Arc::new(Mutex::new(Table {
            free: count,
            arrivals: 0,
            line: BTreeMap::new(),
        })))
    }

    /// Waits for a place: behind lower ranks, and of one rank in turn.
    pub(crate) async fn take(&self, rank: Rank) -> Place {
        let (place, called) = self.arrive(rank);
        if let Some(called) = called {
            // Whoever calls does so before it forgets the number.
            let _ = called.await;
        }
        place
    }

    fn arrive(&self, rank: Rank) -> (Place, Option<oneshot::Receiver<()>>) {
        let mut table = self.table();
        table.arrivals += 1;
        let number = (rank, table.arrivals);
        let called = if table.free > 0 {
            table.free -= 1;
            None
        } else {
            let (sender, receiver) = oneshot::channel();
            table.line.insert(number, sender);
            Some(receiver)
        };
        let places = self.clone();
        (Place { places, number }, called)
    }

    /// Line and places agree at every moment, so that a panic elsewhere spoils nothing.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    /// Out of the line, or the next one's place; also where the call had come and nobody heard it.
    fn drop(&mut self) {
        let mut table = self.places.table();
        if table.line.remove(&self.number).is_some() {
            return;
        }
        match table.line.pop_first() {
            Some((_, next)) => {
                let _ = next.send(());
            }
            None => table.free += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_has_cost_least_goes_first() {
        let places = Places::new(1);
        let first = places.take(Rank(0)).await;
        let order = Mutex::new(Vec::new());
        let waiting = |rank, name| {
            let (places, order) = (&places, &order);
            async move {
                let _place = places.take(Rank(rank)).await;
                order.lock().unwrap().push(name);
            }
        };
        tokio::join!(
            biased;
            waiting(7, "guesses"),
            waiting(1, "mistyped"),
            waiting(0, "new"),
            waiting(0, "newer"),
            async { drop(first) }
        );
        let order = order.into_inner().unwrap();
        assert_eq!(order, ["new", "newer", "mistyped", "guesses"]);
    }

    #[tokio::test]
    async fn whoever_leaves_the_line_leaves_no_place_unused() {
        let places = Places::new(1);
        let first = places.take(Rank(0)).await;
        let (in_line, _) = places.arrive(Rank(0));
        let (called, call) = places.arrive(Rank(0));
        drop(in_line);
        drop(first);
        assert_eq!(call.unwrap().await, Ok(()));
        // It had its place, and did not come.
        drop(called);
        assert_eq!(places.table().free, 1);
        assert!(places.table().line.is_empty());
    }
}
