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
mod tests {
    use super::*;
    use rstest::rstest;
    use tokio::net::{TcpListener, TcpStream};
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

    #[rstest]
    #[case(b"")]
    #[case(b"a\r\n")]
    #[case(b"a\r\nb")]
    fn the_size_is_that_of_what_is_sent(#[case] content: &[u8]) {
        let sent: usize = stuffed(content).map(|block| block.len()).sum();
        assert_eq!(octets(content), sent - b".\r\n".len());
    }

    #[tokio::test]
    async fn no_command_follows_a_content_that_was_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let deadlines = HopDeadlines {
            // A write that would have to wait fails.
            block: Duration::ZERO,
            ..HopDeadlines::default()
        };
        let (told, go_on) = oneshot::channel();
        let rest = tokio::spawn(refuse_early(listener, go_on));
        let stream = TcpStream::connect(address).await.unwrap();
        let mut client = Client::new(stream, deadlines);
        let wait = Duration::from_secs(10);
        assert_eq!(client.reply(wait).await.unwrap().code, 220);
        assert_eq!(client.command("EHLO c", wait).await.unwrap().code, 250);
        assert_eq!(client.command("DATA", wait).await.unwrap().code, 354);
        let content = b"octets\r\n".repeat(4_000_000);
        assert_eq!(client.content(&content).await.unwrap().code, 452);
        client.deadlines.block = Duration::from_secs(60);
        assert!(!client.is_in_step());
        assert_eq!(client.send(&["MAIL"]).await, Err(HopFault::OutOfStep));
        told.send(()).unwrap();
        client.quit().await;
        let rest = rest.await.unwrap();
        assert!(rest.len() < content.len());
        assert!(!rest.windows(4).any(|word| word == b"QUIT"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_content_as_a_whole_has_to_go_in_time() {
        let deadlines = HopDeadlines {
            content: Duration::from_secs(50),
            ..HopDeadlines::default()
        };
        let (near, mut far) = tokio::io::duplex(BLOCK);
        let mut client = Client::new(near, deadlines);
        let reading = tokio::spawn(async move {
            let mut block = vec![0; BLOCK];
            // Each block in time for itself.
            while far.read(&mut block).await.is_ok_and(|length| length > 0) {
                tokio::time::sleep(Duration::from_secs(20)).await;
            }
        });
        let content = b"octets\r\n".repeat(BLOCK);
        assert_eq!(client.content(&content).await, Err(HopFault::Late));
        drop(client);
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_reply_to_quit_is_awaited_whole_and_not_for_ever() {
        for (pause, heard) in [(8, true), (60, false)] {
            let (near, mut far) = tokio::io::duplex(100);
            let leaving = tokio::spawn(Client::new(near, HopDeadlines::default()).quit());
            let mut input = [0; 6];
            far.read_exact(&mut input).await.unwrap();
            assert_eq!(&input, b"QUIT\r\n");
            far.write_all(b"221-bye\r\n").await.unwrap();
            tokio::time::sleep(Duration::from_secs(pause)).await;
            assert_eq!(far.write_all(b"221 now\r\n").await.is_ok(), heard);
            leaving.await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_comes_between_two_transactions_ends_a_session() {
        let (near, mut far) = tokio::io::duplex(100);
        let mut client = Client::new(near, HopDeadlines::default());
        assert!(client.is_quiet().await);
        far.write_all(b"2").await.unwrap();
        assert!(!client.is_quiet().await);

        let (near, far) = tokio::io::duplex(100);
        let mut client = Client::new(near, HopDeadlines::default());
        drop(far);
        assert!(!client.is_quiet().await);
    }
}
