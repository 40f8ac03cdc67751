//! The closed network of one target: both families, and no way out but to our next hop.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::atomic::{AtomicU32, Ordering},
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
    /// Makes one. The engine chooses the IPv4 addresses, we the IPv6 addresses (RFC 4193 section 3.2).
    pub(super) fn create() -> Result<Network, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let engine = Engine::find()?;
        let mut network = Network {
            name: format!("msaspec-{}-{count}", label::run()?),
            gateway: Ipv4Addr::UNSPECIFIED,
        };
        let subnet = IpamConfig {
            subnet: Some(format!("{}/64", unique_local()?)),
            ..IpamConfig::default()
        };
        let request = NetworkCreateRequest {
            name: network.name.clone(),
            internal: Some(true),
            enable_ipv6: Some(true),
            ipam: Some(Ipam {
                config: Some(vec![subnet]),
                ..Ipam::default()
            }),
            labels: Some(network.labels()?),
            ..NetworkCreateRequest::default()
        };
        let what = "cannot make a network with IPv4 and IPv6";
        engine.ask(what, engine.docker().create_network(request))?;
        network.gateway = network.ask_gateway(engine)?;
        Ok(network)
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
        let mut gateways = configs.into_iter().filter_map(|config| config.gateway);
        let gateway = gateways.find_map(|gateway| gateway.parse().ok());
        gateway.ok_or_else(|| Error::Target("the engine gave a network no IPv4 gateway".to_owned()))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let mine = format!("{}={}", label::NETWORK, self.name);
        let removal = Engine::find().and_then(|engine| label::remove(engine, &mine, &|_| true));
        if let Err(e) = removal {
            tracing::warn!("{} is left behind until the next run: {e}", self.name);
        }
    }
}

/// A prefix of 64 bits that nobody else has.
fn unique_local() -> Result<Ipv6Addr, Error> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets[1..8]).map_err(Error::Random)?;
    octets[0] = 0xfd;
    Ok(octets.into())
}
