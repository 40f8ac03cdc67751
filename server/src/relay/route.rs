//! Where a recipient's mail goes, and how.

use std::net::IpAddr;

use crate::command::address_literal;
use crate::config::{Delivery, HopTls};

/// What mail is sent to: all recipients with the same one share sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Destination {
    pub(super) target: Target,
    /// What is asked of its sessions. Recipients of whom different things are asked share none.
    pub(super) tls: HopTls,
}

/// Whose hosts take the mail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Target {
    /// A route or the `next_hop`, `HOST:PORT`.
    Host(String),
    /// The hosts that the DNS names for a domain, in lower case.
    Domain(String),
    /// An address literal.
    Address(IpAddr),
    /// A mailbox without a domain that can be looked up.
    Nowhere,
    /// There are routes, and none of them is for this mailbox.
    Unrouted,
}

/// The destination of a mailbox.
pub(super) fn destination(
    mailbox: &str,
    next_hop: Option<&str>,
    delivery: &Delivery,
) -> Destination {
    let domain = domain(mailbox);
    let target = match (route(mailbox, delivery).or(next_hop), &domain) {
        (Some(host), _) => Target::Host(host.to_owned()),
        (None, _) if !delivery.mx => Target::Unrouted,
        (None, Some(literal)) if literal.starts_with('[') => {
            address_literal(literal.as_bytes()).map_or(Target::Nowhere, Target::Address)
        }
        (None, Some(domain)) => Target::Domain(domain.clone()),
        (None, None) => Target::Nowhere,
    };
    let names = [domain, target.host()];
    let special = delivery
        .tls_for
        .iter()
        .filter(|(name, _)| names.contains(&Some(name.to_lowercase())));
    let tls = special
        .map(|(_, tls)| *tls)
        .max_by_key(|tls| strictness(*tls))
        .unwrap_or(delivery.tls);
    Destination { target, tls }
}

/// Where a mailbox's domain is routed to by the configuration, if it is.
pub(crate) fn route<'d>(mailbox: &str, delivery: &'d Delivery) -> Option<&'d str> {
    let domain = domain(mailbox)?;
    let mut routes = delivery.routes.iter();
    routes
        .find(|(name, _)| domain == name.to_lowercase())
        .map(|(_, host)| host.as_str())
}

fn domain(mailbox: &str) -> Option<String> {
    mailbox
        .rsplit_once('@')
        .map(|(_, domain)| domain.to_lowercase())
}

impl Target {
    /// The host that is configured or named by its address, as `tls_for` calls it.
    fn host(&self) -> Option<String> {
        match self {
            Target::Host(host) => {
                let name = host
                    .rsplit_once(':')
                    .map_or(host.as_str(), |(name, _)| name);
                Some(name.to_lowercase())
            }
            Target::Address(address) => Some(address.to_string()),
            Target::Domain(_) | Target::Nowhere | Target::Unrouted => None,
        }
    }
}

/// Where both a recipient's domain and a host have a rule, the stricter one counts.
fn strictness(tls: HopTls) -> u8 {
    match tls {
        HopTls::None => 0,
        HopTls::Opportunistic => 1,
        HopTls::Required => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[rstest]
    #[case("a@B.Example", None, false, Target::Unrouted)]
    #[case("a@B.Example", None, true, Target::Domain("b.example".to_owned()))]
    #[case("a@b.example", Some("hop:25"), true, Target::Host("hop:25".to_owned()))]
    #[case("a@Routed.example", Some("hop:25"), true, Target::Host("r:26".to_owned()))]
    #[case("\"@\"@[127.0.0.1]", None, true, Target::Address(Ipv4Addr::LOCALHOST.into()))]
    #[case("a@[IPv6:::1]", None, true, Target::Address(Ipv6Addr::LOCALHOST.into()))]
    #[case("a@[127.000.000.001]", None, true, Target::Address(Ipv4Addr::LOCALHOST.into()))]
    #[case("a@[x400:b]", None, true, Target::Nowhere)]
    #[case("postmaster", None, true, Target::Nowhere)]
    #[case("postmaster", Some("hop:25"), true, Target::Host("hop:25".to_owned()))]
    fn a_mailbox_has_one_destination(
        #[case] mailbox: &str,
        #[case] next_hop: Option<&str>,
        #[case] mx: bool,
        #[case] expected: Target,
    ) {
        let routes = [("routed.Example".to_owned(), "r:26".to_owned())].into();
        let delivery = Delivery {
            routes,
            mx,
            ..Delivery::default()
        };
        let found = destination(mailbox, next_hop, &delivery);
        assert_eq!(found.target, expected);
        assert_eq!(found.tls, HopTls::Opportunistic);
    }
    #[rstest]
    #[case("a@other.example", HopTls::None)]
    #[case("a@Strict.example", HopTls::Required)]
    #[case("a@lax.example", HopTls::None)]
    #[case("a@routed.example", HopTls::Required)]
    #[case("a@plain.example", HopTls::Opportunistic)]
    fn the_stricter_rule_of_domain_and_host_counts(#[case] mailbox: &str, #[case] tls: HopTls) {
        let route = |domain: &str, host: &str| (domain.to_owned(), host.to_owned());
        let rule = |name: &str, tls| (name.to_owned(), tls);
        let delivery = Delivery {
            routes: [
                route("routed.example", "inner.example:25"),
                route("plain.example", "elsewhere.example:25"),
            ]
            .into(),
            tls_for: [
                rule("Hop.example", HopTls::None),
                rule("strict.example", HopTls::Required),
                rule("lax.example", HopTls::None),
                rule("inner.example", HopTls::Required),
                rule("routed.example", HopTls::None),
            ]
            .into(),
            ..Delivery::default()
        };
        let found = destination(mailbox, Some("hop.example:25"), &delivery);
        assert_eq!(found.tls, tls);
    }
}
