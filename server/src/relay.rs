//! Delivery of what the spool holds to the next hop: new mail at once, the rest again and again.

mod client;
mod delivery;
mod queue;
mod reply;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::config::{Config, HopDeadlines};
use crate::spool::{Spool, SpoolError};
use delivery::Standing;
use queue::Queue;

#[cfg(test)]
pub(crate) use client::stuffed;

/// For the fuzz target of replies.
#[cfg(fuzzing)]
pub(crate) fn read_reply(octets: &[u8]) {
    let _ = reply::take(octets);
}

/// The door to the task that delivers.
pub(crate) struct Relay {
    announced: Option<mpsc::Sender<String>>,
}

/// Where mail goes and how.
#[derive(Debug)]
struct Hop {
    /// `HOST:PORT`, looked up for each connection.
    address: String,
    /// The name we introduce ourselves with.
    hostname: String,
    deadlines: HopDeadlines,
    retry: Duration,
}

/// What is to be tried, and what is being tried.
struct Scheduler {
    hop: Arc<Hop>,
    spool: Spool,
    queue: Queue,
    deliveries: JoinSet<Standing>,
    /// Which message a task delivers; a task that panics cannot tell any more.
    in_flight: HashMap<task::Id, String>,
}

/// Connections to the next hop at a time.
const CONNECTIONS: usize = 8;
/// New messages that may wait to be noticed; the spool is read again for those beyond.
const ANNOUNCEMENTS: usize = 1024;

impl Relay {
    /// Tidies the spool up and starts to deliver, if there is a next hop.
    pub(crate) async fn start(
        config: &Config,
        spool: Spool,
        stop: watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, SpoolError> {
        spool.recover().await?;
        let Some(address) = config.next_hop.clone() else {
            return Ok(Relay { announced: None });
        };
        let (announced, new) = mpsc::channel(ANNOUNCEMENTS);
        let retry = Duration::from_secs(config.retry_seconds);
        let scheduler = Scheduler {
            hop: Arc::new(Hop {
                address,
                hostname: config.hostname.clone(),
                deadlines: config.hop_deadlines,
                retry,
            }),
            spool,
            queue: Queue::new(retry),
            deliveries: JoinSet::new(),
            in_flight: HashMap::new(),
        };
        tasks.spawn(scheduler.run(new, stop));
        Ok(Relay {
            announced: Some(announced),
        })
    }

    /// Tells that a message has been stored. If nobody listens, the spool tells it later.
    pub(crate) fn announce(&self, id: String) {
        if let Some(announced) = &self.announced {
            let _ = announced.try_send(id);
        }
    }
}

impl Scheduler {
    async fn run(mut self, mut new: mpsc::Receiver<String>, mut stop: watch::Receiver<bool>) {
        let mut tick = interval(self.hop.retry);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                Some(id) = new.recv() => self.queue.add(id),
                _ = tick.tick() => self.read_spool(),
                () = until(self.queue.due()), if self.deliveries.len() < CONNECTIONS => {}
                Some(ended) = self.deliveries.join_next_with_id() => self.ended(ended),
            }
            self.begin_deliveries();
        }
        while self.deliveries.join_next().await.is_some() {}
    }

    /// Looks for messages that were not announced.
    fn read_spool(&mut self) {
        match self.spool.ids() {
            Ok(ids) => self.queue.add_all(ids),
            Err(error) => tracing::error!(%error, "the spool cannot be read"),
        }
    }

    fn begin_deliveries(&mut self) {
        while self.deliveries.len() < CONNECTIONS
            && let Some(id) = self.queue.next(Instant::now())
        {
            let (spool, hop, name) = (self.spool.clone(), self.hop.clone(), id.clone());
            let delivery = self
                .deliveries
                .spawn(async move { delivery::attempt(&name, &spool, &hop).await });
            self.in_flight.insert(delivery.id(), id);
        }
    }

    fn ended(&mut self, ended: Result<(task::Id, Standing), JoinError>) {
        let (task, standing) = ended.unwrap_or_else(|error| {
            tracing::error!(%error, "a delivery ended early");
            (error.id(), Standing::Waiting)
        });
        if let Some(id) = self.in_flight.remove(&task) {
            self.queue.ended(id, standing, Instant::now());
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop too.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_delivery_that_panics_is_tried_again() {
        let retry = Duration::from_secs(1);
        let mut scheduler = Scheduler {
            hop: Arc::new(Hop {
                address: "127.0.0.1:9".to_owned(),
                hostname: "msa.example.org".to_owned(),
                deadlines: HopDeadlines::default(),
                retry,
            }),
            spool: Spool::open(None).unwrap(),
            queue: Queue::new(retry),
            deliveries: JoinSet::new(),
            in_flight: HashMap::new(),
        };
        scheduler.queue.add("1".to_owned());
        let id = scheduler.queue.next(Instant::now()).unwrap();
        let task = scheduler.deliveries.spawn(async { panic!("on purpose") });
        scheduler.in_flight.insert(task.id(), id);
        let ended = scheduler.deliveries.join_next_with_id().await.unwrap();
        scheduler.ended(ended);
        assert!(scheduler.in_flight.is_empty());
        let due = scheduler.queue.due().unwrap();
        assert_eq!(scheduler.queue.next(due).as_deref(), Some("1"));
    }
}
