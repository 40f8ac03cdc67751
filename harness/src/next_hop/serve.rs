//! The server's side of the next hop: enough SMTP (RFC 5321) for any client to deliver, and the rules.

use std::{collections::VecDeque, io, mem, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{Action, Mailbox, PATIENCE, Stage, content, log::offers, script::Envelope};
use crate::message::Delivered;

mod speech;

/// How long a client that was told to go may take to leave.
const LINGER: Duration = Duration::from_secs(1);
const KEYWORDS: &str = "250-next-hop.example\n250-PIPELINING\n250-SIZE 50000000\n250-8BITMIME\n250-DSN\n250 ENHANCEDSTATUSCODES";

pub(super) async fn accept(listener: TcpListener, mailbox: Arc<Mailbox>, tls: TlsAcceptor) {
    let mut visits = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (mailbox, tls) = (mailbox.clone(), tls.clone());
                visits.spawn(async move {
                    // Several writes make one slow reply; none of them is to be held back.
                    let _ = stream.set_nodelay(true);
                    let visit = mailbox.visited();
                    let mut host = Host::new(stream, &mailbox, visit, tls);
                    // A peer that breaks off leaves nothing behind but the log.
                    let _ = timeout(PATIENCE, host.serve()).await;
                    drop(host);
                    mailbox.visit_is_over(visit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the next hop cannot accept");
                // No descriptors, most likely: some come back with time.
                sleep(Duration::from_millis(50)).await;
            }
        }
        while visits.try_join_next().is_some() {}
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection, and where its dialogue stands.
struct Host<'m> {
    stream: BufReader<Box<dyn Stream>>,
    mailbox: &'m Mailbox,
    visit: usize,
    tls: TlsAcceptor,
    hush: watch::Receiver<()>,
    encrypted: bool,
    offers_tls: bool,
    /// Something came before the reply that is being written was whole.
    early: bool,
    leaving: bool,
    helo: String,
    mail: Option<String>,
    /// The recipients of the transaction that were accepted.
    recipients: Vec<String>,
    /// Those that were named; kept after the end, for the reply to QUIT.
    named: Vec<String>,
    /// Commands that a lie has made of one.
    pending: VecDeque<Vec<u8>>,
}

impl<'m> Host<'m> {
    fn new(stream: TcpStream, mailbox: &'m Mailbox, visit: usize, tls: TlsAcceptor) -> Host<'m> {
        Host {
            stream: BufReader::new(Box::new(stream)),
            mailbox,
            visit,
            tls,
            hush: mailbox.hush.subscribe(),
            encrypted: false,
            offers_tls: false,
            early: false,
            leaving: false,
            helo: String::new(),
            mail: None,
            recipients: Vec::new(),
            named: Vec::new(),
            pending: VecDeque::new(),
        }
    }

    async fn serve(&mut self) -> io::Result<()> {
        self.answer(Stage::Greeting, &[], "220 next-hop.example ESMTP")
            .await?;
        while !self.leaving
            && let Some(line) = self.command().await?
        {
            self.hear(line.clone(), false);
            self.early = !self.stream.buffer().is_empty();
            self.obey(&line).await?;
        }
        self.stream.shutdown().await?;
        // A socket that closes with octets unread resets the connection, and the last words may be lost.
        let _ = timeout(
            LINGER,
            tokio::io::copy(&mut self.stream, &mut tokio::io::sink()),
        )
        .await;
        Ok(())
    }

    async fn obey(&mut self, line: &[u8]) -> io::Result<()> {
        let verb = crate::line::verb(line);
        let text = String::from_utf8_lossy(line);
        let argument = text.get(verb.len()..).unwrap_or_default().trim_start();
        match verb.as_str() {
            "EHLO" | "HELO" => {
                self.helo = argument.to_owned();
                self.forget();
                let (stage, usual) = match (verb.as_str(), self.encrypted) {
                    ("HELO", _) => (Stage::Helo, "250 next-hop.example"),
                    (_, true) => (Stage::EhloInTls, KEYWORDS),
                    (_, false) => (Stage::Ehlo, KEYWORDS),
                };
                let reply = self.answer(stage, &[], usual).await?;
                self.offers_tls = offers(&reply, "STARTTLS");
            }
            "STARTTLS" if self.offers_tls && !self.encrypted => return self.start_tls().await,
            "MAIL" => {
                self.forget();
                self.mail = Some(argument.to_owned());
                self.answer(Stage::Mail, &[], "250 2.1.0 Sender ok").await?;
            }
            "RCPT" => {
                let recipient = argument.to_owned();
                let usual = "250 2.1.5 Recipient ok";
                let own = std::slice::from_ref(&recipient);
                let reply = self.answer(Stage::Recipient, own, usual).await?;
                match reply.starts_with('2') {
                    true => self.recipients.push(recipient.clone()),
                    false => self.mailbox.refused(&recipient),
                }
                self.named.push(recipient);
            }
            "DATA" => return self.data().await,
            "RSET" => {
                self.forget();
                self.say("250 2.0.0 Forgotten").await?;
            }
            "NOOP" => self.say("250 2.0.0 Here").await?,
            "QUIT" => {
                let named = self.named.clone();
                self.answer(Stage::Quit, &named, "221 2.0.0 Goodbye")
                    .await?;
                self.leaving = true;
            }
            _ => self.say("502 5.5.1 Not here").await?,
        }
        Ok(())
    }

    async fn data(&mut self) -> io::Result<()> {
        let named = self.named.clone();
        let nobody = self.mail.is_none() || self.recipients.is_empty();
        let usual = if nobody {
            "503 5.5.1 No recipients"
        } else {
            "354 Go on"
        };
        let reply = self.answer(Stage::Data, &named, usual).await?;
        if !reply.starts_with('3') || self.leaving {
            return Ok(());
        }
        let raw = self
            .mailbox
            .edited_content(content::read(&mut self.stream).await?);
        self.hear(raw.clone(), true);
        self.early = !self.stream.buffer().is_empty();
        let reply = self.answer(Stage::Dot, &named, "250 2.0.0 Taken").await?;
        let message = Delivered {
            helo: self.helo.clone(),
            mail: self.mail.take().unwrap_or_default(),
            recipients: mem::take(&mut self.recipients),
            content: content::without_transparency(&raw),
        };
        if reply.starts_with('2') && !message.recipients.is_empty() {
            self.mailbox.receive(message);
        }
        Ok(())
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        let reply = self.answer(Stage::StartTls, &[], "220 2.0.0 Go on").await?;
        if !reply.starts_with("220") || self.leaving {
            return Ok(());
        }
        self.forget();
        match self.mailbox.action(Stage::Handshake, &Envelope::default()) {
            Some(Action::Silent) => return self.silence().await,
            Some(Action::Drop) => {
                self.leaving = true;
                return Ok(());
            }
            _ => {}
        }
        let nobody: Box<dyn Stream> = Box::new(tokio::io::empty());
        let clear = mem::replace(&mut self.stream, BufReader::new(nobody));
        // What was sent in clear text behind the command is gone (RFC 3207 section 4.2).
        let encrypted = self.tls.accept(clear.into_inner()).await?;
        self.stream = BufReader::new(Box::new(encrypted));
        (self.encrypted, self.early) = (true, false);
        Ok(())
    }

    fn forget(&mut self) {
        self.mail = None;
        self.recipients.clear();
        self.named.clear();
    }
}
