//! A task that takes one job after the other to the same destination, over one session if it can.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::delivery::{self, Ended};
use super::queue::Job;
use super::route::Destination;
use super::{Office, stopped};

/// Jobs of one worker, after which another destination may have its place.
const TURN: usize = 100;

/// Does a job and those that wait for the same destination.
pub(super) async fn work(office: Arc<Office>, first: Job, mut stop: watch::Receiver<bool>) {
    let place = Place {
        office: &office,
        destination: first.destination.clone(),
    };
    let mut session = None;
    let mut next = Some(first);
    for _ in 0..TURN {
        let Some(job) = next.take() else { break };
        let hold = Hold::new(&office, job);
        let ended = delivery::attempt(&hold.job, &office, &mut session).await;
        hold.end(ended);
        if *stop.borrow() || matches!(ended, Ended::Unreachable(_)) {
            break;
        }
        next = office.queue().take(&place.destination, Instant::now());
        if next.is_none() && session.is_some() && !office.settings.delivery.idle.is_zero() {
            next = place.wait(&mut stop).await;
        }
    }
    if let Some(job) = next {
        Hold::new(&office, job).end(Ended::Again(std::time::Duration::ZERO));
    }
    if let Some(session) = session {
        session.client.quit().await;
    }
}

/// The right to a session; given back however the worker ends.
struct Place<'a> {
    office: &'a Office,
    destination: Destination,
}

impl Place<'_> {
    /// Waits a while for a job.
    async fn wait(&self, stop: &mut watch::Receiver<bool>) -> Option<Job> {
        let wake = self.office.queue().idle(&self.destination, true);
        tokio::select! {
            () = stopped(stop) => {}
            _ = timeout(self.office.settings.delivery.idle, wake.notified()) => {}
        }
        let mut queue = self.office.queue();
        queue.idle(&self.destination, false);
        queue.take(&self.destination, Instant::now())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.office
            .queue()
            .finish(&self.destination, Instant::now());
        self.office.changed.notify_one();
    }
}

/// A job under way. If its task panics it is due again later.
struct Hold<'a> {
    office: &'a Office,
    job: Job,
    ended: Ended,
}

impl<'a> Hold<'a> {
    fn new(office: &'a Office, job: Job) -> Self {
        let ended = Ended::Again(office.settings.pace.first);
        Hold { office, job, ended }
    }

    fn end(mut self, ended: Ended) {
        self.ended = ended;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut queue = self.office.queue();
        queue.ended(self.job.clone(), self.ended, Instant::now());
        self.office.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::relay::Settings;
    use crate::relay::progress::Tracked;
    use crate::relay::queue::Queue;
    use crate::spool::{Entry, MailOptions, Spool};
    use std::time::Duration;

    #[tokio::test]
    async fn a_delivery_that_panics_is_tried_again_and_leaves_its_place() {
        let office = Arc::new(Office {
            settings: Settings::new(&Config::modern("msa.example.org", "spool"), Vec::new())
                .unwrap(),
            spool: Spool::open(None).unwrap(),
            queue: Queue::new(1, 1).into(),
            changed: tokio::sync::Notify::new(),
        });
        let message = Tracked::new(Entry {
            id: "1".to_owned(),
            arrival: jiff::Timestamp::UNIX_EPOCH,
            size: 0,
            sender: String::new(),
            options: MailOptions::default(),
            recipients: Vec::new(),
        });
        let job = Job {
            message,
            destination: office.settings.destination("b@b.example"),
        };
        let now = Instant::now();
        office
            .queue()
            .planned("1", vec![(job, Duration::ZERO)], now);
        let first = office.queue().begin(now).unwrap();
        let desk = office.clone();
        let task = tokio::spawn(async move {
            let _place = Place {
                office: &desk,
                destination: first.destination.clone(),
            };
            let _hold = Hold::new(&desk, first);
            panic!("on purpose");
        });
        assert!(task.await.unwrap_err().is_panic());
        let due = office.queue().due().unwrap();
        assert!(due > now);
        assert_eq!(office.queue().begin(due).unwrap().message.id, "1");
    }
}
