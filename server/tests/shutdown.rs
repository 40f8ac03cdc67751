//! A shutdown waits for nobody who is only there.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;
#[allow(dead_code, reason = "nothing of TLS is looked at here")]
mod tls_client;

use std::time::Duration;

use client::{reply, until_data};
use msaspec_server::{Config, Server};
use rstest::rstest;
use rustls::version::TLS13;
use tls_client::TlsClient;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A server that would wait very long, if it waited.
async fn start(listener: &str) -> (Server, tempfile::TempDir) {
    let spool = tempfile::tempdir().unwrap();
    let mut config = Config::modern("msa.example.org", spool.path());
    config.listeners = vec![listener.parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.limits.grace_seconds = 3600;
    config.limits.handshake_seconds = 3600;
    config.limits.commands_without_mail = u32::MAX;
    (Server::start(config).await.unwrap(), spool)
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.listeners()[0].address)
        .await
        .unwrap()
}

async fn shut_down(server: Server) {
    tokio::time::timeout(Duration::from_secs(20), server.shutdown())
        .await
        .unwrap();
}

#[tokio::test]
async fn for_a_handshake_it_does_not_wait() {
    let (server, _spool) = start("127.0.0.1:0/tls").await;
    let mut stalled = connect(&server).await;
    // Connections are accepted in turn.
    TlsClient::connect(&server, &TLS13, None).await.unwrap();
    shut_down(server).await;
    assert!(matches!(stalled.read(&mut [0]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn for_half_a_command_it_does_not_wait() {
    let (server, _spool) = start("127.0.0.1:0").await;
    let mut stream = BufReader::new(connect(&server).await);
    reply(&mut stream).await;
    stream.write_all(b"NOOP\r\nNOO").await.unwrap();
    assert!(reply(&mut stream).await.starts_with("250 "));
    let (answer, ()) = tokio::join!(reply(&mut stream), shut_down(server));
    assert!(answer.starts_with("421 4.3.2 "), "{answer}");
}

#[tokio::test]
async fn for_a_client_that_never_pauses_it_does_not_wait() {
    let (server, _spool) = start("127.0.0.1:0").await;
    let (read, mut write) = connect(&server).await.into_split();
    let commands = b"NOOP\r\n".repeat(10_000);
    let flood = tokio::spawn(async move { while write.write_all(&commands).await.is_ok() {} });
    let mut replies = BufReader::new(read);
    replies.read_exact(&mut [0; 100]).await.unwrap();
    let drain = tokio::spawn(async move {
        let mut block = [0; 4096];
        while matches!(replies.read(&mut block).await, Ok(1..)) {}
    });
    shut_down(server).await;
    drain.await.unwrap();
    flood.await.unwrap();
}

/// A server that waits so many seconds for contents.
async fn with_grace(seconds: u64) -> Server {
    let mut config = Config::origin("msa.example.org", "");
    config.spool = None;
    config.listeners = vec!["127.0.0.1:0,M=a".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.limits.grace_seconds = seconds;
    Server::start(config).await.unwrap()
}

/// The end of the grace cuts a content off, but not without a word (RFC 5321, section 3.8).
#[rstest]
#[case(b"")]
#[case(b"Subject: x\r\n\r\n.\r")]
#[tokio::test]
async fn a_content_that_does_not_end_is_answered_421(#[case] begun: &[u8]) {
    let server = with_grace(1).await;
    let mut stream = until_data(&server, &["bob@example.org"]).await;
    stream.write_all(begun).await.unwrap();
    let (answer, ()) = tokio::join!(reply(&mut stream), shut_down(server));
    assert_eq!(answer, "421 4.3.2 Server is shutting down");
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

/// Who goes on sending hears it, too.
#[tokio::test]
async fn a_content_without_an_end_is_answered_421() {
    let server = with_grace(0).await;
    let stream = until_data(&server, &["bob@example.org"]).await;
    let (read, mut write) = tokio::io::split(stream.into_inner());
    let flood =
        tokio::spawn(async move { while write.write_all(&b"x\r\n".repeat(1000)).await.is_ok() {} });
    let mut answers = BufReader::new(read);
    let mut answer = String::new();
    let (read, ()) = tokio::join!(answers.read_line(&mut answer), shut_down(server));
    read.unwrap();
    assert!(answer.starts_with("421 4.3.2 "), "{answer}");
    flood.await.unwrap();
}
