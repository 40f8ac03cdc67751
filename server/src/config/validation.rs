//! What a configuration is refused for before anything is opened.

use std::time::Duration;

use tokio_rustls::rustls::crypto::ring::default_provider;

use super::limits::YEAR;
use super::{Config, ConfigError};
use crate::auth;
use crate::command::is_domain;
use crate::rewrite;
use crate::senders;
use crate::tls;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    if !is_domain(config.hostname.as_bytes()) {
        return refuse("hostname", format!("{:?} is not a domain", config.hostname));
    }
    if config.listeners.is_empty() {
        return refuse("listeners", "none given");
    }
    for (place, listener) in config.listeners.iter().enumerate() {
        let address = listener.address;
        let mut before = config.listeners[..place].iter();
        if address.port() != 0 && before.any(|other| other.address == address) {
            return refuse("listeners", format!("{address} is listed twice"));
        }
        if listener.fix.rewrite && config.rewrite.is_empty() {
            let name = &listener.name;
            return refuse(
                "listeners",
                format!("{name} would rewrite, and there is nothing in rewrite"),
            );
        }
        let modifiers = listener.modifiers;
        if listener.require_tls && modifiers.no_starttls && !modifiers.implicit_tls {
            let name = &listener.name;
            return refuse(
                "listeners",
                format!("{name} requires TLS, and its modifier S leaves STARTTLS out"),
            );
        }
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
    let spool = config.spool.as_ref();
    if spool.is_some_and(|folder| folder.as_os_str().is_empty()) {
        return refuse("spool", "not a path");
    }
    if let Err(message) = rewrite::check(&config.rewrite) {
        return refuse("rewrite", message);
    }
    let numbers = [
        ("idle_seconds", config.idle_seconds),
        ("size_limit", config.size_limit),
    ];
    if let Some((key, _)) = numbers.iter().find(|(_, number)| *number == 0) {
        return refuse(key, "at least 1");
    }
    if config.idle_seconds > YEAR {
        return refuse("idle_seconds", too_long());
    }
    if let Some(hop) = &config.next_hop
        && !is_host_and_port(hop)
    {
        return refuse("next_hop", "not HOST:PORT (IPv6 as [::1]:25)");
    }
    config.limits.check()?;
    delivery(config)?;
    for (place, mechanism) in config.mechanisms.iter().enumerate() {
        if config.mechanisms[..place].contains(mechanism) {
            return refuse("mechanisms", format!("{mechanism} is listed twice"));
        }
    }
    tls::given(config, &default_provider())?;
    tls::client_authorities(config)?;
    auth::check_backends(config)
}

/// The domain that a host is in, by which unqualified domains are completed.
pub(super) fn completion(hostname: &str) -> Option<&str> {
    let (_, domain) = hostname.split_once('.')?;
    domain.contains('.').then_some(domain)
}

fn delivery(config: &Config) -> Result<(), ConfigError> {
    if config.retry() < Duration::from_millis(1) {
        return refuse("retry_seconds", "not a wait of a millisecond or more");
    }
    let delivery = &config.delivery;
    let deadlines = &config.hop_deadlines;
    let deadlines = [
        ("hop_deadlines.connect", deadlines.connect),
        ("hop_deadlines.greeting", deadlines.greeting),
        ("hop_deadlines.mail", deadlines.mail),
        ("hop_deadlines.rcpt", deadlines.rcpt),
        ("hop_deadlines.data", deadlines.data),
        ("hop_deadlines.commands", deadlines.commands),
        ("hop_deadlines.block", deadlines.block),
        ("hop_deadlines.content", deadlines.content),
        ("hop_deadlines.end_of_data", deadlines.end_of_data),
    ];
    if let Some((key, _)) = deadlines.iter().find(|(_, time)| time.is_zero()) {
        return refuse(key, "more than 0; nothing could be delivered");
    }
    if delivery.port == 0 {
        return refuse("delivery.port", "not a port");
    }
    let times = [
        ("retry_seconds", config.retry()),
        ("delivery.longest_retry", delivery.longest_retry),
        ("delivery.lifetime", delivery.lifetime),
        ("delivery.delay_report_after", delivery.delay_report_after),
        ("delivery.idle", delivery.idle),
    ];
    if let Some((key, _)) = times.iter().find(|(_, time)| time.as_secs() > YEAR) {
        return refuse(key, too_long());
    }
    if let Some((domain, _)) = delivery.routes.iter().find(|(_, to)| !is_host_and_port(to)) {
        let message = format!("{domain}: not HOST:PORT (IPv6 as [::1]:25)");
        return refuse("delivery.routes", message);
    }
    if delivery.connections == 0 || delivery.connections_per_destination == 0 {
        return refuse("delivery.connections", "at least 1");
    }
    if !(0.0..=1.0).contains(&delivery.jitter) {
        return refuse("delivery.jitter", "not between 0 and 1");
    }
    if let Some(path) = &delivery.ca_file {
        tls::authorities("delivery.ca_file", path)?;
    }
    Ok(())
}

fn too_long() -> String {
    format!("at most {YEAR}, which is a year")
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
