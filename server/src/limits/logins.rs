//! Failed logins by address: each makes the next check later, and very many end the trying.

mod regulars;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Neighbourhood, Rank};
use crate::config::Limits;
use regulars::Regulars;

/// The failures that are remembered, of a bounded number of addresses.
#[derive(Debug)]
pub(crate) struct Logins {
    first_delay: Duration,
    longest_delay: Duration,
    memory: Duration,
    limit: u32,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    failures: HashMap<Neighbourhood, Failures>,
    /// Addresses that are being checked, or wait for it.
    present: HashMap<Neighbourhood, Present>,
    regulars: Regulars,
}

/// Those of one address.
#[derive(Debug, Default)]
struct Present {
    /// Checks under way, and those in line.
    clients: u32,
    /// Checks under way, each of which may turn out a failure.
    checks: u32,
    line: Arc<Line>,
}

/// One of an address looks whether it is its turn, and the others wait behind: an end of a check
/// that woke them all would cost more than the check.
#[derive(Debug, Default)]
struct Line {
    head: tokio::sync::Mutex<()>,
    /// Some check of the address has ended.
    ended: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    /// When the address may try again.
    next: Instant,
}

/// One check under way, or in line; dropped when it has ended.
#[derive(Debug)]
pub(crate) struct Check<'l> {
    logins: &'l Logins,
    client: Neighbourhood,
    line: Arc<Line>,
    /// Set once it is under way.
    rank: Option<Rank>,
}

/// What an address that wants a check has to do first.
enum Turn {
    Now(Rank),
    At(Instant),
    /// Others of its address are being checked.
    After,
    Never,
}

/// Failures of an address that are answered at once: people mistype.
const FREE: u32 = 3;
/// Addresses that are remembered at a time.
const ADDRESSES: usize = 10_000;
/// How long somebody stands in line behind others of his address, beyond the longest delay.
const QUEUE: Duration = Duration::from_secs(30);

impl Logins {
    pub(crate) fn new(limits: &Limits) -> Self {
        Logins {
            first_delay: Duration::from_secs(limits.login_delay_seconds),
            longest_delay: Duration::from_secs(limits.login_delay_max_seconds),
            memory: Duration::from_secs(limits.login_memory_seconds),
            limit: match limits.failed_logins_per_address {
                0 => u32::MAX,
                limit => limit,
            },
            table: Mutex::default(),
        }
    }

    /// Waits until something may be checked for this address; nothing if it has failed so often
    /// that nothing is, or if too many are before it. Attempts side by side, or each on a connection
    /// of its own, are no quicker than attempts in turn.
    pub(crate) async fn check(&self, address: IpAddr) -> Option<Check<'_>> {
        let mut check = self.enter(address.into());
        let line = check.line.clone();
        let turn = async {
            let _head = line.head.lock().await;
            loop {
                match self.turn(check.client) {
                    Turn::Now(rank) => break Some(rank),
                    Turn::At(moment) => sleep_until(moment).await,
                    Turn::After => line.ended.notified().await,
                    Turn::Never => break None,
                }
            }
        };
        let longest = self.longest_delay.saturating_add(QUEUE);
        check.rank = timeout(longest, turn).await.ok().flatten();
        check.rank.is_some().then_some(check)
    }

    fn enter(&self, client: Neighbourhood) -> Check<'_> {
        let mut table = self.table();
        let present = table.present.entry(client).or_default();
        present.clients += 1;
        Check {
            logins: self,
            client,
            line: present.line.clone(),
            rank: None,
        }
    }

    fn turn(&self, client: Neighbourhood) -> Turn {
        let now = Instant::now();
        let mut table = self.table();
        let failures = table.failures.get(&client).copied();
        let failures = failures.filter(|failures| self.remembers(failures, now));
        let count = failures.map_or(0, |failures| failures.count);
        let next = failures.map_or(now, |failures| failures.next);
        let unknown = u32::from(!table.regulars.know(client));
        let present = table.present.entry(client).or_default();
        let checks = present.checks;
        // An address that is held back has one check at a time: each may hold the next one back.
        let most = match self.delay(count) {
            Duration::ZERO => self.limit.saturating_sub(count),
            _ => 1,
        };
        if count >= self.limit {
            Turn::Never
        } else if checks >= most {
            Turn::After
        } else if next > now {
            Turn::At(next)
        } else {
            present.checks += 1;
            Turn::Now(Rank(count + checks + unknown))
        }
    }

    fn remembers(&self, failures: &Failures, now: Instant) -> bool {
        now.duration_since(failures.last) < self.memory
    }

    /// Counts a failure, and tells how long to hold its answer back.
    fn failed(&self, client: Neighbourhood) -> Duration {
        let now = Instant::now();
        let mut table = self.table();
        let table = &mut table.failures;
        if !table.contains_key(&client) {
            self.make_place(table, now);
        }
        let failures = table.entry(client).or_insert(Failures {
            count: 0,
            last: now,
            next: now,
        });
        if !self.remembers(failures, now) {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        let delay = self.delay(failures.count);
        failures.next = now + delay;
        delay
    }

    fn delay(&self, count: u32) -> Duration {
        let Some(beyond) = count.checked_sub(FREE + 1) else {
            return Duration::ZERO;
        };
        let factor = 2_u32.checked_pow(beyond).unwrap_or(u32::MAX);
        self.first_delay
            .saturating_mul(factor)
            .min(self.longest_delay)
    }

    /// Forgets what is old enough, and where that is not sufficient the address that failed least.
    /// A look at all of them costs less than the check of a password that came before it.
    fn make_place(&self, table: &mut HashMap<Neighbourhood, Failures>, now: Instant) {
        if table.len() < ADDRESSES {
            return;
        }
        table.retain(|_, failures| now.duration_since(failures.last) < self.memory);
        if table.len() < ADDRESSES {
            return;
        }
        let least = table
            .iter()
            .min_by_key(|(_, failures)| (failures.count, failures.last))
            .map(|(client, _)| *client);
        if let Some(least) = least {
            table.remove(&least);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check<'_> {
    /// How soon it is its turn where others are checked too.
    pub(crate) fn rank(&self) -> Rank {
        self.rank.unwrap_or_default()
    }

    /// Remembers from where somebody has logged in.
    pub(crate) fn succeeded(self) {
        self.logins.table().regulars.remember(self.client);
    }

    /// Counts it as a failure, and tells how long to hold its answer back.
    pub(crate) fn failed(self) -> Duration {
        self.logins.failed(self.client)
    }
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        let mut table = self.logins.table();
        let Entry::Occupied(mut present) = table.present.entry(self.client) else {
            return;
        };
        present.get_mut().clients -= 1;
        if self.rank.is_some() {
            present.get_mut().checks -= 1;
            self.line.ended.notify_one();
        }
        if present.get().clients == 0 {
            present.remove();
        }
    }
}

#[cfg(test)]
mod tests;
