//! The order of attempts: first come, first served at each destination, and no destination in the
//! way of another.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::delivery::Ended;
use super::progress::Tracked;
use super::route::Destination;

/// The recipients of one message with the same destination.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) message: Arc<Tracked>,
    pub(super) destination: Destination,
}

/// Every message the relay knows of, and what is to be done for it.
pub(super) struct Queue {
    /// Messages whose destinations are not known yet.
    new: VecDeque<String>,
    /// Every message that is new or has jobs, with their number. What has none left and stays in
    /// the spool is new again when the spool is looked at.
    known: HashMap<String, usize>,
    /// Jobs by the time when they are due; the number keeps those of one time in order.
    later: BTreeMap<(Instant, u64), Job>,
    places: HashMap<Destination, Place>,
    count: u64,
    /// Sessions at a time, in total and with one destination.
    sessions: usize,
    sessions_each: usize,
}

/// What is known about a destination while something is to be done for it.
#[derive(Default)]
struct Place {
    ready: VecDeque<Job>,
    sessions: usize,
    /// Those of them that wait for a job.
    idle: usize,
    wake: Arc<Notify>,
    /// When the last session was begun, as a number.
    begun: u64,
    /// Nobody was there: until then nothing new is tried.
    not_before: Option<Instant>,
}

impl Queue {
    pub(super) fn new(sessions: usize, sessions_each: usize) -> Self {
        Queue {
            new: VecDeque::new(),
            known: HashMap::new(),
            later: BTreeMap::new(),
            places: HashMap::new(),
            count: 0,
            sessions,
            sessions_each,
        }
    }

    /// Appends a message unless it is known.
    pub(super) fn add(&mut self, id: String) {
        if !self.known.contains_key(&id) {
            self.known.insert(id.clone(), 0);
            self.new.push_back(id);
        }
    }

    /// Appends what the spool holds and nobody announced.
    pub(super) fn add_all(&mut self, ids: BTreeSet<String>) {
        for id in ids {
            self.add(id);
        }
    }

    /// A message whose destinations are to be found.
    pub(super) fn next_new(&mut self) -> Option<String> {
        self.new.pop_front()
    }

    /// Takes a new message's jobs, each with the time until it is due.
    pub(super) fn planned(&mut self, id: &str, jobs: Vec<(Job, Duration)>, now: Instant) {
        match jobs.len() {
            0 => self.forget(id),
            some => {
                self.known.insert(id.to_owned(), some);
            }
        }
        for (job, wait) in jobs {
            self.put(job, now + wait, now);
        }
    }

    /// A message that is no longer there, or cannot be read now: then the spool tells it again.
    pub(super) fn forget(&mut self, id: &str) {
        self.known.remove(id);
    }

    /// Begins a session for a job that no idle session will take, at the destination that has
    /// waited longest for one. The job counts as under way until [`Queue::ended`], the session
    /// until [`Queue::finish`].
    pub(super) fn begin(&mut self, now: Instant) -> Option<Job> {
        self.make_ready(now);
        let open: usize = self.places.values().map(|place| place.sessions).sum();
        if open >= self.sessions {
            return None;
        }
        let each = self.sessions_each;
        let place = self
            .places
            .values_mut()
            .filter(|place| place.sessions < each && place.ready.len() > place.idle)
            .min_by_key(|place| place.begun)?;
        self.count += 1;
        place.begun = self.count;
        place.sessions += 1;
        place.ready.pop_front()
    }

    /// The next job of a destination, for a session that is open.
    pub(super) fn take(&mut self, destination: &Destination, now: Instant) -> Option<Job> {
        self.make_ready(now);
        self.places.get_mut(destination)?.ready.pop_front()
    }

    /// A session waits for a job; it is woken by what is returned.
    pub(super) fn idle(&mut self, destination: &Destination, waits: bool) -> Arc<Notify> {
        let place = self.places.entry(destination.clone()).or_default();
        place.idle = match waits {
            true => place.idle + 1,
            false => place.idle.saturating_sub(1),
        };
        place.wake.clone()
    }

    /// A session is over.
    pub(super) fn finish(&mut self, destination: &Destination, now: Instant) {
        if let Some(place) = self.places.get_mut(destination) {
            place.sessions = place.sessions.saturating_sub(1);
        }
        self.places.retain(|_, place| {
            let waits = place.not_before.is_some_and(|until| until > now);
            place.sessions > 0 || !place.ready.is_empty() || waits
        });
    }

    /// When the first of those that wait is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.later.keys().next().map(|(due, _)| *due)
    }

    /// Takes note of how an attempt ended.
    pub(super) fn ended(&mut self, job: Job, ended: Ended, now: Instant) {
        if let Some(place) = self.places.get_mut(&job.destination) {
            place.not_before = None;
        }
        match ended {
            Ended::Done => self.done(&job),
            Ended::Again(wait) => self.put(job, now + wait, now),
            Ended::Unreachable(wait) => {
                // Nobody is there; what waits would only learn the same now.
                let place = self.places.entry(job.destination.clone()).or_default();
                place.not_before = Some(now + wait);
                let waiting: Vec<_> = place.ready.drain(..).collect();
                for job in waiting.into_iter().chain([job]) {
                    self.put(job, now + wait, now);
                }
            }
        }
    }

    fn done(&mut self, job: &Job) {
        let id = &job.message.id;
        match self.known.get_mut(id) {
            Some(jobs) if *jobs > 1 => *jobs -= 1,
            _ => self.forget(id),
        }
    }

    fn put(&mut self, job: Job, due: Instant, now: Instant) {
        let place = self.places.entry(job.destination.clone()).or_default();
        let due = place.not_before.map_or(due, |until| until.max(due));
        if due <= now {
            place.put(job);
        } else {
            self.count += 1;
            self.later.insert((due, self.count), job);
        }
    }

    fn make_ready(&mut self, now: Instant) {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= now
        {
            let job = first.remove();
            let place = self.places.entry(job.destination.clone()).or_default();
            place.put(job);
        }
    }
}

impl Place {
    fn put(&mut self, job: Job) {
        self.ready.push_back(job);
        if self.idle > 0 {
            self.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
