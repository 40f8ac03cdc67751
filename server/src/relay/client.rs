//! Our own SMTP client on the wire: commands, replies, content and TLS, each within its deadline.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::task::unconstrained;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::fault::HopFault;
use super::reply::{self, HopReply};
use crate::config::HopDeadlines;

/// A connection to a next hop.
pub(super) struct Client {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    deadlines: HopDeadlines,
    /// Set while octets are written that belong together; if it stays, no command can follow.
    unfinished: bool,
}

/// Clear or encrypted.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Octets of content written at a time.
const BLOCK: usize = 64 * 1024;
/// How long a hop that stopped reading is asked for its reason.
const LAST_WORD: Duration = Duration::from_secs(1);
/// How long the reply to QUIT is awaited at most; nothing depends on it, but a hop may be slow.
const FAREWELL: Duration = Duration::from_secs(10);

impl Client {
    pub(super) fn new(stream: impl Stream + 'static, deadlines: HopDeadlines) -> Self {
        Client {
            stream: Box::new(stream),
            input: Vec::new(),
            deadlines,
            unfinished: false,
        }
    }

    /// Encrypts the connection after 220 to STARTTLS. What came behind that reply in clear is
    /// thrown away: it may be anybody's (RFC 3207, section 6).
    pub(super) async fn start_tls(
        self,
        connector: &TlsConnector,
        name: ServerName<'static>,
    ) -> Result<Self, HopFault> {
        let handshake = connector.connect(name, self.stream);
        let stream = timeout(self.deadlines.connect, handshake)
            .await
            .map_err(|_| HopFault::Handshake("not in time".to_owned()))?
            .map_err(|error| HopFault::Handshake(error.to_string()))?;
        Ok(Client::new(stream, self.deadlines))
    }

    /// Sends one command and reads its reply.
    pub(super) async fn command(
        &mut self,
        line: &str,
        wait: Duration,
    ) -> Result<HopReply, HopFault> {
        self.send(&[line]).await?;
        self.reply(wait).await
    }

    /// Sends commands whose replies are read one by one with [`Client::reply`].
    pub(super) async fn send(&mut self, lines: &[&str]) -> Result<(), HopFault> {
        self.in_step()?;
        let mut octets = lines.join("\r\n");
        octets.push_str("\r\n");
        self.unfinished = true;
        self.write(octets.as_bytes()).await?;
        self.unfinished = false;
        Ok(())
    }

    /// Sends content after 354 and reads the reply to its end.
    pub(super) async fn content(&mut self, content: &[u8]) -> Result<HopReply, HopFault> {
        self.in_step()?;
        self.unfinished = true;
        let limit = self.deadlines.content;
        let writing = async {
            for block in stuffed(content) {
                self.write(&block).await?;
            }
            Ok(())
        };
        let written = timeout(limit, writing).await;
        if let Err(fault) = written.unwrap_or(Err(HopFault::Late)) {
            return self.last_word(fault).await;
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
        let wait = self.deadlines.greeting.min(FAREWELL);
        self.input.clear();
        let farewell = async {
            let _ = self.command("QUIT", wait).await;
            let _ = self.stream.shutdown().await;
        };
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// Reads one reply whole; its lines together have to come in time.
    pub(super) async fn reply(&mut self, wait: Duration) -> Result<HopReply, HopFault> {
        timeout(wait, self.read_reply())
            .await
            .map_err(|_| HopFault::Late)?
    }

    /// Whether all that was written was written whole, and every reply belongs to a command.
    pub(super) fn is_in_step(&self) -> bool {
        self.input.is_empty() && !self.unfinished
    }

    /// Whether a session from before can go on: nothing has come since, not even its end. Does not
    /// wait.
    pub(super) async fn is_quiet(&mut self) -> bool {
        let mut octet = [0];
        let mut octet = ReadBuf::new(&mut octet);
        let stream = &mut self.stream;
        let silence = poll_fn(|context| {
            let read = Pin::new(&mut *stream).poll_read(context, &mut octet);
            Poll::Ready(read.is_pending())
        });
        // Pending is to mean nothing else here than that nothing came.
        unconstrained(silence).await && self.is_in_step()
    }

    /// A reply that is already there would be taken for the answer to a command it precedes, and a
    /// command behind something unfinished for a part of it.
    fn in_step(&self) -> Result<(), HopFault> {
        match self.is_in_step() {
            true => Ok(()),
            false => Err(HopFault::OutOfStep),
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), HopFault> {
        let written = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        timeout(self.deadlines.block, written)
            .await
            .map_err(|_| HopFault::Late)?
            .map_err(HopFault::from)
    }

    async fn read_reply(&mut self) -> Result<HopReply, HopFault> {
        let mut looked_at = 0;
        loop {
            // A hop that sends octet by octet is not looked at anew for each of them.
            if self.input[looked_at..].contains(&b'\n') || self.input.len() > reply::REPLY_LIMIT {
                match reply::take(&self.input) {
                    Ok(Some((reply, used))) => {
                        self.input.drain(..used);
                        return Ok(reply);
                    }
                    Ok(None) => {}
                    Err(_) => return Err(HopFault::NotAReply),
                }
            }
            looked_at = self.input.len();
            let mut block = [0; 4096];
            match self.stream.read(&mut block).await? {
                0 => return Err(HopFault::Closed),
                length => self.input.extend_from_slice(&block[..length]),
            }
        }
    }

    /// A refusal that came while content was still being written. A yes cannot have come yet.
    async fn last_word(&mut self, fault: HopFault) -> Result<HopReply, HopFault> {
        match timeout(LAST_WORD, self.read_reply()).await {
            Ok(Ok(reply)) if reply.class() >= 4 => Ok(reply),
            _ => Err(fault),
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

/// Octets of a content as the hop has it in the end (RFC 1870, section 5).
pub(super) fn octets(content: &[u8]) -> usize {
    match content.is_empty() || content.ends_with(b"\r\n") {
        true => content.len(),
        false => content.len() + 2,
    }
}

#[cfg(test)]
mod tests;
