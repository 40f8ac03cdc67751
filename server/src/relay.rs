//! Delivery of what the spool holds to the next hop: new mail at once, the rest again and again.

mod client;
mod delivery;
mod reply;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::{Config, HopDeadlines};
use crate::spool::{Spool, SpoolError};
use delivery::Standing;

#[cfg(test)]
pub(crate) use client::stuffed;

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
    ready: VecDeque<String>,
    in_flight: HashSet<String>,
    /// Messages whose remaining recipients have all been refused for good.
    settled: HashSet<String>,
    deliveries: JoinSet<(String, Standing)>,
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
        let tidy = spool.clone();
        spawn_blocking(move || tidy.recover())
            .await
            .unwrap_or_else(|error| Err(SpoolError::interrupted(&error)))?;
        let Some(address) = config.next_hop.clone() else {
            return Ok(Relay { announced: None });
        };
        let (announced, new) = mpsc::channel(ANNOUNCEMENTS);
        let scheduler = Scheduler {
            hop: Arc::new(Hop {
                address,
                hostname: config.hostname.clone(),
                deadlines: config.hop_deadlines,
                retry: Duration::from_secs(config.retry_seconds),
            }),
            spool,
            ready: VecDeque::new(),
            in_flight: HashSet::new(),
            settled: HashSet::new(),
            deliveries: JoinSet::new(),
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
                Some(id) = new.recv() => self.ready.push_back(id),
                _ = tick.tick() => self.read_spool().await,
                Some(ended) = self.deliveries.join_next() => self.ended(ended),
            }
            self.begin_deliveries();
        }
        while self.deliveries.join_next().await.is_some() {}
    }

    /// Everything in the spool that is neither under way nor hopeless.
    async fn read_spool(&mut self) {
        let spool = self.spool.clone();
        match spawn_blocking(move || spool.ids()).await {
            Ok(Ok(ids)) => {
                self.settled.retain(|id| ids.contains(id));
                self.ready = ids
                    .into_iter()
                    .filter(|id| !self.settled.contains(id) && !self.in_flight.contains(id))
                    .collect();
            }
            Ok(Err(error)) => tracing::error!(%error, "the spool cannot be read"),
            Err(error) => tracing::error!(%error, "reading the spool ended early"),
        }
    }

    fn begin_deliveries(&mut self) {
        while self.deliveries.len() < CONNECTIONS
            && let Some(id) = self.ready.pop_front()
        {
            if self.settled.contains(&id) || !self.in_flight.insert(id.clone()) {
                continue;
            }
            let (spool, hop) = (self.spool.clone(), self.hop.clone());
            self.deliveries.spawn(async move {
                let standing = delivery::attempt(&id, &spool, &hop).await;
                (id, standing)
            });
        }
    }

    fn ended(&mut self, ended: Result<(String, Standing), tokio::task::JoinError>) {
        match ended {
            Ok((id, standing)) => {
                self.in_flight.remove(&id);
                match standing {
                    Standing::Settled => {
                        self.settled.insert(id);
                    }
                    // Nobody is there; what waits would only learn the same before the next tick.
                    Standing::Unreachable => self.ready.clear(),
                    Standing::Gone | Standing::Waiting => {}
                }
            }
            Err(error) => tracing::error!(%error, "a delivery ended early"),
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop too.
    let _ = stop.wait_for(|stopped| *stopped).await;
}
