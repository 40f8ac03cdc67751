//! Where mail goes, in what form, and what happens when it cannot.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;
mod hop;
mod names;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use msaspec_server::spool::{Entry, Queue, Recipient, RecipientState};
use msaspec_server::{Config, HopDeadlines, Server};

use client::{emptied, submit};
use hop::{Hop, Received, Reply};
use names::Answer;

/// Mail for `example.org`, where reports go, has a route of its own.
fn config(spool: &Path, hop: &Hop) -> Config {
    let mut config = Config::origin("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0,M=a".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.retry_seconds = 0.1;
    let routes = &mut config.delivery.routes;
    routes.insert("example.org".to_owned(), hop.address());
    config
}

fn to<'a>(address: &str, messages: &'a [Received]) -> Vec<&'a Received> {
    let is_for = |message: &&Received| message.recipients.iter().any(|to| to == address);
    messages.iter().filter(is_for).collect()
}

fn zone(name: &str, mx: bool) -> Answer {
    match (name, mx) {
        // Nobody listens at the preferred host.
        ("two.example", true) => Answer::Mx(&[(20, "here.example"), (10, "closed.example")]),
        ("loop.example", true) => Answer::Mx(&[(5, "msa.example.org"), (10, "here.example")]),
        ("null.example", true) => Answer::Mx(&[(0, ".")]),
        ("own.example", true) => Answer::Mx(&[(10, "alias-of-us.example")]),
        ("behind.example", true) => Answer::Mx(&[
            (10, "closed.example"),
            (20, "alias-of-us.example"),
            (30, "here.example"),
        ]),
        ("several.example", true) => Answer::Mx(&[(10, "house.example")]),
        ("renamed.example", _) => Answer::Alias("real.example"),
        ("real.example", true) => Answer::Mx(&[(10, "also-here.example")]),
        ("also-here.example", _) => Answer::Alias("here.example"),
        ("here.example" | "implicit.example", false) => Answer::A(&[[127, 0, 0, 1]]),
        ("closed.example", false) => Answer::A(&[[127, 0, 0, 99]]),
        ("alias-of-us.example", false) => Answer::A(&[[127, 0, 0, 98]]),
        ("house.example", false) => Answer::A(&[[127, 0, 0, 99], [127, 0, 0, 97], [127, 0, 0, 1]]),
        ("here.example" | "closed.example" | "implicit.example", true) => Answer::Nothing,
        ("broken.example", _) => Answer::Failure,
        _ => Answer::NoSuchName,
    }
}

#[tokio::test]
async fn the_dns_decides_where_mail_goes() {
    let folder = tempfile::tempdir().unwrap();
    let (resolver, _tasks) = names::serve(zone).await;
    let hop = Hop::open(|_, _| Reply::Yes).await;
    let mut config = config(folder.path(), &hop);
    config.delivery.mx = true;
    config.delivery.resolver = vec![resolver];
    let port = hop.address().rsplit_once(':').unwrap().1.to_owned();
    config.delivery.port = port.parse().unwrap();
    let ours = format!("127.0.0.98:{port},M=a").parse().unwrap();
    config.listeners.push(ours);
    let busy = hop::reserve_at(format!("127.0.0.97:{port}").parse().unwrap());
    let busy = busy
        .open(|_, line| match line {
            "EHLO msa.example.org" => Reply::Line("421 4.3.2 busy"),
            _ => Reply::Yes,
        })
        .await;
    let server = Server::start(config).await.unwrap();
    let failing = [
        ("b@loop.example", "5.4.6"),
        ("b@own.example", "5.4.6"),
        ("b@null.example", "5.1.10"),
        ("b@none.example", "5.1.2"),
    ];
    let mut everybody = vec![
        "b@two.example",
        "b@implicit.example",
        "b@several.example",
        "b@renamed.example",
        "b@[127.0.0.1]",
    ];
    let delivered = everybody.clone();
    everybody.extend(failing.map(|(address, _)| address));
    submit(&server, &everybody).await;
    emptied(folder.path()).await;
    assert_eq!(busy.commands(), ["EHLO msa.example.org", "QUIT"]);
    // Nobody knows yet, or only hosts behind ourselves are there.
    let later = submit(&server, &["b@broken.example", "b@behind.example"]).await;
    let queue = Queue::open(folder.path()).unwrap();
    let tried = async {
        let untried = |entry: &Entry| entry.recipients.iter().any(|to| to.attempts == 0);
        while untried(&queue.list().unwrap()[0]) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), tried)
        .await
        .unwrap();
    server.shutdown().await;
    let messages = hop.messages();
    for address in delivered {
        assert_eq!(to(address, &messages).len(), 1, "{address}");
    }
    let reports: String = to("alice@example.org", &messages)
        .iter()
        .map(|report| report.content.as_str())
        .collect();
    for (address, status) in failing {
        let group =
            format!("Final-Recipient: rfc822;{address}\r\nAction: failed\r\nStatus: {status}\r\n");
        assert!(reports.contains(&group), "{group}{reports}");
    }
    let entry = &queue.list().unwrap()[0];
    let waits = |to: &Recipient| to.state == RecipientState::Pending;
    assert!(entry.id == later && entry.recipients.iter().all(waits));
    assert!(to("b@behind.example", &messages).is_empty());
}

#[tokio::test]
async fn too_many_recipients_go_on_at_once() {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(|_, line| {
        if line.starts_with("MAIL") {
            TAKEN.store(0, Ordering::Relaxed);
        }
        if line.starts_with("RCPT") && TAKEN.fetch_add(1, Ordering::Relaxed) > 1 {
            return Reply::Line("452 4.5.3 too many");
        }
        Reply::Yes
    })
    .await;
    let mut config = config(folder.path(), &hop);
    // Whoever is put off is not here in time.
    config.retry_seconds = 60.0;
    let server = Server::start(config).await.unwrap();
    let everybody = ["a@example.org", "b@example.org", "c@example.org"];
    submit(&server, &everybody).await;
    emptied(folder.path()).await;
    server.shutdown().await;
    let groups: Vec<_> = hop
        .messages()
        .into_iter()
        .map(|message| message.recipients)
        .collect();
    assert_eq!(groups, [&everybody[..2], &everybody[2..]]);
}

#[tokio::test]
async fn in_a_group_every_reply_counts() {
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(|_, line| match line {
        "EHLO msa.example.org" => Reply::Line("250-hop\r\n250-Pipelining\r\n250 size"),
        "RCPT TO:<never@example.org>" => {
            Reply::Line("550-5.1.1 no\r\n550-5.1.1 no\r\n550 5.1.1 no")
        }
        _ => Reply::Yes,
    })
    .await;
    let server = Server::start(config(folder.path(), &hop)).await.unwrap();
    submit(&server, &["never@example.org", "now@example.org"]).await;
    emptied(folder.path()).await;
    submit(&server, &["never@example.org"]).await;
    emptied(folder.path()).await;
    server.shutdown().await;
    let messages = hop.messages();
    let now = to("now@example.org", &messages);
    assert_eq!(now.len(), 1);
    assert_eq!(now[0].recipients, ["now@example.org"]);
    assert!(now[0].content.contains("Subject: x"));
    assert_eq!(to("alice@example.org", &messages).len(), 2);
    // The hop said 354 although it had taken nobody: it gets an end and no content.
    let nobody = messages
        .iter()
        .find(|message| message.recipients.is_empty());
    assert_eq!(nobody.unwrap().content, "");
}

/// Silence in the first session.
fn at_data(session: usize, line: &str) -> Reply {
    match (session, line) {
        (0, "DATA") => Reply::Silence,
        _ => Reply::Yes,
    }
}

fn at_ehlo(session: usize, line: &str) -> Reply {
    match session {
        0 if line.starts_with("EHLO") => Reply::Silence,
        _ => Reply::Yes,
    }
}

const SOON: Duration = Duration::from_millis(100);

#[rstest::rstest]
#[case(at_data, |all: &mut HopDeadlines| all.data = SOON)]
#[case(at_data, |all: &mut HopDeadlines| all.commands = SOON)]
#[case(at_ehlo, |all: &mut HopDeadlines| all.commands = SOON)]
#[tokio::test]
async fn a_silent_hop_is_left_in_time(
    #[case] script: fn(usize, &str) -> Reply,
    #[case] hasten: fn(&mut HopDeadlines),
) {
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(script).await;
    let mut config = config(folder.path(), &hop);
    hasten(&mut config.hop_deadlines);
    let server = Server::start(config).await.unwrap();
    submit(&server, &["b@example.org"]).await;
    emptied(folder.path()).await;
    server.shutdown().await;
    assert_eq!(hop.messages().len(), 1);
}

#[tokio::test]
async fn what_no_route_takes_fails() {
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(|_, _| Reply::Yes).await;
    let server = Server::start(config(folder.path(), &hop)).await.unwrap();
    submit(&server, &["b@elsewhere.example"]).await;
    emptied(folder.path()).await;
    server.shutdown().await;
    let report = &hop.messages()[0].content;
    assert!(
        report.contains("Action: failed\r\nStatus: 5.4.4\r\n"),
        "{report}"
    );
}

#[tokio::test]
async fn what_is_always_put_off_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(|_, line| match line {
        "RCPT TO:<later@example.org>" => Reply::Line("451 4.2.1 later"),
        _ => Reply::Yes,
    })
    .await;
    let mut config = config(folder.path(), &hop);
    config.delivery.lifetime = Duration::from_secs(1);
    config.delivery.delay_report_after = Duration::from_millis(200);
    let server = Server::start(config).await.unwrap();
    submit(&server, &["later@example.org"]).await;
    emptied(folder.path()).await;
    server.shutdown().await;
    let messages = hop.messages();
    let actions: Vec<_> = to("alice@example.org", &messages)
        .iter()
        .map(|report| {
            let (_, rest) = report.content.split_once("Action: ").unwrap();
            rest.split("\r\n").next().unwrap()
        })
        .collect();
    assert_eq!(actions, ["delayed", "failed"]);
}

#[tokio::test]
async fn a_session_serves_one_message_after_the_other() {
    static MAILS: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().unwrap();
    let hop = Hop::open(|_, line| match line {
        // The third one finds the session dead, which is no failure of the message.
        "MAIL FROM:<alice@example.org>" if MAILS.fetch_add(1, Ordering::Relaxed) == 2 => {
            Reply::Drop
        }
        _ => Reply::Yes,
    })
    .await;
    let mut config = config(folder.path(), &hop);
    config.delivery.idle = Duration::from_secs(60);
    config.delivery.connections_per_destination = 1;
    // Whoever is put off is not here in time.
    config.retry_seconds = 60.0;
    let server = Server::start(config).await.unwrap();
    for _ in 0..3 {
        submit(&server, &["b@example.org"]).await;
        emptied(folder.path()).await;
    }
    server.shutdown().await;
    let commands = hop.commands();
    let greeted = commands.iter().filter(|line| line.starts_with("EHLO"));
    assert_eq!(greeted.count(), 2, "{commands:?}");
    assert_eq!(commands.iter().filter(|line| *line == "QUIT").count(), 1);
    assert_eq!(hop.messages().len(), 3);
}
