//! One client's session: the state machine, one arm a command.

mod acceptance;
mod authentication;
mod ending;
mod hello;
mod order;
mod policy;
mod submission;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::auth::Channel;
use crate::command::{self, Command, Fault, Verb};
use crate::limits::Patience;
use crate::listener::Bound;
use crate::reply::{Reply, reply};
use crate::server::Shared;
use crate::wire::{Ended, Line, TlsFacts, Wire};
use hello::Hello;
use submission::Transaction;

/// Octets of a command line without its CRLF; the RFC's 512 and what extensions add, with room.
const LINE_LIMIT: usize = 2048;
/// Octets of an AUTH command: its longest response and a mechanism's name.
const AUTH_LINE_LIMIT: usize = authentication::RESPONSE_LIMIT + 64;

/// Everything the server remembers about one connection.
struct Session {
    wire: Wire,
    shared: Arc<Shared>,
    listener: Bound,
    peer: SocketAddr,
    stop: watch::Receiver<bool>,
    tls: Option<TlsFacts>,
    /// What an exchange has to know of this connection.
    channel: Channel,
    hello: Option<Hello>,
    /// Whether an exchange has succeeded; there can be one (RFC 4954, section 4).
    authenticated: bool,
    /// Who may submit: nobody, where that exchange was ANONYMOUS.
    user: Option<String>,
    transaction: Option<Transaction>,
    patience: Patience,
}

/// What follows a reply.
enum Next {
    Continue(Reply),
    StartTls,
    Close(Reply),
}

/// Serves one connection until it ends. Every line that it logs has the same three fields in front.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    listener: Bound,
    shared: Arc<Shared>,
) {
    let id = shared.next_session();
    let span = tracing::info_span!("session", id, %peer, listener = listener.name);
    let session = async {
        tracing::debug!("connected");
        let mut session = Session {
            wire: Wire::new(stream, shared.config.idle()),
            stop: shared.stop.clone(),
            channel: Channel::clear(
                &shared.config.hostname,
                listener.address.port(),
                shared.config.clear_text_login,
            ),
            shared,
            listener,
            peer,
            tls: None,
            hello: None,
            authenticated: false,
            user: None,
            transaction: None,
            patience: Patience::default(),
        };
        let ended = session.run().await;
        session.close(ended).await;
    };
    session.instrument(span).await;
}

impl Session {
    /// Runs until a reply that is the last one, or until the connection is of no more use.
    async fn run(&mut self) -> Result<Reply, Ended> {
        if self.listener.implicit_tls {
            let acceptor = &self.shared.identity.acceptor;
            let longest = self.shared.config.limits.handshake();
            let handshake = self.wire.handshake(acceptor, longest, &mut self.stop);
            let facts = handshake.await?;
            self.protected(facts);
        }
        let greeting = format!("{} ESMTP msaspec", self.shared.config.hostname);
        self.wire.send(&Reply::plain(220, vec![greeting]));
        loop {
            // A client that never pauses would not notice the stop while it waits for a line.
            if self.transaction.is_none() && *self.stop.borrow() {
                return Err(Ended::Stopping);
            }
            let (verb, next) = match self.wire.line(AUTH_LINE_LIMIT, &mut self.stop).await? {
                Line::Whole(line) | Line::TooLong(line) if command::is_http(&line) => {
                    return Err(Ended::GivenUp(reply(421, "4.7.0", "This is SMTP")));
                }
                Line::TooLong(_) => (Verb::Other, Next::Continue(too_long())),
                Line::Whole(line) if line.len() > LINE_LIMIT && !is_auth(&line) => {
                    (Verb::Other, Next::Continue(too_long()))
                }
                Line::Whole(line) => {
                    let command = command::parse(&line);
                    let verb = verb(&command);
                    (verb, self.answer(command).await?)
                }
            };
            match next {
                Next::Continue(reply) => self.reply(verb, reply)?,
                Next::StartTls => self.start_tls().await?,
                Next::Close(reply) => return Ok(reply),
            }
        }
    }

    /// Sends a command's final reply, unless the client has used up the server's patience.
    fn reply(&mut self, verb: Verb, reply: Reply) -> Result<(), Ended> {
        let limits = &self.shared.config.limits;
        if reply.code() >= 400 && self.patience.refusal() && self.is_told() {
            // Not what the client wrote: it may be a password in the wrong place.
            tracing::info!(command = ?verb, reply = reply.to_string().trim_end(), "refused");
        }
        let end = self
            .patience
            .command(reply.code(), verb == Verb::Rcpt, limits);
        match end {
            None => {
                self.wire.send(&reply);
                Ok(())
            }
            Some(why) => Err(Ended::GivenUp(crate::reply::reply(421, "4.7.0", why))),
        }
    }

    /// Whether the log tells the next line of this session. Users are no strangers.
    fn is_told(&self) -> bool {
        self.user.is_some() || self.shared.strangers.next()
    }

    fn protected(&mut self, facts: TlsFacts) {
        tracing::debug!(version = facts.version, cipher = facts.cipher, "tls");
        self.tls = Some(facts);
        if let Some(tls) = self.wire.tls() {
            let end_point = self.shared.identity.end_point.as_deref();
            self.channel = std::mem::take(&mut self.channel).with_tls(tls, end_point);
        }
    }

    /// Answers one command: first by the session's state, then by its syntax, then by its meaning.
    async fn answer(&mut self, command: Result<Command, Fault>) -> Result<Next, Ended> {
        if let Some(refusal) = self.out_of_order(verb(&command)) {
            return Ok(Next::Continue(refusal));
        }
        let command = match command {
            Ok(command) => command,
            Err(fault) => return Ok(Next::Continue(fault.kind.reply())),
        };
        Ok(Next::Continue(match command {
            Command::Ehlo { client } => self.ehlo(client),
            Command::Helo { client } => self.helo(client),
            Command::StartTls => return Ok(Next::StartTls),
            Command::Auth { mechanism, initial } => {
                Box::pin(self.authenticate(&mechanism, initial)).await?
            }
            Command::Mail { sender, parameters } => self.mail(sender, &parameters).await?,
            Command::Rcpt {
                recipient,
                parameters,
            } => self.rcpt(recipient, &parameters).await?,
            Command::Data => Box::pin(self.data()).await?,
            Command::Rset => {
                self.transaction = None;
                reply(250, "2.0.0", "Forgotten")
            }
            Command::Noop => reply(250, "2.0.0", "Nothing done"),
            Command::Vrfy => reply(252, "2.5.0", "Cannot verify; send the mail and see"),
            Command::Help => reply(214, "2.0.0", "See RFC 6409"),
            Command::NotImplemented => reply(502, "5.5.1", "Command not implemented"),
            Command::Quit => return Ok(Next::Close(reply(221, "2.0.0", "Goodbye"))),
        }))
    }

    /// Begins TLS and forgets everything the client said before (RFC 3207, section 4.2).
    async fn start_tls(&mut self) -> Result<(), Ended> {
        let ready = reply(220, "2.0.0", "Ready to start TLS");
        self.hello = None;
        self.authenticated = false;
        self.user = None;
        self.transaction = None;
        let acceptor = &self.shared.identity.acceptor;
        let longest = self.shared.config.limits.handshake();
        let stop = &mut self.stop;
        let facts = self.wire.start_tls(&ready, acceptor, longest, stop);
        let facts = facts.await?;
        self.protected(facts);
        Ok(())
    }

    /// Waits, but not with replies in hand that the client could have, nor beyond a stop, nor for a
    /// client that has gone.
    async fn wait<T>(&mut self, task: impl Future<Output = T>) -> Result<T, Ended> {
        let mut task = Box::pin(task);
        tokio::select! {
            biased;
            done = &mut task => return Ok(done),
            () = std::future::ready(()) => {}
        }
        self.wire.flush().await?;
        tokio::select! {
            biased;
            done = task => Ok(done),
            _ = self.stop.wait_for(|stopped| *stopped) => Err(Ended::Stopping),
            gone = self.wire.gone() => Err(gone),
        }
    }
}

fn verb(command: &Result<Command, Fault>) -> Verb {
    match command {
        Ok(command) => command.verb(),
        Err(fault) => fault.verb,
    }
}

fn is_auth(line: &[u8]) -> bool {
    line.split_at_checked(5)
        .is_some_and(|(word, _)| word.eq_ignore_ascii_case(b"AUTH "))
}

fn too_long() -> Reply {
    reply(500, "5.5.6", "Line too long")
}
