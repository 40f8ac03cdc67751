//! Failed logins by address: each makes the next check later, and very many end the trying.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::Neighbourhood;
use crate::config::Limits;

/// The failures that are remembered, of a bounded number of addresses.
#[derive(Debug)]
pub(crate) struct Logins {
    first_delay: Duration,
    longest_delay: Duration,
    memory: Duration,
    limit: u32,
    table: Mutex<Table>,
    /// Some check has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Table {
    failures: HashMap<Neighbourhood, Failures>,
    /// Checks under way, each of which may turn out a failure.
    checks: HashMap<Neighbourhood, u32>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    /// When the address may try again.
    next: Instant,
}

/// One check under way; dropped when it has ended.
#[derive(Debug)]
pub(crate) struct Check<'l> {
    logins: &'l Logins,
    client: Neighbourhood,
}

/// What an address that wants a check has to do first.
enum Turn<'l> {
    Now(Check<'l>),
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
            ended: Notify::new(),
        }
    }

    /// Waits until something may be checked for this address; nothing if it has failed so often
    /// that nothing is, or if too many are before it. Attempts side by side, or each on a connection
    /// of its own, are no quicker than attempts in turn.
    pub(crate) async fn check(&self, address: IpAddr) -> Option<Check<'_>> {
        let client = Neighbourhood::from(address);
        let turn = async {
            loop {
                // Before the look, so that no end of a check is missed.
                let ended = self.ended.notified();
                match self.turn(client) {
                    Turn::Now(check) => return Some(check),
                    Turn::At(moment) => sleep_until(moment).await,
                    Turn::After => ended.await,
                    Turn::Never => return None,
                }
            }
        };
        let longest = self.longest_delay.saturating_add(QUEUE);
        timeout(longest, turn).await.ok().flatten()
    }

    fn turn(&self, client: Neighbourhood) -> Turn<'_> {
        let now = Instant::now();
        let mut table = self.table();
        let failures = table.failures.get(&client).copied();
        let failures = failures.filter(|failures| self.remembers(failures, now));
        let count = failures.map_or(0, |failures| failures.count);
        let next = failures.map_or(now, |failures| failures.next);
        let checks = table.checks.get(&client).copied().unwrap_or_default();
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
            table.checks.insert(client, checks + 1);
            Turn::Now(Check {
                logins: self,
                client,
            })
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
    /// Counts it as a failure, and tells how long to hold its answer back.
    pub(crate) fn failed(self) -> Duration {
        self.logins.failed(self.client)
    }
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        let mut table = self.logins.table();
        let left = table
            .checks
            .get(&self.client)
            .map_or(0, |checks| checks - 1);
        if left == 0 {
            table.checks.remove(&self.client);
        } else {
            table.checks.insert(self.client, left);
        }
        drop(table);
        self.logins.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins() -> Logins {
        Logins::new(&Limits {
            failed_logins_per_address: 6,
            ..Limits::default()
        })
    }

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    fn failed(logins: &Logins, number: u32) -> Duration {
        logins.failed(address(number).into())
    }

    async fn is_shut_out(logins: &Logins, number: u32) -> bool {
        logins.check(address(number)).await.is_none()
    }

    #[tokio::test(start_paused = true)]
    async fn delays_grow_and_are_forgotten() {
        let logins = logins();
        let delays =
            |number| -> Vec<_> { (0..9).map(|_| failed(&logins, number).as_secs()).collect() };
        assert_eq!(delays(1), [0, 0, 0, 1, 2, 4, 8, 16, 16]);
        assert_eq!(failed(&logins, 2), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(899)).await;
        assert_eq!(failed(&logins, 1).as_secs(), 16);
        tokio::time::advance(Duration::from_secs(900)).await;
        assert_eq!(failed(&logins, 1), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_failures_end_the_trying_for_a_time() {
        let logins = logins();
        for _ in 0..5 {
            failed(&logins, 1);
        }
        assert!(!is_shut_out(&logins, 1).await);
        failed(&logins, 1);
        assert!(is_shut_out(&logins, 1).await);
        assert!(!is_shut_out(&logins, 2).await);
        tokio::time::advance(Duration::from_secs(900)).await;
        assert!(!is_shut_out(&logins, 1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_side_by_side_are_no_quicker() {
        let logins = logins();
        let begin = Instant::now();
        let attempt = || async {
            let check = logins.check(address(1)).await?;
            tokio::task::yield_now().await;
            check.failed();
            Some(begin.elapsed().as_secs())
        };
        let (a, b, c, d, e, f, g, h) = tokio::join!(
            attempt(),
            attempt(),
            attempt(),
            attempt(),
            attempt(),
            attempt(),
            attempt(),
            attempt()
        );
        let all = [a, b, c, d, e, f, g, h];
        assert_eq!(all.iter().flatten().count(), 6, "{all:?}");
        assert!(is_shut_out(&logins, 1).await);
        assert!(logins.table().checks.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_does_not_shorten_the_delay() {
        let logins = logins();
        let begin = Instant::now();
        let mut moments = Vec::new();
        for _ in 0..6 {
            let check = logins.check(address(1)).await.unwrap();
            moments.push(begin.elapsed().as_secs());
            check.failed();
        }
        assert_eq!(moments, [0, 0, 0, 0, 1, 3]);
        logins.check(address(2)).await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn right_logins_side_by_side_wait_for_a_place_only() {
        let logins = logins();
        let mut checks = Vec::new();
        for _ in 0..6 {
            checks.push(logins.check(address(1)).await.unwrap());
        }
        let (seventh, ()) = tokio::join!(logins.check(address(1)), async {
            tokio::task::yield_now().await;
            checks.clear();
        });
        assert!(seventh.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded_and_keeps_the_worst() {
        let logins = logins();
        for _ in 0..6 {
            failed(&logins, 0);
        }
        for number in 1..=u32::try_from(ADDRESSES).unwrap() {
            failed(&logins, number);
        }
        assert_eq!(logins.table().failures.len(), ADDRESSES);
        assert!(is_shut_out(&logins, 0).await);
        tokio::time::advance(Duration::from_secs(900)).await;
        failed(&logins, u32::MAX);
        assert_eq!(logins.table().failures.len(), 1);
    }
}
