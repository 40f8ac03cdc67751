//! What a configuration is refused for before anything is opened.

use super::limits::YEAR;
use super::{Config, ConfigError};
use crate::auth;
use crate::command::is_domain;
use crate::senders;
use crate::tls;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    if !is_domain(config.hostname.as_bytes()) {
        return refuse("hostname", "not a domain");
    }
    if config.listeners.is_empty() {
        return refuse("listeners", "none given");
    }
    for listener in &config.listeners {
        if !listener.refuse.unqualified && completion(&config.hostname).is_none() {
            let name = &listener.name;
            return refuse(
                "listeners",
                format!("{name} would complete domains by that of hostname, which is in none"),
            );
        }
    }
    for (user, own) in &config.senders {
        if let Some(entry) = own.iter().find(|entry| !senders::is_entry(entry)) {
            return refuse(
                "senders",
                format!("{entry:?} of {user} is neither an address nor @DOMAIN"),
            );
        }
    }
    let numbers = [
        ("retry_seconds", config.retry_seconds),
        ("idle_seconds", config.idle_seconds),
        ("size_limit", config.size_limit),
    ];
    if let Some((key, _)) = numbers.iter().find(|(_, number)| *number == 0) {
        return refuse(key, "at least 1");
    }
    let times = [
        ("retry_seconds", config.retry_seconds),
        ("idle_seconds", config.idle_seconds),
    ];
    if let Some((key, _)) = times.iter().find(|(_, seconds)| *seconds > YEAR) {
        return refuse(key, format!("at most {YEAR}, which is a year"));
    }
    if let Some(hop) = &config.next_hop
        && !is_host_and_port(hop)
    {
        return refuse("next_hop", "not HOST:PORT (IPv6 as [::1]:25)");
    }
    config.limits.check()?;
    for (place, mechanism) in config.mechanisms.iter().enumerate() {
        if config.mechanisms[..place].contains(mechanism) {
            return refuse("mechanisms", format!("{mechanism} is listed twice"));
        }
    }
    tls::client_authorities(config)?;
    auth::check_backends(config)
}

/// The domain that a host is in, by which unqualified domains are completed.
pub(super) fn completion(hostname: &str) -> Option<&str> {
    let (_, domain) = hostname.split_once('.')?;
    domain.contains('.').then_some(domain)
}

fn refuse(key: &'static str, message: impl Into<String>) -> Result<(), ConfigError> {
    Err(ConfigError::Value {
        key,
        message: message.into(),
    })
}

fn is_host_and_port(hop: &str) -> bool {
    let Some((host, port)) = hop.rsplit_once(':') else {
        return false;
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    port.parse::<u16>().is_ok_and(|port| port != 0)
        && !host.is_empty()
        && (bracketed || !host.contains(':'))
}
