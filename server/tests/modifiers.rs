//! What a listener demands before it takes mail.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;

use msaspec_server::{Config, ListenerConfig, Mechanism, Server};
use rstest::rstest;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use client::reply;

async fn start(config: Config, modifiers: &str) -> Server {
    let listener = format!("127.0.0.1:0,M={modifiers}");
    start_with(config, listener.parse().unwrap()).await
}

async fn start_with(config: Config, listener: ListenerConfig) -> Server {
    let mut config = Config {
        spool: None,
        ..config
    };
    config.listeners = vec![listener];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    Server::start(config).await.unwrap()
}

/// The last line of each command's reply, in clear text.
async fn answers(server: &Server, commands: &[&str]) -> Vec<String> {
    let stream = TcpStream::connect(server.submission().unwrap());
    let mut stream = BufReader::new(stream.await.unwrap());
    reply(&mut stream).await;
    let mut answers = Vec::new();
    for command in commands {
        let line = format!("{command}\r\n");
        stream.write_all(line.as_bytes()).await.unwrap();
        answers.push(reply(&mut stream).await);
    }
    answers
}

fn modern() -> Config {
    Config::modern("msa.example.org", "")
}

fn origin() -> Config {
    Config::origin("msa.example.org", "")
}

fn anonymous() -> Config {
    Config {
        mechanisms: vec![Mechanism::Anonymous],
        ..modern()
    }
}

#[rstest]
#[case::after_starttls(modern(), "", "EHLO client.example", "530 5.7.0")]
#[case::now(origin(), "S", "EHLO client.example", "530 5.7.0")]
#[case::after_ehlo(origin(), "S", "HELO client.example", "530 5.7.0")]
#[case::not_in_clear_text(modern(), "S", "EHLO client.example", "550 5.7.1")]
#[case::never(origin(), "A", "EHLO client.example", "550 5.7.1")]
#[case::no_mechanism(Config { mechanisms: vec![], ..modern() }, "", "EHLO client.example", "550 5.7.1")]
#[case::anonymous_later(anonymous(), "", "EHLO client.example", "530 5.7.0")]
#[tokio::test]
async fn a_stranger_is_told_to_log_in_where_that_is_possible(
    #[case] config: Config,
    #[case] modifiers: &str,
    #[case] hello: &str,
    #[case] expected: &str,
) {
    let server = start(config, modifiers).await;
    let commands = [hello, "MAIL FROM:<>", "RCPT TO:<bob@example.org>", "DATA"];
    let answers = answers(&server, &commands).await;
    assert!(answers[1].starts_with("250 "), "{answers:?}");
    assert!(answers[2].starts_with(expected), "{answers:?}");
    assert!(answers[3].starts_with("554 5.5.1"), "{answers:?}");
}

/// Nobody can log in twice in a session (RFC 4954, section 4).
#[tokio::test]
async fn who_is_logged_in_as_nobody_is_not_told_to_log_in() {
    let server = start(anonymous(), "S").await;
    let commands = [
        "EHLO client.example",
        "AUTH ANONYMOUS c2lk",
        "MAIL FROM:<>",
        "RCPT TO:<bob@example.org>",
    ];
    let answers = answers(&server, &commands).await;
    assert!(answers[1].starts_with("235 "), "{answers:?}");
    assert!(answers[3].starts_with("550 5.7.1"), "{answers:?}");
}

/// Where a listener insists on TLS, in the profile that does everything in clear text otherwise.
#[rstest]
#[case("NOOP", "250 ")]
#[case("RSET", "250 ")]
#[case("HELO client.example", "250 ")]
#[case("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "530 5.7.0")]
#[case("auth plain", "530 5.7.0")]
#[case("AUTH", "530 5.7.0")]
#[case("MAIL FROM:<alice@example.org>", "530 5.7.0")]
#[case("MAIL nonsense", "530 5.7.0")]
#[case("RCPT TO:<bob@example.org>", "530 5.7.0")]
#[case("DATA", "530 5.7.0")]
#[case("BDAT 0 LAST", "530 5.7.0")]
#[case("VRFY alice", "530 5.7.0")]
#[case("EXPN staff", "530 5.7.0")]
#[case("HELP", "530 5.7.0")]
#[case("XYZZY", "500 5.5.1")]
#[case("STARTTLS now", "501 5.5.4")]
#[case("STARTTLS", "220 ")]
#[case("QUIT", "221 ")]
#[tokio::test]
async fn tls_can_be_required(#[case] command: &str, #[case] expected: &str) {
    let mut listener: ListenerConfig = "127.0.0.1:0,M=".parse().unwrap();
    listener.require_tls = true;
    let server = start_with(origin(), listener).await;
    for commands in [&[command][..], &["EHLO client.example", command]] {
        let answers = answers(&server, commands).await;
        let answer = answers.last().unwrap();
        assert!(answer.starts_with(expected), "{answer}");
    }
}
