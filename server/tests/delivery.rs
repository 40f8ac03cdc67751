//! What happens to accepted mail between the spool and the next hop.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;
mod hop;

use std::path::Path;

use msaspec_server::spool::{Entry, Queue};
use msaspec_server::{Config, Server};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use client::{reply, submit};
use hop::{Hop, Reply};

fn config(spool: &Path, next_hop: Option<String>) -> Config {
    let mut config = Config::origin("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0,M=a".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.next_hop = next_hop;
    config.retry_seconds = 0.2;
    config
}

/// Submits a message and serves until nothing is left of it.
async fn settle(hop: &Hop, recipients: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    settle_with(config(folder.path(), Some(hop.address())), recipients).await;
}

async fn settle_with(config: Config, recipients: &[&str]) {
    let spool = config.spool.clone().unwrap();
    let server = Server::start(config).await.unwrap();
    submit(&server, recipients).await;
    until_first(&spool, |entry| entry.is_none()).await;
    server.shutdown().await;
}

/// Waits until the spool's only message, or its absence, is as it should be.
async fn until_first(spool: &Path, right: impl Fn(Option<&Entry>) -> bool) {
    let spool = Queue::open(spool).unwrap();
    until(|| right(spool.list().unwrap().first())).await;
}

async fn until(right: impl Fn() -> bool) {
    let waiting = async {
        while !right() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting)
        .await
        .unwrap();
}

#[tokio::test]
async fn accepted_mail_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(config(folder.path(), None)).await.unwrap();
    let id = submit(&first, &["bob@example.com"]).await;
    first.shutdown().await;
    assert_eq!(
        Queue::open(folder.path()).unwrap().list().unwrap()[0].id,
        id
    );

    let hop = Hop::open(|_, _| Reply::Yes).await;
    let second = Server::start(config(folder.path(), Some(hop.address())))
        .await
        .unwrap();
    until_first(folder.path(), |entry| entry.is_none()).await;
    second.shutdown().await;
    let messages = hop.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].recipients, ["bob@example.com"]);
    let content = &messages[0].content;
    assert!(content.starts_with(
        "Received: from client.example ([127.0.0.1])\r\n\tby msa.example.org with ESMTPA id "
    ));
    assert!(
        content.contains("\r\n\tfor <bob@example.com>;"),
        "{content}"
    );
    assert!(
        content.contains("\r\nDate: ") && content.contains("\r\nMessage-ID: <"),
        "{content}"
    );
    assert!(
        content.ends_with("Subject: x\r\n\r\n.stuffed\r\n"),
        "{content}"
    );
}

#[tokio::test]
async fn a_hop_that_was_closed_gets_the_mail_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = hop::reserve();
    let server = Server::start(config(folder.path(), Some(place.address())))
        .await
        .unwrap();
    submit(&server, &["bob@example.com"]).await;
    until_first(folder.path(), |entry| {
        entry.is_some_and(|entry| entry.recipients[0].attempts > 0)
    })
    .await;
    let hop = place.open(|_, _| Reply::Yes).await;
    until_first(folder.path(), |entry| entry.is_none()).await;
    server.shutdown().await;
    assert_eq!(hop.messages().len(), 1);
}

#[tokio::test]
async fn every_recipient_is_settled_for_itself() {
    let hop = Hop::open(|attempt, line| match line {
        "RCPT TO:<later@example.com>" if attempt < 1 => Reply::Line("451 4.2.1 later"),
        "RCPT TO:<never@example.com>" => Reply::Line("550 5.1.1 never"),
        _ => Reply::Yes,
    })
    .await;
    settle(
        &hop,
        &["now@example.com", "later@example.com", "never@example.com"],
    )
    .await;

    let delivered: Vec<_> = hop
        .messages()
        .into_iter()
        .map(|message| message.recipients)
        .collect();
    assert_eq!(
        delivered,
        [
            ["now@example.com"],
            ["alice@example.org"],
            ["later@example.com"]
        ]
    );
    let report = &hop.messages()[1].content;
    assert!(report.contains("Diagnostic-Code: smtp; 550 5.1.1 never"));
    assert_eq!(report.matches("Final-Recipient:").count(), 1, "{report}");
    assert!(!hop.messages()[0].content.contains("for <"));
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_is_tried_again() {
    let hop = Hop::open(|attempt, line| match line {
        "." if attempt == 0 => Reply::Drop,
        "." if attempt == 1 => Reply::Line("451 4.3.0 not now"),
        _ => Reply::Yes,
    })
    .await;
    settle(&hop, &["bob@example.com"]).await;
    assert_eq!(hop.messages().len(), 1);
}

#[tokio::test]
async fn helo_follows_where_ehlo_is_unknown() {
    let hop = Hop::open(|_, line| match line {
        "EHLO msa.example.org" => Reply::Line("502 what"),
        "HELO msa.example.org" => Reply::Line("250"),
        _ => Reply::Yes,
    })
    .await;
    settle(&hop, &["bob@example.com"]).await;
    assert!(
        hop.commands()
            .contains(&"MAIL FROM:<alice@example.org>".to_owned()),
        "{:?}",
        hop.commands()
    );
}

#[tokio::test]
async fn size_is_told_to_a_hop_that_offers_it() {
    let hop = Hop::open(|_, line| match line {
        "EHLO msa.example.org" => Reply::Line("250-hop.example\r\n250 SIZE 1000000"),
        _ => Reply::Yes,
    })
    .await;
    settle(&hop, &["bob@example.com"]).await;
    let size = hop.messages()[0].content.len();
    assert!(
        hop.commands()
            .contains(&format!("MAIL FROM:<alice@example.org> SIZE={size}"))
    );
}

#[tokio::test]
async fn a_refusal_is_reported_with_all_its_lines() {
    let hop = Hop::open(|_, line| match line {
        "MAIL FROM:<alice@example.org>" => Reply::Line("554-5.6.0 no\r\n554 5.6.0 never"),
        _ => Reply::Yes,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), Some(hop.address()));
    // The report takes the same session.
    config.delivery.idle = std::time::Duration::from_secs(60);
    config.delivery.connections_per_destination = 1;
    settle_with(config, &["bob@example.com"]).await;
    let report = &hop.messages()[0];
    assert_eq!(report.recipients, ["alice@example.org"]);
    assert!(
        report.content.contains("554-5.6.0 no") && report.content.contains("554 5.6.0 never"),
        "{}",
        report.content
    );
    // RFC 1870, section 6.2: RSET even where MAIL began nothing.
    let commands = hop.commands();
    let mails = ["MAIL FROM:<alice@example.org>", "RSET", "MAIL FROM:<>"];
    assert_eq!(commands[1..4], mails, "{commands:?}");
}

#[tokio::test]
async fn nobody_is_told_that_a_report_was_refused() {
    let hop = Hop::open(|_, line| {
        if line == "." {
            Reply::Line("554-5.6.0 no\r\n554 5.6.0 no")
        } else {
            Reply::Yes
        }
    })
    .await;
    settle(&hop, &["bob@example.com"]).await;
    let said: Vec<_> = hop
        .commands()
        .into_iter()
        .filter(|command| command.starts_with("MAIL") || command.starts_with("RCPT"))
        .collect();
    assert_eq!(
        said,
        [
            "MAIL FROM:<alice@example.org>",
            "RCPT TO:<bob@example.com>",
            "MAIL FROM:<>",
            "RCPT TO:<alice@example.org>"
        ]
    );
}

#[tokio::test]
async fn what_is_given_up_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(|_, line| match line {
        "RCPT TO:<bob@example.com>" => Reply::Line("451 4.2.1 busy"),
        _ => Reply::Yes,
    })
    .await;
    let mut config = config(folder.path(), Some(hop.address()));
    config.delivery.lifetime = std::time::Duration::from_millis(500);
    config.delivery.delay_report_after = std::time::Duration::from_millis(1);
    settle_with(config, &["bob@example.com"]).await;
    let reports = hop.messages();
    let tells = |action: &str| {
        let group = format!("Action: {action}\r\nStatus: 4.2.1\r\n");
        let tells = |report: &&hop::Received| report.content.contains(&group);
        reports.iter().filter(tells).count()
    };
    assert_eq!(
        (reports.len(), tells("delayed"), tells("failed")),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn a_damaged_file_hinders_nobody() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("000000000001-00000000000000ab.msg"), "{").unwrap();
    let hop = Hop::open(|_, _| Reply::Yes).await;
    settle_with(
        config(folder.path(), Some(hop.address())),
        &["bob@example.com"],
    )
    .await;
    assert_eq!(hop.messages().len(), 1);
    assert!(
        folder
            .path()
            .join("000000000001-00000000000000ab.msg.damaged")
            .exists()
    );
}

#[tokio::test]
async fn an_idle_session_is_told_of_the_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(folder.path(), None)).await.unwrap();
    let stream = TcpStream::connect(server.listeners()[0].address)
        .await
        .unwrap();
    let mut stream = BufReader::new(stream);
    reply(&mut stream).await;
    let (farewell, ()) = tokio::join!(reply(&mut stream), server.shutdown());
    assert!(farewell.starts_with("421 4.3.2 "), "{farewell}");
}

#[tokio::test]
async fn a_content_under_way_may_finish_during_the_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(folder.path(), None)).await.unwrap();
    let mut stream = client::until_data(&server, &["bob@example.com"]).await;
    // This session is told first, so that the stop is known to have come.
    let idle = TcpStream::connect(server.listeners()[0].address)
        .await
        .unwrap();
    let mut idle = BufReader::new(idle);
    reply(&mut idle).await;
    let ((), answers) = tokio::join!(server.shutdown(), async {
        assert!(reply(&mut idle).await.starts_with("421 "));
        stream.write_all(b"Subject: x\r\n\r\n.\r\n").await.unwrap();
        [reply(&mut stream).await, reply(&mut stream).await]
    });
    assert!(answers[0].starts_with("250 2.0.0 "), "{answers:?}");
    assert!(answers[1].starts_with("421 4.3.2 "), "{answers:?}");
    assert_eq!(Queue::open(folder.path()).unwrap().list().unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_is_not_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let server = Server::start(config(&spool, None)).await.unwrap();
    std::fs::remove_dir_all(&spool).unwrap();
    let mut stream = client::until_data(&server, &["bob@example.com"]).await;
    stream.write_all(b"Subject: x\r\n\r\n.\r\n").await.unwrap();
    let answer = reply(&mut stream).await;
    assert!(answer.starts_with("451 4.3.0 "), "{answer}");
}

#[tokio::test]
async fn a_server_needs_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(|_, _| Reply::Yes).await;
    let mut config = config(folder.path(), Some(hop.address()));
    config.spool = None;
    let server = Server::start(config).await.unwrap();
    submit(&server, &["bob@example.com"]).await;
    until(|| !hop.messages().is_empty()).await;
    server.shutdown().await;
    assert_eq!(hop.messages()[0].recipients, ["bob@example.com"]);
}
