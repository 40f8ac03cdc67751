//! Mail over TLS to a next hop: where it is offered, where it fails, and where it is required.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;
mod tls_hop;

use std::path::Path;
use std::time::Duration;

use msaspec_server::spool::Queue;
use msaspec_server::{Config, HopTls, Server};

use client::submit;
use tls_hop::{Hop, mail, open};

fn config(spool: &Path, hop: String, tls: HopTls) -> Config {
    let mut config = Config::origin("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0,M=a".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.next_hop = Some(hop);
    config.retry_seconds = 0.1;
    config.delivery.tls = tls;
    config
}

/// Submits a message and waits until it was tried, or has gone. Whether it has gone.
async fn delivered(config: Config, spool: &Path) -> bool {
    let server = Server::start(config).await.unwrap();
    submit(&server, &["b@example.com"]).await;
    let queue = Queue::open(spool).unwrap();
    let tried = async {
        loop {
            match queue.list().unwrap().first() {
                None => return true,
                Some(entry) if entry.recipients[0].attempts > 0 => return false,
                Some(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(20), tried)
        .await
        .unwrap();
    server.shutdown().await;
    gone
}

#[rstest::rstest]
#[case(Hop::Encrypts, HopTls::Opportunistic, Some(true))]
#[case(Hop::Encrypts, HopTls::None, Some(false))]
#[case(Hop::Encrypts, HopTls::Required, Some(true))]
#[case(Hop::Injects, HopTls::Opportunistic, Some(true))]
#[case(Hop::Refuses, HopTls::Opportunistic, Some(false))]
#[case(Hop::Refuses, HopTls::Required, None)]
#[case(Hop::Closes, HopTls::Opportunistic, None)]
#[case(Hop::Garbles, HopTls::Opportunistic, Some(false))]
#[case(Hop::Garbles, HopTls::Required, None)]
#[tokio::test]
async fn mail_goes_as_it_may(
    #[case] hop: Hop,
    #[case] tls: HopTls,
    #[case] expected: Option<bool>,
) {
    let folder = tempfile::tempdir().unwrap();
    let (address, pem, seen, _tasks) = open(hop).await;
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let spool = folder.path().join("spool");
    let mut config = config(&spool, address, tls);
    config.delivery.ca_file = Some(ca_file);
    assert_eq!(delivered(config, &spool).await, expected.is_some());
    assert_eq!(mail(&seen), expected);
    let seen = seen.lock().unwrap();
    assert!(
        !seen.iter().any(|(_, line)| line.contains("handshake")),
        "{seen:?}"
    );
    if hop != Hop::Garbles {
        assert_eq!(seen.last().unwrap().1, "QUIT", "{seen:?}");
    }
    let inside: Vec<_> = seen.iter().filter(|(encrypted, _)| *encrypted).collect();
    if expected == Some(true) {
        assert!(inside[0].1.starts_with("EHLO "), "{seen:?}");
        assert!(inside.iter().all(|(_, line)| line != "STARTTLS"));
        // SIZE was offered by the attacker alone.
        assert!(
            inside.iter().all(|(_, line)| !line.contains("SIZE=")),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn where_tls_is_required_a_stranger_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _, seen, _tasks) = open(Hop::Encrypts).await;
    let (_, other, _, _others) = open(Hop::Encrypts).await;
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, other).unwrap();
    let spool = folder.path().join("spool");
    let mut config = config(&spool, address, HopTls::Opportunistic);
    config.delivery.ca_file = Some(ca_file);
    let tls_for = &mut config.delivery.tls_for;
    tls_for.insert("LocalHost".to_owned(), HopTls::Required);
    assert!(!delivered(config, &spool).await);
    assert_eq!(mail(&seen), None);
}
