//! One client's session: the state machine, one arm a command.

mod authentication;
mod submission;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::auth::{Channel, Mechanism};
use crate::command::{self, Command, Fault, FaultKind, Verb};
use crate::listener::Bound;
use crate::reply::{Reply, reply};
use crate::server::Shared;
use crate::wire::{Ended, Line, TlsFacts, Wire};
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

/// How the client introduced itself.
struct Hello {
    client: String,
    esmtp: bool,
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
            Command::Helo { client } => {
                self.introduce(client, false);
                Reply::plain(250, vec![self.shared.config.hostname.clone()])
            }
            Command::StartTls => return Ok(Next::StartTls),
            Command::Auth { mechanism, initial } => self.authenticate(&mechanism, initial).await?,
            Command::Mail { sender, parameters } => self.mail(sender, parameters),
            Command::Rcpt { recipient } => self.rcpt(recipient),
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

    /// What the session's state refuses, whatever the arguments are.
    fn out_of_order(&self, verb: Verb) -> Option<Reply> {
        let modifiers = self.listener.modifiers;
        let esmtp = self.hello.as_ref().is_some_and(|hello| hello.esmtp);
        let transaction = self.transaction.as_ref();
        match verb {
            Verb::Auth | Verb::Mail | Verb::Rcpt | Verb::Data if self.hello.is_none() => {
                Some(reply(503, "5.5.1", "EHLO first"))
            }
            Verb::StartTls if self.tls.is_some() => Some(reply(503, "5.5.1", "TLS is active")),
            Verb::StartTls if modifiers.no_starttls => Some(not_offered()),
            Verb::Auth if modifiers.no_auth => Some(not_offered()),
            Verb::Auth if !esmtp => Some(reply(503, "5.5.1", "EHLO first")),
            Verb::Auth if self.authenticated => Some(reply(503, "5.5.1", "Already authenticated")),
            Verb::Auth if transaction.is_some() => {
                Some(reply(503, "5.5.1", "Not inside a transaction"))
            }
            Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Vrfy
                if modifiers.authentication_required && self.user.is_none() =>
            {
                Some(reply(530, "5.7.0", "Authentication required"))
            }
            Verb::Mail if transaction.is_some() => {
                Some(reply(503, "5.5.1", "Transaction already begun"))
            }
            Verb::Rcpt | Verb::Data if transaction.is_none() => {
                Some(reply(503, "5.5.1", "MAIL first"))
            }
            Verb::Data => transaction.and_then(Transaction::without_recipients),
            _ => None,
        }
    }

    /// Introduces the client. A transaction ends; authentication and TLS stay.
    fn introduce(&mut self, client: String, esmtp: bool) {
        self.hello = Some(Hello { client, esmtp });
        self.transaction = None;
    }

    fn ehlo(&mut self, client: String) -> Reply {
        self.introduce(client, true);
        let config = &self.shared.config;
        let mut lines = vec![
            config.hostname.clone(),
            "PIPELINING".to_owned(),
            format!("SIZE {}", config.size_limit),
            "ENHANCEDSTATUSCODES".to_owned(),
        ];
        if self.tls.is_none() && !self.listener.modifiers.no_starttls {
            lines.push("STARTTLS".to_owned());
        }
        let mechanisms: Vec<_> = self
            .usable_mechanisms(&self.channel())
            .iter()
            .map(Mechanism::to_string)
            .collect();
        if !self.authenticated && !mechanisms.is_empty() {
            lines.push(format!("AUTH {}", mechanisms.join(" ")));
        }
        Reply::plain(250, lines)
    }

    /// The mechanisms that can be used on this listener in this state of TLS.
    fn usable_mechanisms(&self, channel: &Channel) -> Vec<Mechanism> {
        let offered = !self.listener.modifiers.no_auth;
        let all = self.shared.config.mechanisms.iter().copied();
        all.filter(|mechanism| offered && channel.carries(*mechanism))
            .collect()
    }

    /// What an exchange has to know of this connection.
    fn channel(&self) -> Channel {
        let config = &self.shared.config;
        let port = self.listener.address.port();
        let channel = Channel::clear(&config.hostname, port, config.clear_text_login);
        match self.wire.tls() {
            Some(tls) => channel.with_tls(tls, self.shared.identity.end_point.as_deref()),
            None => channel,
        }
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

impl Command {
    fn verb(&self) -> Verb {
        match self {
            Command::StartTls => Verb::StartTls,
            Command::Auth { .. } => Verb::Auth,
            Command::Mail { .. } => Verb::Mail,
            Command::Rcpt { .. } => Verb::Rcpt,
            Command::Data => Verb::Data,
            Command::Vrfy => Verb::Vrfy,
            _ => Verb::Other,
        }
    }
}

fn is_auth(line: &[u8]) -> bool {
    line.split_at_checked(5)
        .is_some_and(|(word, _)| word.eq_ignore_ascii_case(b"AUTH "))
}

fn too_long() -> Reply {
    reply(500, "5.5.6", "Line too long")
}

fn not_offered() -> Reply {
    reply(502, "5.5.1", "Not offered here")
}
