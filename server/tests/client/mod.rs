//! A client that submits one message, and waits until it has gone.

#![allow(dead_code, reason = "not every test program needs all of it")]

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use msaspec_server::Server;
use msaspec_server::spool::Queue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Submits a message and returns its queue id.
pub(crate) async fn submit(server: &Server, recipients: &[&str]) -> String {
    let mut stream = until_data(server, recipients).await;
    stream
        .write_all(b"Subject: x\r\n\r\n..stuffed\r\n.\r\n")
        .await
        .unwrap();
    let answer = reply(&mut stream).await;
    assert!(answer.starts_with("250 "), "{answer}");
    answer.split(' ').nth(2).unwrap().to_owned()
}

/// Gives a wrong password so many times in one session, and returns the last answer.
pub(crate) async fn fail_to_log_in(server: &Server, times: usize) -> String {
    let stream = TcpStream::connect(server.submission().unwrap());
    let mut stream = BufReader::new(stream.await.unwrap());
    let login = base64::engine::general_purpose::STANDARD.encode("\0alice\0wrong");
    let mut answer = reply(&mut stream).await;
    let logins = std::iter::repeat_n(format!("AUTH PLAIN {login}\r\n"), times);
    for command in std::iter::once("EHLO client.example\r\n".to_owned()).chain(logins) {
        stream.write_all(command.as_bytes()).await.unwrap();
        answer = reply(&mut stream).await;
    }
    answer
}

/// Waits until the spool is empty.
pub(crate) async fn emptied(spool: &Path) {
    let queue = Queue::open(spool).unwrap();
    let waiting = async {
        while !queue.list().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap();
}

/// A session whose DATA has been answered 354.
pub(crate) async fn until_data(server: &Server, recipients: &[&str]) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(server.submission().unwrap())
        .await
        .unwrap();
    let mut stream = BufReader::new(stream);
    let login = base64::engine::general_purpose::STANDARD.encode("\0alice\0secret");
    let mut commands = vec!["EHLO client.example".to_owned()];
    commands.push(format!("AUTH PLAIN {login}"));
    commands.push("MAIL FROM:<alice@example.org>".to_owned());
    commands.extend(
        recipients
            .iter()
            .map(|address| format!("RCPT TO:<{address}>")),
    );
    commands.push("DATA".to_owned());
    reply(&mut stream).await;
    for command in commands {
        stream
            .write_all(format!("{command}\r\n").as_bytes())
            .await
            .unwrap();
        let answer = reply(&mut stream).await;
        assert!(
            matches!(answer.as_bytes()[0], b'2' | b'3'),
            "{command}: {answer}"
        );
    }
    stream
}

/// Reads one reply and returns its last line.
pub(crate) async fn reply(stream: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.as_bytes()[3] == b' ' {
            return line.trim_end().to_owned();
        }
    }
}
