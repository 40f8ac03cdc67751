//! The closed network of one target: both families, and no way out but to our next hop.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use testcontainers::bollard::{
    models::{Ipam, IpamConfig, NetworkCreateRequest},
    query_parameters::InspectNetworkOptions,
};

use super::{engine::Engine, label};
use crate::error::Error;

/// A network. When it is dropped everything that is left in it is removed, and then itself.
#[derive(Debug)]
pub(super) struct Network {
    /// Its name.
    pub(super) name: String,
    /// The address that this machine has in it.
    pub(super) gateway: Ipv4Addr,
}

/// The addresses of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) inet: Ipv4Addr,
    pub(super) inet6: Ipv6Addr,
}

impl Network {
    /// Makes one. Its IPv6 addresses are ours alone (RFC 4193 section 3.2); its IPv4 addresses are kept for
    /// tests (RFC 2544 appendix C.2.2), so that no configuration says anything about them.
    pub(super) fn create() -> Result<Network, Error> {
        let mut network = Network::make(true)?;
        network.gateway = network.ask_gateway(Engine::find()?)?;
        Ok(network)
    }

    fn make(both_families: bool) -> Result<Network, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let network = Network {
            name: format!("msaspec-{}-{count}", label::run()?),
            gateway: Ipv4Addr::UNSPECIFIED,
        };
        for _ in 0..ATTEMPTS {
            match network.request(Some(for_tests()?), both_families) {
                Ok(()) => return Ok(network),
                // Another network has it.
                Err(error) if error.to_string().contains("overlap") => {}
                Err(error) => return Err(error),
            }
        }
        network.request(None, both_families).map(|()| network)
    }

    fn request(&self, inet: Option<String>, both_families: bool) -> Result<(), Error> {
        let engine = Engine::find()?;
        let subnet = |subnet: String| IpamConfig {
            subnet: Some(subnet),
            ..IpamConfig::default()
        };
        let inet6 = format!("{}/64", unique_local()?);
        let inet6 = both_families.then_some(inet6);
        let request = NetworkCreateRequest {
            name: self.name.clone(),
            internal: Some(true),
            enable_ipv6: Some(both_families),
            ipam: Some(Ipam {
                config: Some(inet.into_iter().chain(inet6).map(subnet).collect()),
                ..Ipam::default()
            }),
            labels: Some(self.labels()?),
            ..NetworkCreateRequest::default()
        };
        let what = "cannot make a network with IPv4 and IPv6";
        engine
            .ask(what, engine.docker().create_network(request))
            .map(drop)
    }

    /// The labels of everything in this network.
    pub(super) fn labels(&self) -> Result<HashMap<String, String>, Error> {
        let mut labels = label::ours()?;
        labels.insert(label::NETWORK.to_owned(), self.name.clone());
        Ok(labels)
    }

    /// The addresses that a container has in this network.
    pub(super) fn addresses(&self, container: &str) -> Result<Addresses, Error> {
        let engine = Engine::find()?;
        let inspect = engine.docker().inspect_container(container, None);
        let inspect = engine.ask("cannot inspect a container", inspect)?;
        let networks = inspect
            .network_settings
            .and_then(|settings| settings.networks);
        let endpoint = networks.and_then(|mut networks| networks.remove(&self.name));
        let endpoint = endpoint.unwrap_or_default();
        let parse = |text: Option<String>| text.and_then(|text| text.parse::<IpAddr>().ok());
        match (
            parse(endpoint.ip_address),
            parse(endpoint.global_ipv6_address),
        ) {
            (Some(IpAddr::V4(inet)), Some(IpAddr::V6(inet6))) => Ok(Addresses { inet, inet6 }),
            (inet, inet6) => Err(Error::Target(format!(
                "the engine gave a container the addresses {inet:?} and {inet6:?}, where one of IPv4 and one of IPv6 are needed"
            ))),
        }
    }

    fn ask_gateway(&self, engine: &Engine) -> Result<Ipv4Addr, Error> {
        let docker = engine.docker();
        let inspect = docker.inspect_network(&self.name, None::<InspectNetworkOptions>);
        let inspect = engine.ask("cannot inspect a network", inspect)?;
        let configs = inspect
            .ipam
            .and_then(|ipam| ipam.config)
            .unwrap_or_default();
        gateway(&configs)
            .ok_or_else(|| Error::Target("the engine gave a network no IPv4 gateway".to_owned()))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let mine = format!("{}={}", label::NETWORK, self.name);
        let removal = Engine::find().and_then(|engine| label::remove(engine, &mine, &|_, _| true));
        if let Err(e) = removal {
            tracing::warn!("{} is left behind until the next run: {e}", self.name);
        }
    }
}

/// Whether the engine makes networks with IPv6; asked once. What else goes wrong is no reason to do without
/// containers: the start says it.
///
/// # Errors
/// The engine's word.
pub(super) fn probe() -> Result<(), String> {
    static PROBE: OnceLock<Result<(), String>> = OnceLock::new();
    let probe = || match Network::make(true) {
        Err(e) if Network::make(false).is_ok() => Err(format!(
            "the engine has no IPv6, which every target needs: {e}"
        )),
        _ => Ok(()),
    };
    PROBE.get_or_init(probe).clone()
}

/// This machine's IPv4 address in the network: what the engine says, or, where newer engines say nothing about
/// a closed network, the first address, which is what they take.
fn gateway(configs: &[IpamConfig]) -> Option<Ipv4Addr> {
    let mut gateways = configs.iter().filter_map(|config| config.gateway.as_ref());
    let gateway = gateways.find_map(|gateway| gateway.parse().ok());
    let mut subnets = configs.iter().filter_map(|config| config.subnet.as_ref());
    gateway.or_else(|| subnets.find_map(|subnet| first_address(subnet)))
}

fn first_address(subnet: &str) -> Option<Ipv4Addr> {
    let (address, length) = subnet.split_once('/')?;
    let address: Ipv4Addr = address.parse().ok()?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 30)?;
    let network = address.to_bits() & !(u32::MAX.checked_shr(length).unwrap_or(0));
    Some(Ipv4Addr::from_bits(network + 1))
}

/// One of 512 networks in 198.18.0.0/15.
fn for_tests() -> Result<String, Error> {
    let mut octets = [0; 2];
    getrandom::fill(&mut octets).map_err(Error::Random)?;
    Ok(format!("198.{}.{}.0/24", 18 + (octets[0] & 1), octets[1]))
}

/// How often a network that nobody has is looked for before the engine chooses.
const ATTEMPTS: usize = 20;

/// A prefix of 64 bits that nobody else has.
fn unique_local() -> Result<Ipv6Addr, Error> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets[1..8]).map_err(Error::Random)?;
    octets[0] = 0xfd;
    Ok(octets.into())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::told(&[("fd00::/64", Some("fd00::1")), ("172.18.0.0/16", Some("172.18.0.9"))], Some("172.18.0.9"))]
    #[case::not_told(&[("fd00::/64", None), ("172.18.3.0/24", None)], Some("172.18.3.1"))]
    #[case::not_at_the_beginning(&[("10.0.0.77/26", None)], Some("10.0.0.65"))]
    #[case::too_small(&[("10.0.0.0/31", None)], None)]
    #[case::no_subnet(&[("10.0.0.0", None), ("x/8", None)], None)]
    fn the_gateway_is_told_or_the_first_address(
        #[case] configs: &[(&str, Option<&str>)],
        #[case] expected: Option<&str>,
    ) {
        let config = |(subnet, gateway): &(&str, Option<&str>)| IpamConfig {
            subnet: Some((*subnet).to_owned()),
            gateway: gateway.map(str::to_owned),
            ..IpamConfig::default()
        };
        let configs: Vec<_> = configs.iter().map(config).collect();
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(gateway(&configs), expected);
    }
}
