//! What a listener demands before it takes mail.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;

use msaspec_server::{Config, Mechanism, Server};
use rstest::rstest;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use client::reply;

async fn start(config: Config, modifiers: &str) -> Server {
    let mut config = Config {
        spool: None,
        ..config
    };
    let listener = format!("127.0.0.1:0,M={modifiers}");
    config.listeners = vec![listener.parse().unwrap()];
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
