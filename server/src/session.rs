//! One client's session: the state machine, one arm a command.

mod acceptance;
mod authentication;
mod hello;
mod order;
mod submission;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::command::{self, Command, Fault, FaultKind};
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
    hello: Option<Hello>,
    /// Whether an exchange has succeeded; there can be one (RFC 4954, section 4).
    authenticated: bool,
    /// Who may submit: nobody, where that exchange was ANONYMOUS.
    user: Option<String>,
    transaction: Option<Transaction>,
}

/// What follows a reply.
enum Next {
    Continue(Reply),
    StartTls,
    Close(Reply),
}

/// Serves one connection until it ends.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    listener: Bound,
    shared: Arc<Shared>,
) {
    let mut session = Session {
        wire: Wire::new(stream, shared.config.idle()),
        stop: shared.stop.clone(),
        shared,
        listener,
        peer,
        tls: None,
        hello: None,
        authenticated: false,
        user: None,
        transaction: None,
    };
    tracing::debug!(listener = session.listener.name, %peer, "connected");
    let ended = session.run().await;
    let farewell = match &ended {
        Ok(farewell) => Some(farewell.clone()),
        Err(Ended::Idle) => Some(reply(421, "4.4.2", "Silent for too long")),
        Err(Ended::Stopping) => Some(reply(421, "4.3.2", "Server is shutting down")),
        Err(Ended::Endless) => Some(reply(500, "5.5.6", "Line too long")),
        Err(Ended::Closed) => None,
        Err(Ended::Failed(error)) => {
            tracing::debug!(%peer, %error, "connection failed");
            None
        }
    };
    tracing::debug!(%peer, "disconnected");
    if let Some(farewell) = farewell {
        session.wire.send(&farewell);
    }
    session.wire.close().await;
}

impl Session {
    /// Runs until a reply that is the last one, or until the connection is of no more use.
    async fn run(&mut self) -> Result<Reply, Ended> {
        if self.listener.implicit_tls {
            self.tls = Some(self.wire.handshake(&self.shared.identity.acceptor).await?);
        }
        let greeting = format!("{} ESMTP msaspec", self.shared.config.hostname);
        self.wire.send(&Reply::plain(220, vec![greeting]));
        loop {
            let next = match self.wire.line(AUTH_LINE_LIMIT, &mut self.stop).await? {
                Line::TooLong => Next::Continue(too_long()),
                Line::Whole(line) if line.len() > LINE_LIMIT && !is_auth(&line) => {
                    Next::Continue(too_long())
                }
                Line::Whole(line) => self.answer(command::parse(&line)).await?,
            };
            match next {
                Next::Continue(reply) => self.wire.send(&reply),
                Next::StartTls => self.start_tls().await?,
                Next::Close(reply) => return Ok(reply),
            }
        }
    }

    /// Answers one command: first by the session's state, then by its syntax, then by its meaning.
    async fn answer(&mut self, command: Result<Command, Fault>) -> Result<Next, Ended> {
        let verb = match &command {
            Ok(command) => command.verb(),
            Err(fault) => fault.verb,
        };
        if let Some(refusal) = self.out_of_order(verb) {
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
            Command::Auth { mechanism, initial } => self.authenticate(&mechanism, initial).await?,
            Command::Mail { sender, parameters } => self.mail(sender, &parameters),
            Command::Rcpt {
                recipient,
                parameters,
            } => self.rcpt(recipient, &parameters),
            Command::Data => self.data().await?,
            Command::Rset => {
                self.transaction = None;
                reply(250, "2.0.0", "Forgotten")
            }
            Command::Noop => reply(250, "2.0.0", "Nothing done"),
            Command::Vrfy => reply(252, "2.5.0", "Cannot verify; send the mail and see"),
            Command::Help => reply(214, "2.0.0", "See RFC 6409"),
            Command::NotImplemented => reply(502, "5.5.1", "Command not implemented"),
            Command::Quit => return Ok(Next::Close(reply(221, "2.0.0", "Goodbye"))),
            // Later it is no browser that talks, and any unknown word is worth a reply.
            Command::Http if self.hello.is_some() => FaultKind::UnknownVerb.reply(),
            Command::Http => return Ok(Next::Close(reply(421, "4.7.0", "This is SMTP"))),
        }))
    }

    /// Begins TLS and forgets everything the client said before (RFC 3207, section 4.2).
    async fn start_tls(&mut self) -> Result<(), Ended> {
        let ready = reply(220, "2.0.0", "Ready to start TLS");
        self.hello = None;
        self.authenticated = false;
        self.user = None;
        self.transaction = None;
        self.tls = Some(
            self.wire
                .start_tls(&ready, &self.shared.identity.acceptor)
                .await?,
        );
        Ok(())
    }
}

fn is_auth(line: &[u8]) -> bool {
    line.split_at_checked(5)
        .is_some_and(|(word, _)| word.eq_ignore_ascii_case(b"AUTH "))
}

fn too_long() -> Reply {
    reply(500, "5.5.6", "Line too long")
}
