//! How the next hop hears and replies: what the rules say, or what is usual.

use std::{io, mem, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::Host;
use crate::next_hop::{
    Action, Stage,
    log::{self, Heard},
    script::Envelope,
};

/// Between two lines of a slow reply: long enough for a hasty client to be heard.
const PAUSE: Duration = Duration::from_millis(20);

impl Host<'_> {
    /// Does what the rules say, or replies as usual. The reply, as far as it is one.
    pub(super) async fn answer(
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
        self.mail.as_deref().is_some_and(log::is_null_path)
    }

    pub(super) async fn say(&mut self, reply: &str) -> io::Result<()> {
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
    pub(super) async fn silence(&mut self) -> io::Result<()> {
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
    pub(super) async fn command(&mut self) -> io::Result<Option<Vec<u8>>> {
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

    pub(super) fn hear(&mut self, octets: Vec<u8>, is_content: bool) {
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
}

fn lines(text: &str) -> Vec<u8> {
    format!("{}\r\n", text.replace('\n', "\r\n")).into_bytes()
}
