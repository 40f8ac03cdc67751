//! The server's side of the next hop: enough SMTP (RFC 5321) for any client to deliver, and the rules.

use std::{collections::VecDeque, io, mem, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Action, Mailbox, PATIENCE, Stage, content,
    log::{Heard, offers},
    script::Envelope,
};
use crate::message::Delivered;

/// Between two lines of a slow reply: long enough for a hasty client to be heard.
const PAUSE: Duration = Duration::from_millis(20);

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
        self.stream.shutdown().await
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

    /// Does what the rules say, or replies as usual. The reply, as far as it is one.
    async fn answer(
        &mut self,
        stage: Stage,
        addresses: &[String],
        usual: &str,
    ) -> io::Result<String> {
        let envelope = Envelope {
            sender: self.mail.as_deref(),
            recipients: addresses,
        };
        // RCPT is chosen by its own recipient alone.
        let envelope = match stage {
            Stage::Recipient if !self.is_notification() => Envelope {
                sender: None,
                ..envelope
            },
            _ => envelope,
        };
        let action = self.mailbox.action(stage, &envelope);
        let reply = match action.unwrap_or(Action::Usual) {
            Action::Usual => usual.to_owned(),
            Action::Reply(reply) => reply,
            Action::Slowly(reply) => {
                self.slowly(&reply).await?;
                return Ok(reply);
            }
            Action::Octets(octets) => {
                self.write(&octets).await?;
                let reply = String::from_utf8_lossy(&octets).replace("\r\n", "\n");
                self.mailbox.replied(self.visit, &reply);
                return Ok(reply);
            }
            Action::LastWords(reply) => {
                self.leaving = true;
                reply
            }
            Action::Drop => {
                self.leaving = true;
                return Ok(String::new());
            }
            Action::Silent => {
                self.silence().await?;
                return Ok(String::new());
            }
            Action::Endless(line) => {
                self.for_ever(&line).await?;
                return Ok(String::new());
            }
        };
        self.say(&reply).await?;
        Ok(reply)
    }

    fn is_notification(&self) -> bool {
        self.mail.as_deref().is_some_and(super::log::is_null_path)
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.mailbox.replied(self.visit, reply);
        self.write(&lines(reply)).await
    }

    /// Line by line, with an ear for what comes before the last.
    async fn slowly(&mut self, reply: &str) -> io::Result<()> {
        self.mailbox.replied(self.visit, reply);
        let mut rest = reply.lines().peekable();
        while let Some(line) = rest.next() {
            self.write(&lines(line)).await?;
            if rest.peek().is_some() {
                self.early |= matches!(timeout(PAUSE, self.stream.fill_buf()).await, Ok(Ok(octets)) if !octets.is_empty());
                self.early |= self.mailbox.is_hasty();
            }
        }
        Ok(())
    }

    /// Until the target has enough of it. What it says meanwhile is heard.
    async fn silence(&mut self) -> io::Result<()> {
        self.leaving = true;
        self.mailbox.falls_silent(self.visit);
        self.early = true;
        while let Some(line) = self.read_line().await? {
            self.hear(line, false);
            self.early = true;
        }
        Ok(())
    }

    async fn for_ever(&mut self, line: &str) -> io::Result<()> {
        self.leaving = true;
        self.mailbox.falls_silent(self.visit);
        let line = lines(line);
        loop {
            self.write(&line).await?;
            if let Ok(octets) = timeout(PAUSE, self.stream.fill_buf()).await {
                let count = octets?.len();
                if count == 0 {
                    return Ok(());
                }
                self.stream.consume(count);
            }
        }
    }

    /// The next command; none at the end, and where everybody is asked to leave between two messages.
    async fn command(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = match self.pending.pop_front() {
            Some(line) => line,
            None => {
                let mut hush = self.hush.clone();
                let idle = self.mail.is_none();
                let asked = tokio::select! {
                    line = self.read_line() => line?,
                    Ok(()) = hush.changed(), if idle => {
                        self.write(b"421 4.3.2 Closing\r\n").await?;
                        return Ok(None);
                    }
                };
                let Some(line) = asked else {
                    return Ok(None);
                };
                line
            }
        };
        let mut heard = self.mailbox.edited_command(line);
        let last = heard.pop().unwrap_or_default();
        for more in heard {
            // A lie adds commands to the log; the target waits for no reply to them.
            self.hear(more, false);
        }
        Ok(Some(last))
    }

    async fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let input = &mut self.stream;
        input.take(16 * 1024).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        let end = line.strip_suffix(b"\n").unwrap_or(&line);
        Ok(Some(end.strip_suffix(b"\r").unwrap_or(end).to_vec()))
    }

    fn hear(&mut self, octets: Vec<u8>, is_content: bool) {
        let heard = Heard {
            octets,
            is_content,
            encrypted: self.encrypted,
            early: mem::take(&mut self.early),
            reply: String::new(),
        };
        self.mailbox.hear(self.visit, heard);
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await
    }

    fn forget(&mut self) {
        self.mail = None;
        self.recipients.clear();
        self.named.clear();
    }
}

fn lines(text: &str) -> Vec<u8> {
    format!("{}\r\n", text.replace('\n', "\r\n")).into_bytes()
}
