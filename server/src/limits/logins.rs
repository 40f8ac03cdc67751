//! Failed logins by address: each makes the next answer later, and very many end the trying.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Neighbourhood;
use crate::config::Limits;

/// The failures that are remembered, of a bounded number of addresses.
#[derive(Debug)]
pub(crate) struct Logins {
    first_delay: Duration,
    longest_delay: Duration,
    memory: Duration,
    limit: u32,
    addresses: Mutex<HashMap<Neighbourhood, Failures>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Failures of an address that are answered at once: people mistype.
const FREE: u32 = 3;
/// Addresses that are remembered at a time.
const ADDRESSES: usize = 10_000;

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
            addresses: Mutex::default(),
        }
    }

    /// Whether this address has failed so often that nothing more is checked.
    pub(crate) fn is_shut_out(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let failures = self.table().get(&address.into()).copied();
        failures.is_some_and(|failures| {
            failures.count >= self.limit && now.duration_since(failures.last) < self.memory
        })
    }

    /// Counts a failure, and tells how long to hold its answer back. The count is kept before the
    /// wait, so that attempts side by side are no quicker than attempts in turn.
    pub(crate) fn failed(&self, address: IpAddr) -> Duration {
        let now = Instant::now();
        let client = Neighbourhood::from(address);
        let mut table = self.table();
        if !table.contains_key(&client) {
            self.make_place(&mut table, now);
        }
        let failures = table.entry(client).or_insert(Failures {
            count: 0,
            last: now,
        });
        if now.duration_since(failures.last) >= self.memory {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        self.delay(failures.count)
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

    fn table(&self) -> MutexGuard<'_, HashMap<Neighbourhood, Failures>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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

    #[tokio::test(start_paused = true)]
    async fn delays_grow_and_are_forgotten() {
        let logins = logins();
        let delays = |number| -> Vec<_> {
            (0..9)
                .map(|_| logins.failed(address(number)).as_secs())
                .collect()
        };
        assert_eq!(delays(1), [0, 0, 0, 1, 2, 4, 8, 16, 16]);
        assert_eq!(logins.failed(address(2)), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(899)).await;
        assert_eq!(logins.failed(address(1)).as_secs(), 16);
        tokio::time::advance(Duration::from_secs(900)).await;
        assert_eq!(logins.failed(address(1)), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_failures_end_the_trying_for_a_time() {
        let logins = logins();
        for _ in 0..5 {
            logins.failed(address(1));
        }
        assert!(!logins.is_shut_out(address(1)));
        logins.failed(address(1));
        assert!(logins.is_shut_out(address(1)));
        assert!(!logins.is_shut_out(address(2)));
        tokio::time::advance(Duration::from_secs(900)).await;
        assert!(!logins.is_shut_out(address(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded_and_keeps_the_worst() {
        let logins = logins();
        for _ in 0..6 {
            logins.failed(address(0));
        }
        for number in 1..=u32::try_from(ADDRESSES).unwrap() {
            logins.failed(address(number));
        }
        assert_eq!(logins.table().len(), ADDRESSES);
        assert!(logins.is_shut_out(address(0)));
        tokio::time::advance(Duration::from_secs(900)).await;
        logins.failed(address(u32::MAX));
        assert_eq!(logins.table().len(), 1);
    }
}
