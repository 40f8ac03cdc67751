//! Connections in total and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Neighbourhood;

/// Who is connected. Never more entries than connections.
#[derive(Debug, Clone)]
pub(crate) struct Addresses(Arc<Mutex<Table>>);

/// One connection's place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    addresses: Addresses,
    client: Neighbourhood,
}

/// Why a connection has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server has as many connections as it can have.
    Full,
    /// This address has as many as one may have.
    TooManyFromThere,
}

#[derive(Debug)]
struct Table {
    total: usize,
    limit: usize,
    limit_per_address: usize,
    clients: HashMap<Neighbourhood, usize>,
}

impl Addresses {
    pub(crate) fn new(limit: usize, limit_per_address: usize) -> Self {
        Addresses(Arc::new(Mutex::new(Table {
            total: 0,
            limit,
            limit_per_address,
            clients: HashMap::new(),
        })))
    }

    /// Gives a client a place.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<Place, Refusal> {
        let client = Neighbourhood::from(address);
        let mut table = self.table();
        let there = table.clients.get(&client).copied().unwrap_or_default();
        // First what the client can do something about.
        if there >= table.limit_per_address {
            return Err(Refusal::TooManyFromThere);
        }
        if table.total >= table.limit {
            return Err(Refusal::Full);
        }
        table.total += 1;
        table.clients.insert(client, there + 1);
        Ok(Place {
            addresses: self.clone(),
            client,
        })
    }

    /// Counts are right at every moment, so that a panic elsewhere spoils nothing.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.addresses.table();
        table.total -= 1;
        let left = table.clients.get(&self.client).map_or(0, |there| there - 1);
        if left == 0 {
            table.clients.remove(&self.client);
        } else {
            table.clients.insert(self.client, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn places_are_counted_by_address_and_in_all() {
        let addresses = Addresses::new(3, 2);
        let first = addresses.admit(address(1)).unwrap();
        let _second = addresses.admit(address(1)).unwrap();
        let refused = addresses.admit(address(1)).unwrap_err();
        assert_eq!(refused, Refusal::TooManyFromThere);
        let _third = addresses.admit(address(2)).unwrap();
        assert_eq!(addresses.admit(address(3)).unwrap_err(), Refusal::Full);
        drop(first);
        addresses.admit(address(1)).unwrap();
    }

    #[test]
    fn nobody_is_remembered_who_has_gone() {
        let addresses = Addresses::new(10, 2);
        for last in 0..200 {
            addresses.admit(address(last)).unwrap();
        }
        assert!(addresses.table().clients.is_empty());
        assert_eq!(addresses.table().total, 0);
    }
}
