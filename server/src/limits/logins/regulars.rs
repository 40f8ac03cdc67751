//! Addresses from which somebody has logged in lately: where many want to be checked at once, they
//! go before those whom nobody knows.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Neighbourhood;

/// When somebody last logged in from there.
#[derive(Debug, Default)]
pub(super) struct Regulars(HashMap<Neighbourhood, Instant>);

/// How long an address is remembered.
const MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);
/// Addresses that are remembered at a time, the latest.
const ADDRESSES: usize = 10_000;

impl Regulars {
    /// Remembers an address. A look at all of them is the price of a login that was right.
    pub(super) fn remember(&mut self, client: Neighbourhood) {
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&client) {
            let oldest = self.0.iter().min_by_key(|(_, last)| **last);
            if let Some(oldest) = oldest.map(|(client, _)| *client) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(client, Instant::now());
    }

    pub(super) fn know(&self, client: Neighbourhood) -> bool {
        let last = self.0.get(&client);
        last.is_some_and(|last| last.elapsed() < MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn client(number: u32) -> Neighbourhood {
        IpAddr::from(Ipv4Addr::from_bits(number)).into()
    }

    #[tokio::test(start_paused = true)]
    async fn the_latest_are_remembered_for_a_time() {
        let mut regulars = Regulars::default();
        for number in 0..=u32::try_from(ADDRESSES).unwrap() {
            regulars.remember(client(number));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(regulars.0.len(), ADDRESSES);
        assert!(!regulars.know(client(0)));
        assert!(regulars.know(client(1)));
        tokio::time::advance(MEMORY).await;
        assert!(!regulars.know(client(1)));
    }
}
