//! The server's side of the next hop: enough SMTP (RFC 5321) for any client to deliver.

use std::sync::Arc;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{LARGEST_MESSAGE, Mailbox, PATIENCE, Stage};
use crate::message::Delivered;

pub(super) async fn accept(listener: TcpListener, mailbox: Arc<Mailbox>) {
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
                // No descriptors, most likely: some come back with time.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
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
