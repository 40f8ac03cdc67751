//! The log does not grow with the crowd of those who have no login.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use msaspec_server::Server;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use client::{reply, until_data};

/// Sessions that come to nothing; as many connections are turned away, or more.
const CROWD: usize = 300;

#[tokio::test]
async fn strangers_do_not_fill_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::builder()
        .user("alice", "secret")
        .clear_text_login()
        .configure(|config| config.limits.connections_per_address = 2)
        .start()
        .await
        .unwrap();
    let clock = Instant::now();
    let address = server.submission().unwrap();
    let connect = async || {
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let greeting = reply(&mut stream).await;
        (stream, greeting)
    };
    // One of two places.
    let mut busy = until_data(&server, &["bob@example.org"]).await;
    for _ in 0..CROWD {
        let mut stranger = loop {
            // The place of the one before is free when the server has seen it go.
            let (stream, greeting) = connect().await;
            if greeting.starts_with("220 ") {
                break stream;
            }
        };
        let (_, greeting) = connect().await;
        assert!(greeting.starts_with("421 4.7.0"), "{greeting}");
        stranger.write_all(b"XYZZY\r\nQUIT\r\n").await.unwrap();
        assert!(reply(&mut stranger).await.starts_with("500 "));
        assert!(reply(&mut stranger).await.starts_with("221 "));
    }
    busy.write_all(b".\r\n").await.unwrap();
    assert!(reply(&mut busy).await.starts_with("250 "));
    drop(busy);
    server.shutdown().await;

    let log = log.text();
    let seconds = clock.elapsed().as_secs() as usize + 1;
    let told = |words: &[&str]| {
        let lines = log
            .lines()
            .filter(|line| words.iter().all(|word| line.contains(word)));
        lines.count()
    };
    let turned_away = told(&["TooManyFromThere"]);
    assert!((1..=seconds).contains(&turned_away), "{log}");
    // One line more is that of the user who leaves.
    let others = told(&["closed"]) + told(&["500 5.5.1"]);
    assert!((1..=20 * seconds + 1).contains(&others), "{log}");
    // What users do is told, whatever the crowd does.
    assert_eq!(
        (told(&["authenticated"]), told(&["queued"])),
        (1, 1),
        "{log}"
    );
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
