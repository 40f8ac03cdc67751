//! One client's connection: commands, replies, TLS and login, as cheap as they can be had.

use std::{fmt, io, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use msaspec_harness::{mechanism::Exchange, reply::Reply, report::terminal::cut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Login, Order, Tls};

/// A connection on which mail can be sent.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    patience: Duration,
    /// What must not be told again of what the server says.
    secrets: Arc<[String]>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a message did not get through, or a connection did not come about. Its text is what equal
/// troubles are counted by.
#[derive(Debug)]
pub enum Trouble {
    /// No connection.
    Connect(io::Error),
    /// No TLS.
    Tls(io::Error),
    /// A reply of another class than was wanted, what it answers, and its text.
    Reply(u16, &'static str, String),
    /// What was asked is no reply's beginning, or has no end.
    Garbage(&'static str),
    /// No reply in time, and to what.
    Late(&'static str),
    /// The connection was closed, and what should have been answered.
    Closed(&'static str),
    /// Our side of a login cannot go on.
    Login(String),
}

/// Octets of one reply that are read.
const LONGEST_REPLY: usize = 64 * 1024;
/// Lines and characters of a reply that are told.
const MOST_LINES: usize = 10;
const MOST_WORDS: usize = 200;
/// Octets read at a time.
const BLOCK: usize = 4096;

impl Connection {
    /// Connects, greets, begins TLS and logs in, as the order says.
    pub(super) async fn open(order: &Order) -> Result<Connection, Trouble> {
        let stream = timeout(order.timeout, TcpStream::connect(order.address))
            .await
            .map_err(|_| Trouble::Late("the connection"))?
            .map_err(Trouble::Connect)?;
        stream.set_nodelay(true).map_err(Trouble::Connect)?;
        let mut connection = Connection {
            stream: Box::new(stream),
            input: Vec::with_capacity(BLOCK),
            patience: order.timeout,
            secrets: order
                .login
                .as_ref()
                .map_or_else(Arc::default, |login| login.secrets.clone()),
        };
        if order.tls == Tls::Implicit {
            connection = connection.begin_tls(order).await?;
        }
        connection.expect(2, b"", "the connection").await?;
        connection.expect(2, HELLO, "EHLO").await?;
        if order.tls == Tls::StartTls {
            connection.expect(2, b"STARTTLS\r\n", "STARTTLS").await?;
            connection = connection.begin_tls(order).await?;
            connection.expect(2, HELLO, "EHLO").await?;
        }
        if let Some(login) = &order.login {
            connection.log_in(login, order).await?;
        }
        Ok(connection)
    }

    async fn begin_tls(self, order: &Order) -> Result<Connection, Trouble> {
        let connector = TlsConnector::from(order.tls_config.clone());
        let handshake = connector.connect(order.server_name.clone(), self.stream);
        let stream = timeout(order.timeout, handshake)
            .await
            .map_err(|_| Trouble::Late("the TLS handshake"))?
            .map_err(Trouble::Tls)?;
        Ok(Connection {
            stream: Box::new(stream),
            // What came in clear text has no place behind the handshake (RFC 3207 section 4.2).
            input: Vec::with_capacity(BLOCK),
            ..self
        })
    }

    async fn log_in(&mut self, login: &Login, order: &Order) -> Result<(), Trouble> {
        let mut exchange = login.exchange(&order.host());
        let mut command = format!("AUTH {}", exchange.name());
        if let Some(initial) = exchange.initial() {
            command = format!("{command} {}", BASE64_STANDARD.encode(initial));
        }
        for _ in 0..MOST_STEPS {
            command.push_str("\r\n");
            let reply = self.command(command.as_bytes(), "AUTH").await?;
            match reply.class() {
                2 => return end(&*exchange),
                3 => command = answer(&mut *exchange, &reply)?,
                _ => {
                    // The server may repeat what it has refused.
                    let said = command.trim_end().rsplit(' ').next().unwrap_or_default();
                    self.secrets = self
                        .secrets
                        .iter()
                        .cloned()
                        .chain([said.to_owned()])
                        .collect();
                    return Err(self.refused(reply.code.unwrap_or(0), "AUTH", &reply));
                }
            }
        }
        Err(Trouble::Garbage("AUTH"))
    }

    /// Sends octets, and reads the reply to them, which has to be of this class.
    pub(super) async fn expect(
        &mut self,
        class: u16,
        octets: &[u8],
        what: &'static str,
    ) -> Result<(), Trouble> {
        let reply = self.command(octets, what).await?;
        match (reply.class() == class, reply.code) {
            (true, _) => Ok(()),
            (false, Some(code)) => Err(self.refused(code, what, &reply)),
            (false, None) => Err(Trouble::Garbage(what)),
        }
    }

    /// The trouble of a reply, with its text as far as a reader wants it.
    fn refused(&self, code: u16, what: &'static str, reply: &Reply) -> Trouble {
        let lines = (0..reply.texts.len().min(MOST_LINES)).map(|line| reply.text(line));
        let text = lines.collect::<Vec<_>>().join(" ");
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        let text = secrets.fold(text, |text, secret| text.replace(secret, "[secret]"));
        Trouble::Reply(code, what, cut(&text, MOST_WORDS))
    }

    async fn command(&mut self, octets: &[u8], what: &'static str) -> Result<Reply, Trouble> {
        self.send(octets, what).await?;
        self.reply(what).await
    }

    /// Sends octets to their last.
    pub(super) async fn send(&mut self, octets: &[u8], what: &'static str) -> Result<(), Trouble> {
        if octets.is_empty() {
            return Ok(());
        }
        let sent = timeout(self.patience, async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Trouble::Closed(what)),
            Err(_) => Err(Trouble::Late(what)),
        }
    }

    async fn reply(&mut self, what: &'static str) -> Result<Reply, Trouble> {
        match timeout(self.patience, self.read_reply(what)).await {
            Ok(reply) => reply,
            Err(_) => Err(Trouble::Late(what)),
        }
    }

    async fn read_reply(&mut self, what: &'static str) -> Result<Reply, Trouble> {
        let mut reply = Reply::default();
        let (mut begin, mut seen) = (0, 0);
        loop {
            while let Some(length) = self.input[seen..].iter().position(|octet| *octet == b'\n') {
                seen += length + 1;
                let whole = reply.push(&self.input[begin..seen]);
                begin = seen;
                if whole {
                    self.input.drain(..begin);
                    return Ok(reply);
                }
            }
            seen = self.input.len();
            if seen > LONGEST_REPLY {
                return Err(Trouble::Garbage(what));
            }
            self.input.reserve(BLOCK);
            match self.stream.read_buf(&mut self.input).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(Trouble::Closed(what)),
            }
        }
    }

    /// Says goodbye, and waits for the answer.
    pub(super) async fn quit(mut self) -> Result<(), Trouble> {
        self.expect(2, b"QUIT\r\n", "QUIT").await
    }

    /// Until the server says something unasked, or closes.
    pub(super) async fn ended(&mut self) {
        let mut octet = [0];
        let _ = self.stream.read(&mut octet).await;
    }
}

const HELLO: &[u8] = b"EHLO client.example\r\n";
/// The most steps of a login; no mechanism has as many.
const MOST_STEPS: usize = 8;

fn answer(exchange: &mut dyn Exchange, reply: &Reply) -> Result<String, Trouble> {
    let challenge = reply.texts.last().map_or(&[][..], Vec::as_slice);
    let challenge = BASE64_STANDARD
        .decode(challenge.trim_ascii())
        .map_err(|_| Trouble::Garbage("AUTH"))?;
    let answer = exchange.respond(&challenge);
    let answer = answer.map_err(|error| Trouble::Login(error.to_string()))?;
    Ok(BASE64_STANDARD.encode(answer))
}

fn end(exchange: &dyn Exchange) -> Result<(), Trouble> {
    let ended = exchange.verify_end();
    ended.map_err(|error| Trouble::Login(error.to_string()))
}

impl Trouble {
    /// The text of the reply, where there was one.
    pub fn words(&self) -> Option<&str> {
        match self {
            Trouble::Reply(_, _, words) if !words.is_empty() => Some(words),
            _ => None,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Connect(error) => write!(f, "cannot connect: {}", error.kind()),
            Trouble::Tls(error) => write!(f, "TLS: {error}"),
            Trouble::Reply(code, what, _) => write!(f, "{code} to {what}"),
            Trouble::Garbage(what) => write!(f, "what answers {what} is no reply"),
            Trouble::Late(what) => write!(f, "no reply to {what} in time"),
            Trouble::Closed(what) => write!(f, "closed where {what} is to be answered"),
            Trouble::Login(why) => write!(f, "login: {why}"),
        }
    }
}
