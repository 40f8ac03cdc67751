//! What a message asks of its next hop besides delivery, and what happens where no hop does it. The
//! options lie in the spool already.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;
mod hop;
mod names;
mod tls_hop;

use std::path::Path;

use msaspec_server::{Config, Server};

use client::emptied;
use names::Answer;
use tls_hop::{Hop, Seen, mail, open_at};

/// A message in the form of earlier versions, which is taken over at the start.
fn put(spool: &Path, recipient: &str, options: &str) {
    let content = "Subject: x\r\n\r\nsecret\r\n";
    let arrival = jiff::Timestamp::now();
    let envelope = format!(
        r#"{{"arrival":"{arrival}","size":{},"sender":"alice@example.org","options":{options},"recipients":["{recipient}"]}}"#,
        content.len()
    );
    std::fs::create_dir_all(spool).unwrap();
    let file = spool.join("000000000001-00000000000000ab.msg");
    std::fs::write(file, format!("{envelope}\n{content}")).unwrap();
}

/// Reports go to a hop of their own, which has no TLS.
fn config(spool: &Path, reports: &hop::Hop) -> Config {
    let mut config = Config::origin("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0,M=a".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.retry_seconds = 60.0;
    let routes = &mut config.delivery.routes;
    routes.insert("example.org".to_owned(), reports.address());
    config
}

fn zone(name: &str, mx: bool) -> Answer {
    match (name, mx) {
        ("two.example", true) => Answer::Mx(&[(10, "first.example"), (20, "second.example")]),
        ("first.example", false) => Answer::A(&[[127, 0, 0, 1]]),
        ("second.example", false) => Answer::A(&[[127, 0, 0, 96]]),
        _ => Answer::NoSuchName,
    }
}

/// What the hop was told, in order.
fn said(seen: &Seen) -> Vec<String> {
    let seen = seen.lock().unwrap();
    seen.iter().map(|(_, line)| line.clone()).collect()
}

#[rstest::rstest]
// The second host is as good as it has to be.
#[case(Hop::Encrypts, Hop::Guards, None)]
#[case(Hop::Plain, Hop::Guards, None)]
#[case(Hop::Refuses, Hop::Guards, None)]
#[case(Hop::Garbles, Hop::Guards, None)]
// Nobody is; what the preferred one lacks is told.
#[case(Hop::Encrypts, Hop::Plain, Some("5.7.30"))]
#[case(Hop::Plain, Hop::Encrypts, Some("5.7.10"))]
#[case(Hop::Garbles, Hop::Encrypts, Some("5.7.10"))]
#[tokio::test]
async fn requiretls_goes_to_a_fit_host_or_comes_back(
    #[case] first: Hop,
    #[case] second: Hop,
    #[case] status: Option<&str>,
) {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (resolver, _tasks) = names::serve(zone).await;
    let reports = hop::Hop::open(|_, _| hop::Reply::Yes).await;
    let (address, pem, seen_first, _first) = open_at(first, "127.0.0.1:0", "first.example").await;
    let port = address.rsplit_once(':').unwrap().1;
    let (_, other, seen_second, _second) =
        open_at(second, &format!("127.0.0.96:{port}"), "second.example").await;
    put(
        &spool,
        "b@two.example",
        r#"{"requiretls":true,"ret":"FULL"}"#,
    );
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem + &other).unwrap();
    let mut config = config(&spool, &reports);
    config.delivery.mx = true;
    config.delivery.resolver = vec![resolver];
    config.delivery.port = port.parse().unwrap();
    config.delivery.ca_file = Some(ca_file);
    let server = Server::start(config).await.unwrap();
    emptied(&spool).await;
    server.shutdown().await;
    let (first_said, second_said) = (said(&seen_first), said(&seen_second));
    assert_eq!(mail(&seen_first), None, "{first_said:?}");
    if first != Hop::Garbles {
        assert_eq!(first_said.last().unwrap(), "QUIT", "{first_said:?}");
    }
    let tagged = "MAIL FROM:<alice@example.org> REQUIRETLS".to_owned();
    assert_eq!(
        second_said.contains(&tagged),
        status.is_none(),
        "{second_said:?}"
    );
    let messages = reports.messages();
    assert_eq!(messages.len(), usize::from(status.is_some()));
    if let Some(status) = status {
        assert_eq!(mail(&seen_second), None, "{second_said:?}");
        let report = &messages[0].content;
        let group = format!("Action: failed\r\nStatus: {status}\r\n");
        assert!(report.contains(&group), "{report}");
        assert!(!report.contains("secret"), "{report}");
    }
}

#[tokio::test]
async fn smtputf8_where_no_hop_has_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let reports = hop::Hop::open(|_, _| hop::Reply::Yes).await;
    put(folder.path(), "b\u{fc}@example.org", r#"{"smtputf8":true}"#);
    let server = Server::start(config(folder.path(), &reports))
        .await
        .unwrap();
    emptied(folder.path()).await;
    server.shutdown().await;
    let commands = reports.commands();
    let mails: Vec<_> = commands
        .iter()
        .filter(|line| line.starts_with("MAIL"))
        .collect();
    assert_eq!(mails, ["MAIL FROM:<>"]);
    let report = &reports.messages()[0].content;
    let group =
        "Final-Recipient: utf-8;b\\x{FC}@example.org\r\nAction: failed\r\nStatus: 5.6.7\r\n";
    assert!(report.contains(group) && report.is_ascii(), "{report}");
}
