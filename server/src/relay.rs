//! Delivery of what the spool holds to the next hops: new mail at once, the rest again and again.

mod client;
mod delivery;
mod fault;
mod fit;
mod hosts;
mod offers;
mod ourselves;
mod outcome;
mod pace;
mod progress;
mod queue;
mod reply;
mod route;
mod session;
mod transaction;
mod trust;
mod worker;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::config::{Config, ConfigError, Delivery, HopDeadlines};
use crate::report::Reporter;
use crate::server::StartError;
use crate::spool::Spool;
use hosts::Directory;
use ourselves::Ourselves;
use pace::Pace;
use progress::{Standing, Tracked, unreadable};
use queue::{Job, Queue};
use trust::Trust;

#[cfg(test)]
pub(crate) use client::stuffed;
pub(crate) use route::route;

/// For the fuzz target of replies.
#[cfg(fuzzing)]
pub(crate) fn read_reply(octets: &[u8]) {
    let _ = reply::take(octets);
}

/// The door to the task that delivers.
pub(crate) struct Relay {
    office: Option<Arc<Office>>,
}

/// Where mail goes and how.
struct Settings {
    /// The name we introduce ourselves with.
    hostname: String,
    next_hop: Option<String>,
    delivery: Delivery,
    deadlines: HopDeadlines,
    pace: Pace,
    directory: Directory,
    trust: Trust,
    reporter: Reporter,
}

/// What all sessions with next hops share.
struct Office {
    settings: Settings,
    spool: Spool,
    queue: Mutex<Queue>,
    /// Told when there may be something to begin.
    changed: Notify,
}

/// How often the spool is read for what nobody announced, and for what somebody removed.
const LOOK: Duration = Duration::from_secs(60);
/// New messages looked at before deliveries are begun.
const PLANS: usize = 100;

impl Relay {
    /// Starts to deliver, if mail has anywhere to go. What would come back to our own listeners is
    /// not sent.
    pub(crate) fn start(
        config: &Config,
        listeners: Vec<SocketAddr>,
        spool: Spool,
        stop: watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, StartError> {
        let delivery = &config.delivery;
        if config.next_hop.is_none() && delivery.routes.is_empty() && !delivery.mx {
            return Ok(Relay { office: None });
        }
        let office = Arc::new(Office {
            settings: Settings::new(config, listeners)?,
            spool,
            queue: Mutex::new(Queue::new(
                delivery.connections,
                delivery.connections_per_destination,
            )),
            changed: Notify::new(),
        });
        tasks.spawn(run(office.clone(), stop));
        Ok(Relay {
            office: Some(office),
        })
    }

    /// Tells that a message has been stored.
    pub(crate) fn announce(&self, id: String) {
        if let Some(office) = &self.office {
            office.announce(id);
        }
    }
}

async fn run(office: Arc<Office>, mut stop: watch::Receiver<bool>) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut workers = JoinSet::new();
    loop {
        let more = office.plan().await;
        loop {
            let begun = office.queue().begin(Instant::now());
            let Some(job) = begun else { break };
            workers.spawn(worker::work(office.clone(), job, stop.clone()));
        }
        let due = office.queue().due();
        tokio::select! {
            () = stopped(&mut stop) => break,
            () = std::future::ready(()), if more => {}
            () = office.changed.notified() => {}
            _ = look.tick() => office.look(),
            () = until(due) => {}
            Some(ended) = workers.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a delivery ended early");
                }
            }
        }
    }
    while workers.join_next().await.is_some() {}
}

impl Office {
    fn announce(&self, id: String) {
        self.queue().add(id);
        self.changed.notify_one();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the destinations of new messages. Whether there are more of them.
    async fn plan(&self) -> bool {
        for _ in 0..PLANS {
            let new = self.queue().next_new();
            let Some(id) = new else { return false };
            match self.spool.entry(&id).await {
                Ok(entry) => {
                    let message = Tracked::new(entry);
                    let jobs = match message.catch_up(self).await {
                        Standing::Gone => Vec::new(),
                        _ => self.jobs(message).await,
                    };
                    self.queue().planned(&id, jobs, Instant::now());
                }
                Err(error) => {
                    unreadable(&id, &error, &self.spool).await;
                    self.queue().forget(&id);
                }
            }
        }
        true
    }

    /// A message's jobs, each with the time until it is due: an earlier start may have tried it.
    async fn jobs(&self, message: Arc<Tracked>) -> Vec<(Job, Duration)> {
        let pending = message.pending(|_| true).await;
        let destinations: BTreeSet<_> = pending
            .iter()
            .map(|(_, to)| self.settings.destination(&to.address))
            .collect();
        let jobs = destinations.into_iter().map(|destination| {
            let job = Job {
                message: message.clone(),
                destination,
            };
            let wait = job.due(&pending, &self.settings).unwrap_or_default();
            (job, wait)
        });
        jobs.collect()
    }

    /// Looks for messages that were not announced.
    fn look(&self) {
        self.queue().add_all(self.spool.ids());
    }
}

impl Settings {
    fn new(config: &Config, listeners: Vec<SocketAddr>) -> Result<Self, ConfigError> {
        let delivery = config.delivery.clone();
        let ourselves = Ourselves {
            name: config.hostname.clone(),
            listeners,
        };
        let directory = Directory::new(ourselves, &delivery).map_err(|message| {
            let key = "delivery.resolver";
            ConfigError::Value { key, message }
        })?;
        Ok(Settings {
            hostname: config.hostname.clone(),
            next_hop: config.next_hop.clone(),
            deadlines: config.hop_deadlines,
            pace: Pace {
                first: config.retry(),
                longest: delivery.longest_retry,
                jitter: delivery.jitter,
                lifetime: delivery.lifetime,
            },
            trust: Trust::new(&delivery)?,
            reporter: Reporter {
                hostname: config.hostname.clone(),
                lifetime: delivery.lifetime,
                delay_after: delivery.delay_report_after,
            },
            directory,
            delivery,
        })
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
mod tests;
