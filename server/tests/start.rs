//! What a start promises, apart from the wire: which listeners are open, and which errors are told.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use msaspec_server::spool::SpoolError;
use msaspec_server::{Config, ConfigError, Server, StartError};

fn config(listeners: &[&str]) -> (Config, tempfile::TempDir) {
    let spool = tempfile::tempdir().unwrap();
    let mut config = Config::modern("msa.example.org", spool.path());
    config.listeners = listeners.iter().map(|text| text.parse().unwrap()).collect();
    (config, spool)
}

/// A port of the IPv4 loopback that somebody else holds.
fn taken() -> (std::net::TcpListener, String) {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    (holder, address)
}

#[tokio::test]
async fn both_families_have_ports_of_their_own() {
    let (config, _spool) = config(&["127.0.0.1:0,M=Ea", "[::1]:0,M=Ea", "127.0.0.1:0/tls"]);
    let server = Server::start(config).await.unwrap();
    let families: Vec<_> = server
        .listeners()
        .iter()
        .map(|bound| bound.address.is_ipv6())
        .collect();
    assert_eq!(families, [false, true, false]);
    assert!(
        server
            .listeners()
            .iter()
            .all(|bound| bound.address.port() != 0)
    );
    assert!(server.listeners()[2].implicit_tls);
    assert!(server.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
    server.shutdown().await;
}

#[tokio::test]
async fn one_port_serves_both_families() {
    let (mut config, _spool) = config(&["0.0.0.0:0"]);
    let first = Server::start(config.clone()).await.unwrap();
    let port = first.listeners()[0].address.port();
    let other_spool = tempfile::tempdir().unwrap();
    config.spool = Some(other_spool.path().to_path_buf());
    config.listeners = vec![format!("[::]:{port}").parse().unwrap()];
    let second = Server::start(config).await.unwrap();
    assert_eq!(second.listeners()[0].address.port(), port);
}

#[tokio::test]
async fn a_listener_that_cannot_be_opened_ends_the_start() {
    let (_holder, address) = taken();
    let (config, _spool) = config(&["127.0.0.1:0", &address]);
    let error = Server::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }));
    assert!(error.to_string().contains(&address), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn an_optional_listener_is_left_out() {
    let (_holder, address) = taken();
    let (config, _spool) = config(&[&format!("{address},M=Oa"), "127.0.0.1:0,M=Oa"]);
    let server = Server::start(config).await.unwrap();
    assert_eq!(server.listeners().len(), 1);
}

#[tokio::test]
async fn no_listener_at_all_is_an_error() {
    let (_holder, address) = taken();
    let (config, _spool) = config(&[&format!("{address},M=Oa")]);
    assert!(matches!(
        Server::start(config).await,
        Err(StartError::NoListener)
    ));
}

#[tokio::test]
async fn md5_without_a_secret_is_refused() {
    let spool = tempfile::tempdir().unwrap();
    let mut config = Config::origin("msa.example.org", spool.path());
    config.listeners = vec!["127.0.0.1:0".parse().unwrap()];
    let error = Server::start(config).await.unwrap_err();
    assert!(
        matches!(error, StartError::Config(ConfigError::Unserved { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn one_spool_has_one_server() {
    let (config, _spool) = config(&["127.0.0.1:0"]);
    let first = Server::start(config.clone()).await.unwrap();
    let second = Server::start(config.clone()).await;
    assert!(matches!(
        second,
        Err(StartError::Spool(SpoolError::InUse(_)))
    ));
    first.shutdown().await;
    let third = Server::start(config).await.unwrap();
    third.shutdown().await;
}
