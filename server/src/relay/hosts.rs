//! The hosts of a destination, as the DNS names and orders them (RFC 5321, section 5.1).

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::net::lookup_host;

use super::fault::HopFault;
use super::ourselves::Ourselves;
use super::route::Target;
use crate::config::Delivery;
use crate::dns::{Dns, DnsFault};

/// One host that takes mail for a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// Its name, or its address where it has no name.
    pub(super) name: String,
    pub(super) port: u16,
    /// The preference of its MX record; less is better.
    pub(super) rank: u16,
    /// Whether the DNS named it; the system looks up what was configured.
    by_dns: bool,
}

/// Asks the DNS, or the system where a host is configured.
pub(super) struct Directory {
    /// Only where the DNS decides.
    dns: Option<Dns>,
    ourselves: Ourselves,
    port: u16,
}

impl Directory {
    /// Reads the system's name servers, unless others are configured or none is needed.
    pub(super) fn new(ourselves: Ourselves, delivery: &Delivery) -> Result<Self, String> {
        let dns = match delivery.mx {
            true => Some(Dns::new(&delivery.resolver)?),
            false => None,
        };
        Ok(Directory {
            dns,
            ourselves,
            port: delivery.port,
        })
    }

    /// Whom to try, in that order. Not one of them without a fault.
    pub(super) async fn hosts(&self, target: &Target) -> Result<Vec<Host>, HopFault> {
        let port = self.port;
        let host = |(rank, name)| Host {
            name,
            port,
            rank,
            by_dns: true,
        };
        match target {
            Target::Host(address) => {
                let (name, port) = address.rsplit_once(':').unwrap_or((address, ""));
                let port = port.parse().map_err(|_| nobody("5.4.4", "no port"))?;
                let name = name.trim_matches(['[', ']']).to_owned();
                Ok(vec![Host {
                    name,
                    port,
                    rank: 0,
                    by_dns: false,
                }])
            }
            Target::Address(address) => Ok(vec![host((0, address.to_string()))]),
            Target::Unrouted => Err(nobody("5.4.4", "no route leads to the domain")),
            Target::Nowhere => Err(nobody("5.1.3", "the address has no domain to send to")),
            Target::Domain(domain) => {
                let names = self.exchangers(domain).await?;
                Ok(names.into_iter().map(host).collect())
            }
        }
    }

    /// Whether mail to that host would come back to us.
    pub(super) fn is_own(&self, addresses: &[SocketAddr]) -> bool {
        addresses.iter().any(|to| self.ourselves.listen_at(*to))
    }

    /// The addresses of a host, in the order in which the DNS gives them; none if it has none.
    pub(super) async fn addresses(&self, host: &Host) -> Result<Vec<SocketAddr>, HopFault> {
        let literal = host.name.parse().ok();
        if let Some(address) = literal {
            return Ok(vec![SocketAddr::new(address, host.port)]);
        }
        let Some(dns) = self.dns.as_ref().filter(|_| host.by_dns) else {
            let found = lookup_host((host.name.as_str(), host.port)).await?;
            return Ok(found.collect());
        };
        let (four, six) = tokio::join!(
            addresses_of(dns, &host.name, RecordType::A),
            addresses_of(dns, &host.name, RecordType::AAAA)
        );
        let addresses = of_both(four, six)?.into_iter();
        let addresses = addresses.map(|address| SocketAddr::new(address, host.port));
        Ok(addresses.collect())
    }

    /// Ranks and names of the MX records, or the domain itself if it has none.
    async fn exchangers(&self, domain: &str) -> Result<Vec<(u16, String)>, HopFault> {
        let Some(dns) = &self.dns else {
            return Err(nobody("4.4.4", "no name server"));
        };
        let mut records = Vec::new();
        for data in dns.records(domain, RecordType::MX).await? {
            if let RData::MX(record) = data {
                let name = record.exchange().to_ascii();
                records.push((record.preference(), name.trim_end_matches('.').to_owned()));
            }
        }
        match records.is_empty() {
            true => Ok(vec![(0, domain.to_owned())]),
            false => ordered(records, &self.ourselves.name),
        }
    }
}

/// The most preferred first, equal ones in random order; ourselves and all that is not better than
/// we are left out, since they would send it back to us.
fn ordered(mut records: Vec<(u16, String)>, own: &str) -> Result<Vec<(u16, String)>, HopFault> {
    // RFC 7505: a single record without a name says that the domain takes no mail.
    records.retain(|(_, name)| !name.is_empty());
    if records.is_empty() {
        return Err(nobody("5.1.10", "the domain takes no mail (null MX)"));
    }
    let is_own = |(_, name): &&(u16, String)| name.eq_ignore_ascii_case(own);
    if let Some(limit) = records.iter().filter(is_own).map(|(rank, _)| *rank).min() {
        records.retain(|(rank, _)| *rank < limit);
    }
    if records.is_empty() {
        return Err(leads_back());
    }
    let mut shuffled: Vec<_> = records
        .into_iter()
        .map(|(rank, name)| (rank, random(), name))
        .collect();
    shuffled.sort();
    let records = shuffled.into_iter();
    Ok(records.map(|(rank, _, name)| (rank, name)).collect())
}

/// Nobody is left but ourselves.
pub(super) fn leads_back() -> HopFault {
    nobody("5.4.6", "the domain's mail leads back to us")
}

/// The addresses of one family. That a host does not exist says that it has none.
async fn addresses_of(dns: &Dns, host: &str, kind: RecordType) -> Result<Vec<IpAddr>, HopFault> {
    match dns.records(host, kind).await {
        Ok(found) => Ok(found.iter().filter_map(RData::ip_addr).collect()),
        Err(DnsFault::NoSuchName) => Ok(Vec::new()),
        Err(fault) => Err(fault.into()),
    }
}

/// The addresses of both families. Where one cannot be asked for now, the other will do, but only
/// two answers say that there is no address.
fn of_both(
    four: Result<Vec<IpAddr>, HopFault>,
    six: Result<Vec<IpAddr>, HopFault>,
) -> Result<Vec<IpAddr>, HopFault> {
    let mut addresses = Vec::new();
    let mut fault = None;
    for found in [four, six] {
        match found {
            Ok(found) => addresses.extend(found),
            Err(error) => fault = Some(error),
        }
    }
    match fault {
        Some(fault) if addresses.is_empty() => Err(fault),
        _ => Ok(addresses),
    }
}

/// Without a source of randomness the order is that of the names.
fn random() -> [u8; 4] {
    let mut octets = [0; 4];
    let _ = getrandom::fill(&mut octets);
    octets
}

fn nobody(status: &'static str, why: &str) -> HopFault {
    HopFault::NoHost {
        status,
        why: why.to_owned(),
    }
}

impl From<DnsFault> for HopFault {
    fn from(fault: DnsFault) -> Self {
        let status = match fault {
            DnsFault::NotAName | DnsFault::NoSuchName => "5.1.2",
            DnsFault::Unanswered(_) => "4.4.3",
        };
        nobody(status, &fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn names(hosts: Vec<(u16, String)>) -> Vec<String> {
        hosts.into_iter().map(|(_, name)| name).collect()
    }

    #[rstest]
    #[case(&[(10, "b"), (5, "a"), (20, "c")], "a b c")]
    #[case(&[(0, "")], "5.1.10")]
    #[case(&[(0, ""), (5, "a")], "a")]
    #[case(&[(10, "b"), (5, "a"), (10, "OWN.example"), (20, "c")], "a")]
    #[case(&[(5, "a"), (5, "own.example")], "5.4.6")]
    fn exchangers_are_tried_by_preference(#[case] records: &[(u16, &str)], #[case] expected: &str) {
        let records = records
            .iter()
            .map(|(rank, name)| (*rank, (*name).to_owned()))
            .collect();
        let found = match ordered(records, "own.example") {
            Ok(hosts) => names(hosts).join(" "),
            Err(HopFault::NoHost { status, .. }) => status.to_owned(),
            Err(fault) => panic!("{fault}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn one_family_of_addresses_will_do() {
        let some = || Ok(vec![IpAddr::from([127, 0, 0, 1])]);
        let fault = || Err(nobody("4.4.3", "DNS"));
        assert_eq!(of_both(some(), fault()), some());
        assert_eq!(of_both(fault(), some()), some());
        assert_eq!(of_both(Ok(Vec::new()), fault()), fault());
        assert_eq!(of_both(Ok(Vec::new()), Ok(Vec::new())), Ok(Vec::new()));
    }

    #[test]
    fn equal_exchangers_share_the_load() {
        let records = || {
            vec![
                (5, "a".to_owned()),
                (5, "b".to_owned()),
                (9, "c".to_owned()),
            ]
        };
        let firsts: std::collections::BTreeSet<String> = (0..100)
            .map(|_| names(ordered(records(), "own.example").unwrap()).remove(0))
            .collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
