//! The verbs of mail transactions, and what reaches the next hop.

use super::Session;
use crate::{
    answer::Answer,
    line::Line,
    message::{Delivered, Message, token},
    target::Recipient,
    verdict::{Halt, Outcome, Step, Weight},
};

/// What can be judged only when the run is over, because mail that must not come can come late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// The next hop has exactly one message with this token.
    Once(String),
    /// The next hop has no message with this token.
    Never(String),
}

impl Session<'_> {
    /// A new message of the account to the recipient that the target is given for.
    ///
    /// # Errors
    /// [`Halt::Error`] where no token can be drawn.
    pub fn new_message(&self) -> Outcome<Message> {
        let token = token()?;
        let envelope = &self.target.envelope;
        let recipient = match &envelope.recipient {
            Recipient::AnyAt(domain) => format!("{token}@{domain}"),
            Recipient::Mailbox(mailbox) | Recipient::Nowhere(mailbox) => mailbox.clone(),
        };
        Ok(Message::new(
            self.case.id,
            &envelope.sender,
            &recipient,
            token,
        ))
    }

    /// A recipient elsewhere, for whom an unauthenticated client may not send.
    ///
    /// # Errors
    /// As [`Session::new_message`].
    pub fn foreign_recipient(&self) -> Outcome<String> {
        Ok(self.new_message()?.recipient)
    }

    /// The sender that belongs to the account.
    pub fn sender(&self) -> &str {
        &self.target.envelope.sender
    }

    /// The postmaster of the server itself.
    pub fn postmaster(&self) -> String {
        format!("postmaster@{}", self.local_domain())
    }

    /// The domain of the server's own mailboxes.
    pub fn local_domain(&self) -> String {
        let local = &self.target.envelope.local;
        local
            .rsplit_once('@')
            .map_or(local.as_str(), |(_, domain)| domain)
            .to_owned()
    }

    /// Whether messages may be sent at all, and be seen at the next hop.
    pub fn may_send(&self) -> bool {
        self.needs_next_hop().is_ok()
    }

    /// A mailbox of the server itself.
    pub fn local_recipient(&self) -> &str {
        &self.target.envelope.local
    }

    /// Sends MAIL; the transcript shows the mailbox as `[shown]`.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn mail_from(&mut self, mailbox: &str, shown: &str) -> Outcome<Answer> {
        self.command(Line::new("MAIL FROM:<").token(mailbox, shown).then(">"))
    }

    /// Sends RCPT; the transcript shows the mailbox as `[shown]`.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn rcpt_to(&mut self, mailbox: &str, shown: &str) -> Outcome<Answer> {
        self.command(Line::new("RCPT TO:<").token(mailbox, shown).then(">"))
    }

    /// Sends the header section of a message, and the empty line behind it.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn send_header(&mut self, mail: &Message) -> Outcome {
        self.send(Line::default().token(mail.with_body(""), "header"))
    }

    /// Sends the rest of a body as it is, then the final dot, and reads the reply.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn end_data(&mut self, rest: &str) -> Outcome<Answer> {
        self.send(format!("{rest}.\r\n"))?;
        self.reply("the end of the mail data")
    }

    /// Submits a message with a body of one line in a session of its own, up to the 250.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn submit(&mut self) -> Outcome<Message> {
        let mail = self.data_opened()?;
        self.send_header(&mail)?;
        self.end_data("One line.\r\n")?.expect(250)?;
        Ok(mail)
    }

    /// As [`Session::submit`], in the session as it is; it logs in first.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn submit_here(&mut self) -> Outcome<Message> {
        let mail = self.new_message()?;
        let (mechanism, credentials) = (self.usable_mechanism()?, self.credentials()?);
        self.authenticate(mechanism, &credentials)?.expect(235)?;
        self.mail_from(&mail.sender, "sender")?.expect(250)?;
        self.rcpt_to(&mail.recipient, "recipient")?.expect(250)?;
        self.command("DATA")?.expect(354)?;
        self.send_header(&mail)?;
        self.end_data("One line.\r\n")?.expect(250)?;
        Ok(mail)
    }

    /// Sends a message that carries `mark` in the transaction as it is, if the server lets us.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn mark(&mut self, mark: &str) -> Outcome {
        let mail = Message::new(
            self.case.id,
            self.sender(),
            self.local_recipient(),
            mark.to_owned(),
        );
        if self.command("DATA")?.code() == 354 {
            self.send_header(&mail)?;
            self.end_data("One line.\r\n")?;
        }
        Ok(())
    }

    /// The message as the next hop got it.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where it does not come within the target's deadline.
    pub fn delivered(&mut self, mail: &Message) -> Outcome<Delivered> {
        let Some(hop) = &self.target.next_hop else {
            return Err(Halt::Skip("no next hop: --next-hop".to_owned()));
        };
        let patience = self.target.treatment.delivery_deadline;
        let shared = self.shared;
        match hop.wait(&mail.token, patience, &|| shared.interrupted()) {
            Some(delivered) => {
                self.transcript.note("the next hop has the message");
                Ok(delivered)
            }
            None if shared.interrupted() => Err(crate::error::Error::Interrupted.into()),
            None => {
                self.transcript
                    .note(format!("no message for {} s", patience.as_secs()));
                let observed = format!(
                    "250 to the end of the mail data, and nothing for {} s",
                    patience.as_secs()
                );
                Err(self.delivery_deviates(
                    "the message at the next hop, or a report to its sender",
                    observed,
                ))
            }
        }
    }

    /// What reached the next hop breaks the requirement.
    pub fn delivery_deviates(&mut self, expected: &str, observed: impl Into<String>) -> Halt {
        self.transcript.note("what the next hop has decides");
        self.deviation(expected, observed, Step::Delivery, Weight::Level)
    }

    /// What reached the next hop is worth a warning.
    pub fn delivery_note(&mut self, expected: &str, observed: impl Into<String>) {
        if let Halt::Deviation(deviation) =
            self.deviation(expected, observed, Step::Delivery, Weight::Warn)
        {
            self.notes.borrow_mut().push(*deviation);
        }
    }

    /// Looks again when the run is over.
    pub fn afterwards(&mut self, check: Afterwards) {
        self.afterwards.push(check);
    }
}
