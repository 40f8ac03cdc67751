//! Where a recipient's mail goes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::Delivery;

/// What mail is sent to: all recipients with the same one share sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Destination {
    /// A route or the `next_hop`, `HOST:PORT`.
    Host(String),
    /// The hosts that the DNS names for a domain, in lower case.
    Domain(String),
    /// An address literal.
    Address(IpAddr),
    /// A mailbox without a domain that can be looked up.
    Nowhere,
}

/// The destination of a mailbox; nothing if its mail stays in the spool.
pub(super) fn destination(
    mailbox: &str,
    next_hop: Option<&str>,
    delivery: &Delivery,
) -> Option<Destination> {
    let domain = mailbox
        .rsplit_once('@')
        .map(|(_, domain)| domain.to_lowercase());
    let route = delivery
        .routes
        .iter()
        .find(|(name, _)| domain.as_deref() == Some(name.to_lowercase().as_str()))
        .map(|(_, host)| host.as_str());
    if let Some(host) = route.or(next_hop) {
        return Some(Destination::Host(host.to_owned()));
    }
    delivery.mx.then(|| match domain {
        Some(literal) if literal.starts_with('[') => {
            address_literal(&literal).map_or(Destination::Nowhere, Destination::Address)
        }
        Some(domain) => Destination::Domain(domain),
        None => Destination::Nowhere,
    })
}

impl Destination {
    /// What `tls_for` calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Destination::Host(host) => match host.rsplit_once(':') {
                Some((name, _)) => name.to_lowercase(),
                None => host.clone(),
            },
            Destination::Domain(domain) => domain.clone(),
            Destination::Address(address) => address.to_string(),
            Destination::Nowhere => String::new(),
        }
    }
}

/// RFC 5321, section 4.1.3.
fn address_literal(literal: &str) -> Option<IpAddr> {
    let text = literal.strip_prefix('[')?.strip_suffix(']')?;
    match text.strip_prefix("ipv6:") {
        Some(address) => address.parse().map(|address: Ipv6Addr| address.into()).ok(),
        None => text.parse().map(|address: Ipv4Addr| address.into()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a@B.Example", None, false, None)]
    #[case("a@B.Example", None, true, Some(Destination::Domain("b.example".to_owned())))]
    #[case("a@b.example", Some("hop:25"), true, Some(Destination::Host("hop:25".to_owned())))]
    #[case("a@Routed.example", Some("hop:25"), true, Some(Destination::Host("r:26".to_owned())))]
    #[case("\"@\"@[127.0.0.1]", None, true, Some(Destination::Address(Ipv4Addr::LOCALHOST.into())))]
    #[case("a@[IPv6:::1]", None, true, Some(Destination::Address(Ipv6Addr::LOCALHOST.into())))]
    #[case("a@[x400:b]", None, true, Some(Destination::Nowhere))]
    #[case("postmaster", None, true, Some(Destination::Nowhere))]
    #[case("postmaster", Some("hop:25"), true, Some(Destination::Host("hop:25".to_owned())))]
    fn a_mailbox_has_one_destination(
        #[case] mailbox: &str,
        #[case] next_hop: Option<&str>,
        #[case] mx: bool,
        #[case] expected: Option<Destination>,
    ) {
        let routes = [("routed.Example".to_owned(), "r:26".to_owned())].into();
        let delivery = Delivery {
            routes,
            mx,
            ..Delivery::default()
        };
        assert_eq!(destination(mailbox, next_hop, &delivery), expected);
    }
}
