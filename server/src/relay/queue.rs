//! The order of attempts: first come, first served, and no message twice within one interval.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::delivery::Standing;

/// Every message the relay knows of: due, due later, under way, or hopeless.
pub(super) struct Queue {
    retry: Duration,
    ready: VecDeque<String>,
    /// Tried already, with the time of the next attempt. The interval is always the same, so that
    /// the order of appending is that of the times.
    later: VecDeque<(Instant, String)>,
    /// Messages whose remaining recipients have all been refused for good.
    settled: HashSet<String>,
    /// Everything above and what is under way, so that nothing is queued twice.
    known: HashSet<String>,
}

impl Queue {
    pub(super) fn new(retry: Duration) -> Self {
        Queue {
            retry,
            ready: VecDeque::new(),
            later: VecDeque::new(),
            settled: HashSet::new(),
            known: HashSet::new(),
        }
    }

    /// Appends a message unless it is known.
    pub(super) fn add(&mut self, id: String) {
        if self.known.insert(id.clone()) {
            self.ready.push_back(id);
        }
    }

    /// Appends what the spool holds and nobody announced; forgets hopeless messages that somebody
    /// removed.
    pub(super) fn add_all(&mut self, ids: BTreeSet<String>) {
        let known = &mut self.known;
        self.settled
            .retain(|id| ids.contains(id) || !known.remove(id));
        for id in ids {
            self.add(id);
        }
    }

    /// The next message to be tried. It counts as under way until [`Queue::ended`].
    pub(super) fn next(&mut self, now: Instant) -> Option<String> {
        while self.due().is_some_and(|due| due <= now) {
            self.ready.extend(self.later.pop_front().map(|(_, id)| id));
        }
        self.ready.pop_front()
    }

    /// When the first of those that were tried is due again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.later.front().map(|(due, _)| *due)
    }

    /// Takes note of how an attempt ended.
    pub(super) fn ended(&mut self, id: String, standing: Standing, now: Instant) {
        let due = now + self.retry;
        match standing {
            Standing::Gone => {
                self.known.remove(&id);
            }
            Standing::Settled => {
                self.settled.insert(id);
            }
            Standing::Waiting => self.later.push_back((due, id)),
            Standing::Unreachable => {
                // Nobody is there; what waits would only learn the same now.
                let waiting = self.ready.drain(..).map(|id| (due, id));
                self.later.extend(waiting);
                self.later.push_back((due, id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Duration = Duration::from_secs(2);

    fn spool(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn what_is_always_put_off_starves_nobody() {
        let mut queue = Queue::new(RETRY);
        let mut now = Instant::now();
        let all = spool(&["1", "2", "3", "4"]);
        let mut tried = Vec::new();
        // Two attempts fit between two looks at the spool.
        for _ in 0..4 {
            queue.add_all(all.clone());
            for _ in 0..2 {
                if let Some(id) = queue.next(now) {
                    tried.push(id.clone());
                    queue.ended(id, Standing::Waiting, now);
                }
            }
            now += RETRY;
        }
        assert_eq!(tried, ["1", "2", "3", "4", "1", "2", "3", "4"]);
    }

    #[test]
    fn nothing_is_tried_twice_within_an_interval() {
        let mut queue = Queue::new(RETRY);
        let now = Instant::now();
        queue.add("1".to_owned());
        queue.add_all(spool(&["1"]));
        assert_eq!(queue.next(now).as_deref(), Some("1"));
        queue.add_all(spool(&["1"]));
        assert_eq!(queue.next(now), None);
        queue.ended("1".to_owned(), Standing::Waiting, now);
        queue.add_all(spool(&["1"]));
        assert_eq!(queue.next(now + RETRY / 2), None);
        assert_eq!(queue.due(), Some(now + RETRY));
        assert_eq!(queue.next(now + RETRY).as_deref(), Some("1"));
    }

    #[test]
    fn what_is_settled_stays_so_until_it_is_removed() {
        let mut queue = Queue::new(RETRY);
        let now = Instant::now();
        queue.add("1".to_owned());
        let id = queue.next(now).unwrap();
        queue.ended(id, Standing::Settled, now);
        queue.add_all(spool(&["1"]));
        assert_eq!(queue.next(now + RETRY), None);
        queue.add_all(spool(&[]));
        assert!(queue.known.is_empty() && queue.settled.is_empty());
    }

    #[test]
    fn an_unreachable_hop_puts_off_everything_in_order() {
        let mut queue = Queue::new(RETRY);
        let now = Instant::now();
        queue.add_all(spool(&["1", "2", "3"]));
        let id = queue.next(now).unwrap();
        queue.ended(id, Standing::Unreachable, now);
        assert_eq!(queue.next(now), None);
        let order: Vec<_> = std::iter::from_fn(|| queue.next(now + RETRY)).collect();
        assert_eq!(order, ["2", "3", "1"]);
    }
}
