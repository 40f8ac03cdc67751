use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::Config;
use crate::server::Server;
use crate::spool::Queue;
use crate::spool::tests::{Owner, owner};

/// The same server goes on: it refuses while the disk fails, and takes mail when that has ended.
#[rstest]
#[case::no_space(28, "452 4.3.1 ")]
#[case::quota(122, "452 4.3.1 ")]
#[case::input_output(5, "451 4.3.0 ")]
#[case::read_only(30, "451 4.3.0 ")]
#[tokio::test]
async fn a_client_is_told_while_the_disk_fails(#[case] errno: i32, #[case] refusal: &str) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let Owner { spool, faults } = owner(folder.path()).unwrap();
    let server = Server::start_with(config(folder.path()), move |_| Ok(spool))
        .await
        .unwrap();
    let mut client = Client::log_in(&server).await;
    let mut accepted = vec![client.submit("before").await];
    faults.plan(1, u64::MAX, errno);
    for _ in 0..2 {
        let answer = client.submit("refused").await;
        assert!(answer.starts_with(refusal), "{answer}");
    }
    faults.plan(0, 0, 0);
    accepted.push(client.submit("after").await);
    server.shutdown().await;

    let log = log.text();
    let told = |line: &&str| line.contains("message not stored");
    let lines: Vec<_> = log.lines().filter(told).collect();
    assert_eq!(lines.len(), 2, "{log}");
    for line in lines {
        let folder = folder.path().to_str().unwrap();
        assert!(line.contains("ERROR") && line.contains(folder), "{line}");
    }
    // What was refused is not there, and what was accepted is.
    let queue = Queue::open(folder.path()).unwrap();
    let there = queue.list().unwrap();
    let there: Vec<_> = there.iter().map(|entry| entry.id.as_str()).collect();
    let expected: Vec<_> = accepted
        .iter()
        .map(|answer| answer.strip_prefix("250 2.0.0 ").expect(answer))
        .map(|text| text.split(' ').next().unwrap())
        .collect();
    assert_eq!(there, expected);
    for (id, subject) in there.iter().zip(["before", "after"]) {
        let content = String::from_utf8(queue.read(id).unwrap().content).unwrap();
        assert!(content.contains(&format!("Subject: {subject}\r\n")));
    }
}

/// Nothing is relayed, so that all that was accepted stays.
fn config(spool: &Path) -> Config {
    let mut config = Config::modern("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0".parse().unwrap()];
    config.clear_text_login = true;
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn log_in(server: &Server) -> Client {
        let stream = TcpStream::connect(server.listeners()[0].address).await;
        let mut client = Client(BufReader::new(stream.unwrap()));
        client.reply().await;
        client.say("EHLO client.example").await;
        let login = STANDARD.encode("\0alice\0secret");
        let answer = client.say(&format!("AUTH PLAIN {login}")).await;
        assert!(answer.starts_with("235 "), "{answer}");
        client
    }

    /// The answer to the content.
    async fn submit(&mut self, subject: &str) -> String {
        self.say("MAIL FROM:<alice@example.org>").await;
        self.say("RCPT TO:<bob@example.com>").await;
        let answer = self.say("DATA").await;
        assert!(answer.starts_with("354 "), "{answer}");
        self.say(&format!("Subject: {subject}\r\n\r\nHello\r\n."))
            .await
    }

    async fn say(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        self.0.write_all(line.as_bytes()).await.unwrap();
        self.reply().await
    }

    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
