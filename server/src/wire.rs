//! Octets in and out: lines that end at CRLF only, content, TLS, deadlines and bounds.

mod tls;

use std::future::poll_fn;
use std::io::{self, BufRead as _};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::ready;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

pub(crate) use tls::TlsFacts;

use crate::config::Limits;
use crate::data::Content;
use crate::limits::Pace;
use crate::reply::Reply;

/// A client's connection. Replies are gathered and leave together before the next wait
/// (RFC 2920, section 3.2).
pub(crate) struct Wire {
    stream: Stream,
    input: Vec<u8>,
    used: usize,
    output: Vec<u8>,
    idle: Duration,
}

/// A line without its CRLF, or the beginning of one that was longer than the limit.
pub(crate) enum Line {
    Whole(Vec<u8>),
    TooLong(Vec<u8>),
}

/// Why there is nothing more to read or nobody to write to.
#[derive(Debug)]
pub(crate) enum Ended {
    Closed,
    Idle,
    /// A content that came in too slowly.
    Slow,
    /// The server has had enough, and this is its last word.
    GivenUp(Reply),
    /// A line without end; the session cannot be brought back in step.
    Endless,
    /// The server is being shut down.
    Stopping,
    Failed(io::Error),
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Only while a handshake is under way, and after one that failed.
    None,
}

/// Octets read at a time.
const BLOCK: usize = 16 * 1024;
/// Octets without CRLF after which the client is given up.
const ENDLESS: usize = 64 * 1024;
/// Octets of replies that are gathered before they have to leave, so that a client that asks and
/// never reads costs no more.
const GATHERED: usize = 4 * 1024;
/// Octets of memory that an idle connection may keep for replies.
const KEPT: usize = 512;
/// How long a connection is drained after the last reply, so that a reset cannot destroy it.
const LINGER: Duration = Duration::from_secs(1);

impl Wire {
    pub(crate) fn new(stream: TcpStream, idle: Duration) -> Self {
        // Replies are gathered here; the kernel has nothing to wait for.
        let _ = stream.set_nodelay(true);
        Wire {
            stream: Stream::Clear(stream),
            input: Vec::new(),
            used: 0,
            output: Vec::new(),
            idle,
        }
    }

    /// Gathers a reply; it leaves with the next read or flush.
    pub(crate) fn send(&mut self, reply: &Reply) {
        self.output.extend_from_slice(reply.to_string().as_bytes());
    }

    /// Reads up to the next CRLF. Nothing beyond the limit is kept. `stop` ends a wait, even for the
    /// rest of a line, but not what has come already.
    pub(crate) async fn line(
        &mut self,
        limit: usize,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Line, Ended> {
        if self.output.len() > GATHERED {
            self.flush().await?;
            // So many commands at once are many: now it is the others' turn.
            tokio::task::yield_now().await;
        }
        let deadline = Instant::now() + self.idle;
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            if self.take_line(&mut line, &mut length, limit) {
                return Ok(if length - 2 > limit {
                    Line::TooLong(line)
                } else {
                    line.truncate(length - 2);
                    Line::Whole(line)
                });
            }
            if length > ENDLESS {
                return Err(Ended::Endless);
            }
            tokio::select! {
                biased;
                filled = self.fill(deadline) => filled?,
                _ = stop.wait_for(|stopped| *stopped) => return Err(Ended::Stopping),
            }
        }
    }

    /// Reads content up to its end. Not ended by a stop, since what is under way may finish, but by
    /// the end of the grace that it has for that.
    pub(crate) async fn content(
        &mut self,
        content: &mut Content,
        limits: &Limits,
        late: &mut watch::Receiver<bool>,
    ) -> Result<(), Ended> {
        let mut pace = Pace::new(limits);
        loop {
            let (used, ended) = content.feed(&self.input[self.used..]);
            self.used += used;
            if ended {
                return Ok(());
            }
            tokio::select! {
                biased;
                _ = late.wait_for(|late| *late) => return Err(Ended::Stopping),
                filled = self.fill(pace.deadline()) => match filled {
                    Err(Ended::Idle) if pace.is_slow() => return Err(Ended::Slow),
                    filled => filled?,
                }
            }
            if !pace.keeps_up(self.input.len()) {
                return Err(Ended::Slow);
            }
        }
    }

    /// Waits until the client has gone, as far as that can be seen: not behind octets that it sent
    /// before and that are not looked at yet.
    pub(crate) async fn gone(&mut self) -> Ended {
        if self.used == self.input.len() {
            match self.read().await {
                Ok(0) => return Ended::Closed,
                Ok(_) => {}
                Err(error) => return Ended::Failed(error),
            }
        }
        std::future::pending().await
    }

    /// Writes out what was gathered. A wait that is cut off loses and repeats nothing: octets
    /// leave the output once they are written.
    pub(crate) async fn flush(&mut self) -> Result<(), Ended> {
        if self.output.is_empty() {
            return Ok(());
        }
        timeout(self.idle, self.write_output())
            .await
            .map_err(|_| Ended::Idle)?
            .map_err(Ended::Failed)
    }

    async fn write_output(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            let written = match &mut self.stream {
                Stream::Clear(stream) => stream.write(&self.output).await?,
                Stream::Tls(stream) => stream.write(&self.output).await?,
                Stream::None => return Err(io::ErrorKind::NotConnected.into()),
            };
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.output.drain(..written);
        }
        if self.output.capacity() > KEPT {
            self.output = Vec::new();
        }
        match &mut self.stream {
            Stream::Tls(stream) => stream.flush().await,
            Stream::Clear(_) | Stream::None => Ok(()),
        }
    }

    /// Sends what was gathered and closes, with TLS's own farewell; never waits long.
    pub(crate) async fn close(mut self) {
        let _ = timeout(LINGER, async {
            let _ = self.flush().await;
            let shut = match &mut self.stream {
                Stream::Clear(stream) => stream.shutdown().await,
                Stream::Tls(stream) => stream.shutdown().await,
                Stream::None => return,
            };
            while shut.is_ok() && matches!(self.read().await, Ok(1..)) {}
        })
        .await;
    }

    /// Moves input into the line; true at CRLF. `length` counts the CRLF too.
    fn take_line(&mut self, line: &mut Vec<u8>, length: &mut usize, limit: usize) -> bool {
        loop {
            let mut rest = &self.input[self.used..];
            // A slice cannot fail.
            let count = rest.skip_until(b'\n').unwrap_or_default();
            let piece = &self.input[self.used..self.used + count];
            let Some((&last, but_last)) = piece.split_last() else {
                return false;
            };
            let before = but_last.last().or(line.last()).copied();
            let room = (limit + 2).saturating_sub(line.len());
            line.extend_from_slice(&piece[..count.min(room)]);
            if let Some(end) = line.last_mut() {
                // Beyond the limit only the last octet matters, to see CRLF.
                *end = last;
            }
            self.used += count;
            *length += count;
            if last == b'\n' && before == Some(b'\r') {
                return true;
            }
        }
    }

    async fn fill(&mut self, deadline: Instant) -> Result<(), Ended> {
        self.flush().await?;
        match timeout_at(deadline, self.read()).await {
            Err(_) => Err(Ended::Idle),
            Ok(Err(error)) => Err(Ended::Failed(error)),
            Ok(Ok(0)) => Err(Ended::Closed),
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// Replaces the input by the next octets that come. While it waits it holds no memory: the
    /// block is on the stack and only for the moment of the copy.
    async fn read(&mut self) -> io::Result<usize> {
        self.input = Vec::new();
        self.used = 0;
        self.input = match &mut self.stream {
            Stream::Clear(stream) => next_block(stream).await?,
            Stream::Tls(stream) => next_block(stream.as_mut()).await?,
            Stream::None => Vec::new(),
        };
        Ok(self.input.len())
    }
}

async fn next_block(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    poll_fn(|context| {
        let mut memory = [MaybeUninit::uninit(); BLOCK];
        let mut block = ReadBuf::uninit(&mut memory);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut block))?;
        Ok(block.filled().to_vec()).into()
    })
    .await
}

#[cfg(test)]
mod tests;
