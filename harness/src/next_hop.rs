//! The next hop: where the target relays to. It keeps what arrives and replies as scripted.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    error::Error,
    lie::Lie,
    message::Delivered,
    runtime::{Task, runtime},
};

/// The most octets of one message that are kept.
pub const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;
/// How long a silent client is kept.
const PATIENCE: Duration = Duration::from_secs(300);

/// A listening next hop. It stops when it is dropped.
#[derive(Clone)]
pub struct NextHop {
    address: SocketAddr,
    mailbox: Arc<Mailbox>,
    _task: Arc<Task>,
}

/// A place in the dialogue between target and next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The greeting.
    Greeting,
    /// The reply to EHLO or HELO.
    Hello,
    /// The reply to MAIL.
    Mail,
    /// The reply to RCPT.
    Recipient,
    /// The reply to DATA.
    Data,
    /// The reply after the end of the mail data.
    Content,
}

/// A scripted reply: used once, at the first place that fits.
#[derive(Clone, Debug)]
pub struct Scripted {
    /// Where.
    pub stage: Stage,
    /// Only where the transaction's recipients, or the RCPT itself, contain this text.
    pub recipient: Option<String>,
    /// Lines separated by LF, without the last.
    pub reply: String,
}

#[derive(Default)]
struct Mailbox {
    state: Mutex<State>,
    arrival: Condvar,
}

#[derive(Default)]
struct State {
    messages: Vec<Delivered>,
    scripted: VecDeque<Scripted>,
    lies: Vec<Lie>,
    touched: bool,
}

impl NextHop {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`Error::Target`] where nobody can listen there.
    pub fn listen(address: SocketAddr) -> Result<NextHop, Error> {
        let runtime = runtime()?;
        let failed = |e| Error::Target(format!("the next hop cannot listen on {address}: {e}"));
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mailbox = Arc::new(Mailbox::default());
        let accepting = runtime.spawn(accept(listener, mailbox.clone()));
        Ok(NextHop {
            address,
            mailbox,
            _task: Arc::new(Task::new(accepting)),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a scripted reply.
    pub fn script(&self, reply: Scripted) {
        self.mailbox.lock().scripted.push_back(reply);
    }

    /// Tells these lies about every message from now on.
    pub fn lie(&self, lies: &[Lie]) {
        self.mailbox.lock().lies = lies.to_vec();
    }

    /// Whether a lie was told about a message.
    pub fn touched(&self) -> bool {
        self.mailbox.lock().touched
    }

    /// The messages that contain `token`, as they arrived until now.
    pub fn messages(&self, token: &str) -> Vec<Delivered> {
        self.mailbox.lock().with(token)
    }

    /// The first message that contains `token`; none when `patience` ends or `interrupted` says so.
    pub fn wait(
        &self,
        token: &str,
        patience: Duration,
        interrupted: &dyn Fn() -> bool,
    ) -> Option<Delivered> {
        let deadline = Instant::now() + patience;
        let mut state = self.mailbox.lock();
        loop {
            if let Some(message) = state.with(token).into_iter().next() {
                return Some(message);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || interrupted() {
                return None;
            }
            let slice = left.min(Duration::from_millis(100));
            state = match self.mailbox.arrival.wait_timeout(state, slice) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

impl Mailbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, stage: Stage, recipients: &[String], usual: &str) -> String {
        let mut state = self.lock();
        let fits = |scripted: &Scripted| {
            let recipient = scripted.recipient.as_deref();
            scripted.stage == stage
                && recipient
                    .is_none_or(|part| recipients.iter().any(|recipient| recipient.contains(part)))
        };
        let found = state.scripted.iter().position(fits);
        let scripted = found.and_then(|at| state.scripted.remove(at));
        scripted.map_or_else(|| usual.to_owned(), |scripted| scripted.reply)
    }

    fn receive(&self, message: Delivered) {
        self.lock().receive(message);
        self.arrival.notify_all();
    }
}

impl State {
    fn with(&self, token: &str) -> Vec<Delivered> {
        let contains = |message: &&Delivered| {
            message
                .content
                .windows(token.len())
                .any(|octets| octets == token.as_bytes())
                || message
                    .recipients
                    .iter()
                    .any(|recipient| recipient.contains(token))
        };
        self.messages.iter().filter(contains).cloned().collect()
    }

    fn receive(&mut self, mut message: Delivered) {
        let mut copies = 1;
        for lie in &self.lies {
            match lie {
                Lie::Swallow => copies = 0,
                Lie::Repeat => copies = 2,
                Lie::Relayed(from, to) => {
                    let edited = replace(&message.content, from.as_bytes(), to.as_bytes());
                    if edited == message.content {
                        continue;
                    }
                    message.content = edited;
                }
                Lie::TopFieldSinks => message.content = with_sunken_top_field(&message.content),
                _ => continue,
            }
            self.touched = true;
        }
        self.messages.extend(std::iter::repeat_n(message, copies));
    }
}

async fn accept(listener: TcpListener, mailbox: Arc<Mailbox>) {
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let mailbox = mailbox.clone();
                sessions.spawn(async move {
                    // A peer that breaks off leaves nothing behind.
                    let _ = tokio::time::timeout(PATIENCE, serve(stream, &mailbox)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the next hop cannot accept");
                tokio::task::yield_now().await;
            }
        }
        while sessions.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, mailbox: &Mailbox) -> std::io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    let mut helo = String::new();
    let mut mail = None;
    let mut recipients = Vec::new();
    say(
        &mut output,
        &mailbox.reply(Stage::Greeting, &[], "220 next-hop.example ESMTP"),
    )
    .await?;
    while let Some(line) = command(&mut input).await? {
        let verb = crate::line::verb(line.as_bytes());
        let argument = line[verb.len()..].trim_start().to_owned();
        let reply = match verb.as_str() {
            "EHLO" | "HELO" => {
                helo = argument;
                (mail, recipients) = (None, Vec::new());
                let usual = match verb.as_str() {
                    "EHLO" => {
                        "250-next-hop.example\n250-PIPELINING\n250-SIZE 50000000\n250-8BITMIME\n250-DSN\n250 ENHANCEDSTATUSCODES"
                    }
                    _ => "250 next-hop.example",
                };
                mailbox.reply(Stage::Hello, &[], usual)
            }
            "MAIL" => {
                mail = Some(argument);
                recipients.clear();
                mailbox.reply(Stage::Mail, &[], "250 2.1.0 Sender ok")
            }
            "RCPT" => {
                let reply = mailbox.reply(
                    Stage::Recipient,
                    std::slice::from_ref(&argument),
                    "250 2.1.5 Recipient ok",
                );
                if reply.starts_with('2') {
                    recipients.push(argument);
                }
                reply
            }
            "DATA" if mail.is_none() || recipients.is_empty() => {
                "503 5.5.1 No recipients".to_owned()
            }
            "DATA" => {
                let reply = mailbox.reply(Stage::Data, &recipients, "354 Go on");
                say(&mut output, &reply).await?;
                if !reply.starts_with('3') {
                    continue;
                }
                let content = content(&mut input).await?;
                let reply = mailbox.reply(Stage::Content, &recipients, "250 2.0.0 Taken");
                let message = Delivered {
                    helo: helo.clone(),
                    mail: mail.take().unwrap_or_default(),
                    recipients: std::mem::take(&mut recipients),
                    content,
                };
                if reply.starts_with('2') {
                    mailbox.receive(message);
                }
                reply
            }
            "RSET" => {
                (mail, recipients) = (None, Vec::new());
                "250 2.0.0 Forgotten".to_owned()
            }
            "NOOP" => "250 2.0.0 Here".to_owned(),
            "QUIT" => return say(&mut output, "221 2.0.0 Goodbye").await,
            _ => "502 5.5.1 Not here".to_owned(),
        };
        say(&mut output, &reply).await?;
    }
    Ok(())
}

async fn command(input: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    input.take(16 * 1024).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(
        String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
    ))
}

/// Reads to CR LF . CR LF and nothing less, and undoes transparency.
async fn content(input: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let mut line = Vec::new();
    let mut after_crlf = true;
    loop {
        line.clear();
        if (&mut *input)
            .take(1024 * 1024)
            .read_until(b'\n', &mut line)
            .await?
            == 0
        {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if after_crlf && line == b".\r\n" {
            return Ok(content);
        }
        let stuffed = after_crlf && line.first() == Some(&b'.');
        content.extend_from_slice(&line[usize::from(stuffed)..]);
        after_crlf = line.ends_with(b"\r\n");
        if content.len() > LARGEST_MESSAGE {
            return Err(std::io::Error::other("a message without end"));
        }
    }
}

async fn say(output: &mut (impl AsyncWriteExt + Unpin), reply: &str) -> std::io::Result<()> {
    output
        .write_all(format!("{}\r\n", reply.replace('\n', "\r\n")).as_bytes())
        .await
}

/// Every occurrence of `from` becomes `to`.
pub(crate) fn replace(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(at) = rest
        .windows(from.len().max(1))
        .position(|window| window == from)
    {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

fn with_sunken_top_field(content: &[u8]) -> Vec<u8> {
    let folded = |line: &[u8]| matches!(line.first(), Some(b' ' | b'\t'));
    let lines = content.split_inclusive(|&octet| octet == b'\n');
    let field: usize = lines
        .enumerate()
        .take_while(|(index, line)| *index == 0 || folded(line))
        .map(|(_, line)| line.len())
        .sum();
    let (field, rest) = content.split_at(field);
    let end = rest
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(rest.len(), |at| at + 2);
    [&rest[..end], field, &rest[end..]].concat()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};

    use super::*;

    fn talk(hop: &NextHop, lines: &[&str]) -> Vec<String> {
        let stream = std::net::TcpStream::connect(hop.address()).unwrap();
        let mut input = BufReader::new(stream.try_clone().unwrap());
        let mut output = stream;
        let mut replies = Vec::new();
        for line in std::iter::once(&"").chain(lines) {
            output.write_all(line.as_bytes()).unwrap();
            let mut reply = String::new();
            loop {
                reply.clear();
                input.read_line(&mut reply).unwrap();
                if reply.as_bytes().get(3) != Some(&b'-') {
                    break;
                }
            }
            replies.push(reply.trim_end().to_owned());
        }
        replies
    }

    fn send(hop: &NextHop, token: &str) -> Vec<String> {
        talk(
            hop,
            &[
                "EHLO a.example\r\n",
                "MAIL FROM:<a@b.example>\r\n",
                "RCPT TO:<c@d.example>\r\n",
                "DATA\r\n",
                &format!("A: 1\r\n\tfolded\r\nB: {token}\r\n\r\n..dot\r\n\n.\r\nend\r\n.\r\n"),
                "QUIT\r\n",
            ],
        )
    }

    fn hop() -> NextHop {
        NextHop::listen(([127, 0, 0, 1], 0).into()).unwrap()
    }

    #[test]
    fn a_message_arrives_as_it_was() {
        let hop = hop();
        send(&hop, "token-1");
        let message = hop
            .wait("token-1", Duration::from_secs(5), &|| false)
            .unwrap();
        assert_eq!(message.mail, "FROM:<a@b.example>");
        assert_eq!(message.recipients, ["TO:<c@d.example>"]);
        assert_eq!(message.body(), b".dot\r\n\n.\r\nend\r\n");
        assert!(!hop.touched());
    }

    #[test]
    fn scripted_replies_are_used_once() {
        let hop = hop();
        hop.script(Scripted {
            stage: Stage::Recipient,
            recipient: Some("c@d".into()),
            reply: "452 4.2.2 Full".into(),
        });
        assert_eq!(send(&hop, "token-2")[3], "452 4.2.2 Full");
        assert_eq!(send(&hop, "token-2")[3], "250 2.1.5 Recipient ok");
        assert_eq!(hop.messages("token-2").len(), 1);
    }

    #[test]
    fn lies_are_told_and_noticed() {
        for (lie, copies) in [
            (Lie::Swallow, 0),
            (Lie::Repeat, 2),
            (Lie::TopFieldSinks, 1),
            (Lie::Relayed(".dot", "dot"), 1),
        ] {
            let hop = hop();
            hop.lie(&[lie]);
            send(&hop, "token-3");
            let messages = hop.messages("token-3");
            assert_eq!(messages.len(), copies, "{lie:?}");
            assert!(hop.touched(), "{lie:?}");
            if lie == Lie::TopFieldSinks {
                assert_eq!(messages[0].header_names(), ["B", "A"]);
            }
        }
    }
}
