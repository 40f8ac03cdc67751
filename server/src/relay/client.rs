//! Our own SMTP client: one command, one reply, each within its deadline.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Hop;
use super::reply::{self, HopReply};
use crate::config::HopDeadlines;

/// A session with the next hop, past its EHLO.
pub(super) struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    deadlines: HopDeadlines,
    /// Set while octets are written that belong together; if it stays, no command can follow.
    unfinished: bool,
    /// Whether SIZE was offered (RFC 1870).
    pub(super) size: bool,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum HopError {
    #[error("next hop: {0}")]
    Io(#[from] std::io::Error),
    #[error("next hop: no reply in time")]
    Late,
    #[error("next hop closed the connection")]
    Closed,
    #[error("next hop: not a reply")]
    NotAReply,
    #[error("next hop sent octets that nobody asked for")]
    OutOfStep,
    #[error("next hop: {0}")]
    Refused(String),
}

/// Octets of content written at a time.
const BLOCK: usize = 64 * 1024;
/// How long a hop that stopped reading is asked for its reason.
const LAST_WORD: Duration = Duration::from_secs(1);

impl Client {
    /// Connects to the first address that greets with 220 and answers EHLO or HELO.
    pub(super) async fn connect(hop: &Hop) -> Result<Self, HopError> {
        let connect = seconds(hop.deadlines.connect);
        let addresses = timeout(connect, lookup_host(&hop.address))
            .await
            .map_err(|_| HopError::Late)??;
        let mut last = HopError::Refused("its name has no address".to_owned());
        for address in addresses {
            let session = async {
                let stream = timeout(connect, TcpStream::connect(address))
                    .await
                    .map_err(|_| HopError::Late)??;
                let mut client = Client {
                    stream,
                    input: Vec::new(),
                    deadlines: hop.deadlines,
                    unfinished: false,
                    size: false,
                };
                client.introduce(&hop.hostname).await?;
                Ok(client)
            };
            match session.await {
                Ok(client) => return Ok(client),
                Err(error) => {
                    tracing::debug!(%address, %error, "next hop");
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// Sends one command and reads its reply.
    pub(super) async fn command(&mut self, line: &str, wait: u64) -> Result<HopReply, HopError> {
        // A reply that is already there would be taken for the answer to a command it precedes.
        if !self.input.is_empty() {
            return Err(HopError::OutOfStep);
        }
        self.unfinished = true;
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.unfinished = false;
        self.reply(wait).await
    }

    /// Sends content after 354 and reads the reply to its end.
    pub(super) async fn content(&mut self, content: &[u8]) -> Result<HopReply, HopError> {
        if !self.input.is_empty() {
            return Err(HopError::OutOfStep);
        }
        self.unfinished = true;
        for block in stuffed(content) {
            if let Err(error) = self.write(&block).await {
                return self.last_word(error).await;
            }
        }
        self.unfinished = false;
        self.reply(self.deadlines.end_of_data).await
    }

    /// Says goodbye; the answer no longer matters. Where a write was cut off, QUIT would only
    /// become part of it, and the connection is closed instead.
    pub(super) async fn quit(mut self) {
        if self.unfinished {
            return;
        }
        let wait = self.deadlines.greeting.min(5);
        let _ = self.command("QUIT", wait).await;
    }

    async fn introduce(&mut self, hostname: &str) -> Result<(), HopError> {
        let greeting = self.reply(self.deadlines.greeting).await?;
        let mut answer = greeting;
        if answer.code == 220 {
            answer = self
                .command(&format!("EHLO {hostname}"), self.deadlines.greeting)
                .await?;
            if answer.class() == 2 {
                self.size = answer.lines.iter().skip(1).any(|line| {
                    line.split(' ')
                        .next()
                        .is_some_and(|keyword| keyword.eq_ignore_ascii_case("SIZE"))
                });
                return Ok(());
            }
            if matches!(answer.code, 500 | 502) {
                answer = self
                    .command(&format!("HELO {hostname}"), self.deadlines.greeting)
                    .await?;
                if answer.class() == 2 {
                    return Ok(());
                }
            }
        }
        let _ = self.command("QUIT", self.deadlines.greeting.min(5)).await;
        Err(HopError::Refused(answer.summary()))
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), HopError> {
        timeout(seconds(self.deadlines.block), self.stream.write_all(octets))
            .await
            .map_err(|_| HopError::Late)?
            .map_err(HopError::Io)
    }

    async fn reply(&mut self, wait: u64) -> Result<HopReply, HopError> {
        timeout(seconds(wait), self.read_reply())
            .await
            .map_err(|_| HopError::Late)?
    }

    async fn read_reply(&mut self) -> Result<HopReply, HopError> {
        loop {
            match reply::take(&self.input) {
                Ok(Some((reply, used))) => {
                    self.input.drain(..used);
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(_) => return Err(HopError::NotAReply),
            }
            let mut block = [0; 4096];
            match self.stream.read(&mut block).await? {
                0 => return Err(HopError::Closed),
                length => self.input.extend_from_slice(&block[..length]),
            }
        }
    }

    /// A refusal that came while content was still being written. A yes cannot have come yet.
    async fn last_word(&mut self, error: HopError) -> Result<HopReply, HopError> {
        match timeout(LAST_WORD, self.read_reply()).await {
            Ok(Ok(reply)) if reply.class() >= 4 => Ok(reply),
            _ => Err(error),
        }
    }
}

/// Content and its end in blocks: a dot before each line that begins with one (RFC 5321, section
/// 4.5.2), a line end after the last line, and the line that ends it all.
pub(crate) fn stuffed(content: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = Some(content);
    std::iter::from_fn(move || {
        let mut lines = rest.take()?;
        let mut block = Vec::with_capacity(BLOCK + 1024);
        while !lines.is_empty() && block.len() < BLOCK {
            if lines.starts_with(b".") {
                block.push(b'.');
            }
            let end = lines.windows(2).position(|pair| pair == b"\r\n");
            let (line, after) = lines.split_at(end.map_or(lines.len(), |end| end + 2));
            block.extend_from_slice(line);
            if end.is_none() {
                block.extend_from_slice(b"\r\n");
            }
            lines = after;
        }
        if lines.is_empty() {
            block.extend_from_slice(b".\r\n");
        } else {
            rest = Some(lines);
        }
        Some(block)
    })
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;

    /// A hop that reads no content before it is told to, and refuses at once. What came then.
    async fn refuse_early(listener: TcpListener, go_on: oneshot::Receiver<()>) -> Vec<u8> {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut input = [0; 100];
        for reply in ["220 hop", "250 hop", "354 go on", "452 4.3.1 full"] {
            stream
                .write_all(format!("{reply}\r\n").as_bytes())
                .await
                .unwrap();
            if !reply.starts_with('4') {
                assert!(stream.read(&mut input).await.unwrap() > 0);
            }
        }
        go_on.await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        rest
    }

    #[tokio::test]
    async fn no_command_follows_a_content_that_was_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hop = Hop {
            address: listener.local_addr().unwrap().to_string(),
            hostname: "msa.example.org".to_owned(),
            deadlines: HopDeadlines {
                // A write that would have to wait fails.
                block: 0,
                ..HopDeadlines::default()
            },
            retry: Duration::from_secs(1),
        };
        let (told, go_on) = oneshot::channel();
        let rest = tokio::spawn(refuse_early(listener, go_on));
        let mut client = Client::connect(&hop).await.unwrap();
        assert_eq!(client.command("DATA", 10).await.unwrap().code, 354);
        let content = b"octets\r\n".repeat(4_000_000);
        assert_eq!(client.content(&content).await.unwrap().code, 452);
        client.deadlines.block = 60;
        told.send(()).unwrap();
        client.quit().await;
        let rest = rest.await.unwrap();
        assert!(rest.len() < content.len());
        assert!(!rest.windows(4).any(|word| word == b"QUIT"));
    }
}
