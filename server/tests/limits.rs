//! The limits on one client, each set so low that it is met at once.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;

use std::net::SocketAddr;

use base64::Engine as _;
use msaspec_server::{Config, Limits, Server};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use client::{reply, submit, until_data};

async fn start(limits: Limits) -> (Server, tempfile::TempDir) {
    let spool = tempfile::tempdir().unwrap();
    let mut config = config(&spool);
    config.limits = limits;
    (Server::start(config).await.unwrap(), spool)
}

fn config(spool: &tempfile::TempDir) -> Config {
    let mut config = Config::origin("msa.example.org", spool.path());
    config.listeners = vec!["127.0.0.1:0,M=a".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config
}

/// A client of the loopback network, and the greeting that it got.
async fn greeted(server: &Server, from: [u8; 4]) -> (BufReader<TcpStream>, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let stream = socket.connect(server.listeners()[0].address).await;
    let mut stream = BufReader::new(stream.unwrap());
    let greeting = reply(&mut stream).await;
    (stream, greeting)
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> String {
    let line = format!("{line}\r\n");
    stream.write_all(line.as_bytes()).await.unwrap();
    reply(stream).await
}

async fn is_over(mut stream: BufReader<TcpStream>) -> bool {
    matches!(stream.read(&mut [0]).await, Ok(0) | Err(_))
}

/// Linux has all of 127.0.0.0/8.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_are_limited_by_address_and_in_all() {
    let (server, _spool) = start(Limits {
        connections: 3,
        connections_per_address: 2,
        ..Limits::default()
    })
    .await;
    let first = greeted(&server, [127, 0, 0, 1]).await;
    let second = greeted(&server, [127, 0, 0, 1]).await;
    assert!(first.1.starts_with("220 ") && second.1.starts_with("220 "));
    let (stream, greeting) = greeted(&server, [127, 0, 0, 1]).await;
    assert!(greeting.starts_with("421 4.7.0 "), "{greeting}");
    assert!(is_over(stream).await);
    let third = greeted(&server, [127, 0, 0, 2]).await;
    assert!(third.1.starts_with("220 "));
    let (_, greeting) = greeted(&server, [127, 0, 0, 3]).await;
    assert!(greeting.starts_with("421 4.3.2 "), "{greeting}");

    // A place is free once its session has ended, which the client sees before the server does.
    let mut leaving = first.0;
    assert!(say(&mut leaving, "QUIT").await.starts_with("221 "));
    drop(leaving);
    let again = async {
        while !greeted(&server, [127, 0, 0, 1]).await.1.starts_with("220 ") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), again)
        .await
        .unwrap();
}

fn plain(password: &str) -> String {
    let login = base64::engine::general_purpose::STANDARD.encode(format!("\0alice\0{password}"));
    format!("AUTH PLAIN {login}")
}

#[tokio::test]
async fn failed_logins_end_the_session_and_shut_their_address_out() {
    let (server, _spool) = start(Limits {
        failed_logins_per_session: 3,
        failed_logins_per_address: 3,
        ..Limits::default()
    })
    .await;
    let (mut stream, _) = greeted(&server, [127, 0, 0, 1]).await;
    say(&mut stream, "EHLO client.example").await;
    for _ in 0..2 {
        let answer = say(&mut stream, &plain("wrong")).await;
        assert!(answer.starts_with("535 5.7.8 "), "{answer}");
    }
    let answer = say(&mut stream, &plain("wrong")).await;
    assert!(answer.starts_with("421 4.7.0 "), "{answer}");
    assert!(is_over(stream).await);

    let (mut stream, _) = greeted(&server, [127, 0, 0, 1]).await;
    say(&mut stream, "EHLO client.example").await;
    for _ in 0..2 {
        let answer = say(&mut stream, &plain("secret")).await;
        assert!(answer.starts_with("454 4.7.0 "), "{answer}");
    }
    let answer = say(&mut stream, &plain("secret")).await;
    assert!(answer.starts_with("421 4.7.0 "), "{answer}");
    assert!(is_over(stream).await);
}

/// A server with so many places, and a client whose wrong login it answers in an hour.
async fn held_back(connections: usize) -> (Server, tempfile::TempDir, BufReader<TcpStream>) {
    let (server, spool) = start(Limits {
        connections,
        login_delay_seconds: 3600,
        login_delay_max_seconds: 3600,
        ..Limits::default()
    })
    .await;
    let (mut stream, _) = greeted(&server, [127, 0, 0, 1]).await;
    say(&mut stream, "EHLO client.example").await;
    for _ in 0..3 {
        say(&mut stream, &plain("wrong")).await;
    }
    let line = format!("{}\r\n", plain("wrong"));
    stream.write_all(line.as_bytes()).await.unwrap();
    (server, spool, stream)
}

#[tokio::test]
async fn a_login_that_is_held_back_does_not_hold_up_the_shutdown() {
    let (server, _spool, mut stream) = held_back(10).await;
    let (answer, ()) = tokio::join!(reply(&mut stream), server.shutdown());
    assert!(answer.starts_with("421 4.3.2 "), "{answer}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_leaves_is_not_held_back() {
    let (server, _spool, stream) = held_back(1).await;
    drop(stream);
    let place = async {
        while !greeted(&server, [127, 0, 0, 2]).await.1.starts_with("220 ") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), place)
        .await
        .unwrap();
}

#[tokio::test]
async fn errors_and_idle_commands_run_out() {
    let (server, _spool) = start(Limits {
        errors: 2,
        commands_without_mail: 4,
        ..Limits::default()
    })
    .await;
    let (mut stream, _) = greeted(&server, [127, 0, 0, 1]).await;
    assert!(say(&mut stream, "WHAT").await.starts_with("500 "));
    assert!(say(&mut stream, "WHAT").await.starts_with("500 "));
    let answer = say(&mut stream, "WHAT").await;
    assert!(answer.starts_with("421 4.7.0 "), "{answer}");
    assert!(is_over(stream).await);

    let (mut stream, _) = greeted(&server, [127, 0, 0, 1]).await;
    for _ in 0..4 {
        assert!(say(&mut stream, "NOOP").await.starts_with("250 "));
    }
    let answer = say(&mut stream, "NOOP").await;
    assert!(answer.starts_with("421 4.7.0 "), "{answer}");
    // As many as a message takes are enough for one.
    submit(&server, &["bob@example.com", "carol@example.com"]).await;
}

#[rstest]
#[case::greeted("GET / HTTP/1.1".to_owned(), false)]
#[case::of_webdav("propfind / HTTP/1.1".to_owned(), false)]
#[case::introduced("POST / HTTP/1.1".to_owned(), true)]
#[case::long(format!("GET /{} HTTP/1.1", "a".repeat(4000)), false)]
#[case::very_long(format!("GET /{} HTTP/1.1", "a".repeat(20_000)), true)]
#[case::bare_line_ends("POST / HTTP/1.1\nHost: msa.example.org\n\nEHLO a.example".to_owned(), false)]
#[tokio::test]
async fn a_browser_is_hung_up_on(#[case] request: String, #[case] introduced: bool) {
    let (server, _spool) = start(Limits::default()).await;
    let (mut stream, _) = greeted(&server, [127, 0, 0, 1]).await;
    if introduced {
        say(&mut stream, "EHLO client.example").await;
    }
    let smuggled = format!("{request}\r\nEHLO a.example\r\nNOOP");
    let answer = say(&mut stream, &smuggled).await;
    assert!(answer.starts_with("421 4.7.0 "), "{answer}");
    assert!(is_over(stream).await);
}

/// A ClientHello where STARTTLS is due, with a line end inside.
#[tokio::test]
async fn octets_that_are_no_command_are_refused_and_no_more() {
    let (server, _spool) = start(Limits::default()).await;
    let (mut stream, _) = greeted(&server, [127, 0, 0, 1]).await;
    stream.write_all(b"\x16\x03\x01\x02\x00\r\n").await.unwrap();
    assert!(reply(&mut stream).await.starts_with("500 "));
    assert!(
        say(&mut stream, "EHLO client.example")
            .await
            .starts_with("250 ")
    );
    // Without a line end they are gone after a while.
    let endless = [b"\x16\x03\x01".as_slice(), &[0xaa; 70_000]].concat();
    stream.write_all(&endless).await.unwrap();
    assert!(reply(&mut stream).await.starts_with("500 "));
    assert!(is_over(stream).await);
}

#[tokio::test]
async fn a_content_that_drips_is_cut_off() {
    let (server, _spool) = start(Limits {
        minimum_rate: 1000,
        rate_window_seconds: 1,
        ..Limits::default()
    })
    .await;
    let mut stream = until_data(&server, &["bob@example.com"]).await;
    stream.write_all(b"Subject: slow\r\n").await.unwrap();
    assert_eq!(reply(&mut stream).await, "421 4.4.2 Too slow");
    assert!(is_over(stream).await);
}

#[tokio::test]
async fn a_silence_in_the_content_has_an_end() {
    let (server, _spool) = start(Limits {
        block_seconds: 1,
        ..Limits::default()
    })
    .await;
    let mut stream = until_data(&server, &["bob@example.com"]).await;
    assert_eq!(reply(&mut stream).await, "421 4.4.2 Silent for too long");
}

#[tokio::test]
async fn contents_share_their_memory() {
    let spool = tempfile::tempdir().unwrap();
    let mut config = config(&spool);
    config.size_limit = 300_000;
    config.limits.content_memory = 300_000;
    config.limits.recipients = 100;
    let server = Server::start(config).await.unwrap();
    let mut large = until_data(&server, &["bob@example.com"]).await;
    let line = [&[b'a'; 998][..], b"\r\n"].concat();
    large.write_all(&line.repeat(290)).await.unwrap();
    // The server has all of it once a second one of that size is refused.
    let refused = async {
        loop {
            let mut second = until_data(&server, &["bob@example.com"]).await;
            second.write_all(&line.repeat(290)).await.unwrap();
            second.write_all(b".\r\n").await.unwrap();
            if reply(&mut second).await.starts_with("452 4.3.1 ") {
                break;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), refused)
        .await
        .unwrap();
    large.write_all(b".\r\n").await.unwrap();
    assert!(reply(&mut large).await.starts_with("250 "));
}

#[tokio::test]
async fn recipients_take_of_that_memory_too() {
    let spool = tempfile::tempdir().unwrap();
    let mut config = config(&spool);
    config.size_limit = 1000;
    config.limits.content_memory = 1000;
    config.limits.recipients = 100;
    let server = Server::start(config).await.unwrap();
    let recipient = format!("{}@{}", "a".repeat(64), ["b"; 127].join("."));
    let mut sessions = Vec::new();
    // A session can have its hundred recipients; three and a half have all the room together.
    let full = loop {
        let (mut session, _) = greeted(&server, [127, 0, 0, 1]).await;
        say(&mut session, "EHLO client.example").await;
        say(&mut session, &plain("secret")).await;
        say(&mut session, "MAIL FROM:<>").await;
        let mut refusal = None;
        for _ in 0..100 {
            let answer = say(&mut session, &format!("RCPT TO:<{recipient}>")).await;
            if !answer.starts_with("250 ") {
                refusal = Some(answer);
                break;
            }
        }
        sessions.push(session);
        if let Some(refusal) = refusal {
            break refusal;
        }
        assert!(sessions.len() < 5);
    };
    assert!(full.starts_with("452 4.3.1 "), "{full}");
    assert!(sessions.len() > 2);
    say(&mut sessions[0], "RSET").await;
    let last = sessions.last_mut().unwrap();
    let answer = say(last, &format!("RCPT TO:<{recipient}>")).await;
    assert!(answer.starts_with("250 "), "{answer}");
}
