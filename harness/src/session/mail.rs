//! The verbs of mail transactions, and what reaches the next hop.

use super::Session;
use crate::{
    answer::Answer,
    case::Proves,
    error::Error,
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
    /// The next hop has exactly one message with this token for this recipient.
    OnceFor(String, String),
    /// No report tells of a message with this token. A notice to a postmaster is none (RFC 5321
    /// section 6.1).
    NoReport(String),
    /// No report tells that a message with this token failed; that it takes long may be told.
    NoFailure(String),
    /// One report tells that this recipient did not get the message with this token. No RFC forbids
    /// another: more are worth a warning.
    ReportedOnce(String, String),
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
    /// [`Halt::Skip`] where the target was given none, or one of its own.
    pub fn recipient_elsewhere(&self) -> Outcome<String> {
        let recipient = self.new_message()?.recipient;
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        let own = [Some(self.local_domain()), self.target.host.clone()];
        let elsewhere = !own
            .iter()
            .flatten()
            .any(|own| own.eq_ignore_ascii_case(domain));
        match self.target.envelope.recipient {
            Recipient::AnyAt(_) | Recipient::Mailbox(_) if elsewhere => Ok(recipient),
            _ => Err(Halt::Skip("no recipient elsewhere: --to".to_owned())),
        }
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
        self.reply_or_421("the end of the mail data")
    }

    /// Sends the rest of a body and the final dot, and needs 250: what a server refuses for its
    /// content is not what a script about something else asks for.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn data_accepted(&mut self, rest: &str) -> Outcome {
        self.prepare(|s| s.end_data(rest)?.ready(250))
    }

    /// Submits a message with a body of one line in a session of its own, up to the 250.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn submit(&mut self) -> Outcome<Message> {
        let mail = self.data_opened()?;
        self.send_header(&mail)?;
        self.data_accepted("One line.\r\n")?;
        Ok(mail)
    }

    /// As [`Session::submit`], in the session as it is; it logs in first.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn submit_here(&mut self) -> Outcome<Message> {
        let mail = self.new_message()?;
        self.prepare(|s| {
            let (mechanism, credentials) = (s.usable_mechanism()?, s.credentials()?);
            s.authenticate(mechanism, &credentials)?.ready(235)?;
            s.mail_from(&mail.sender, "sender")?.ready(250)?;
            s.rcpt_to(&mail.recipient, "recipient")?.ready(250)?;
            s.command("DATA")?.ready(354)?;
            s.send_header(&mail)?;
            s.end_data("One line.\r\n")?.ready(250)
        })?;
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

    /// The message as the next hop got it. That it does not come is one case's matter; the others
    /// are skipped. A server in use may have sent a report instead, which nobody here can read.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where it does not come in time, although that was promised, and this case
    /// proves it.
    pub fn delivered(&mut self, mail: &Message) -> Outcome<Delivered> {
        let Some(hop) = &self.target.next_hop else {
            return Err(Halt::Skip("no next hop: --next-hop".to_owned()));
        };
        let (patience, shared) = (self.patience, self.shared);
        if let Some(delivered) = hop.wait(&mail.token, patience, &|| shared.interrupted()) {
            self.transcript.note("the next hop has the message");
            return Ok(delivered);
        }
        if shared.interrupted() {
            return Err(Error::Interrupted.into());
        }
        let waited = format!("nothing at the next hop for {} s", patience.as_secs());
        self.transcript.note(&waited);
        if !self.proves(Proves::Delivery) {
            return Err(Halt::Skip(format!(
                "{waited}: see rfc5321-2.1-deliver-or-report-after-250"
            )));
        }
        if self.target.promises.retries_within.is_none() {
            return Err(self.nothing_came());
        }
        if self.target.treatment.is_gentle() {
            return Err(Error::Target(format!(
                "{waited}; whether the sender got a report cannot be seen"
            ))
            .into());
        }
        let expected = "the message at the next hop, or a report to its sender";
        Err(self.delivery_deviates(
            expected,
            format!("250 to the end of the mail data, and {waited}"),
        ))
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

/// What a stranger tries in order to be relayed. With a server in use it is one sender and one
/// recipient: more refusals in a row would get our address banned.
impl Session<'_> {
    /// Who a stranger claims to be.
    pub fn claimed_senders(&self) -> Vec<String> {
        let mut senders = vec!["stranger@example.org".to_owned()];
        if !self.target.treatment.is_gentle() {
            senders.extend([String::new(), self.sender().to_owned(), self.postmaster()]);
        }
        senders
    }

    /// A recipient elsewhere as it is, and with a source route (RFC 5321 appendix C).
    pub fn plain_forms(&self, recipient: &str) -> Vec<String> {
        let here = self
            .target
            .host
            .clone()
            .unwrap_or_else(|| self.local_domain());
        let route = (!self.target.treatment.is_gentle()).then(|| format!("@{here}:{recipient}"));
        std::iter::once(recipient.to_owned()).chain(route).collect()
    }

    /// A recipient elsewhere in forms that could be mailboxes of the server's own.
    pub fn disguises(&self, recipient: &str) -> Vec<String> {
        if self.target.treatment.is_gentle() {
            return Vec::new();
        }
        let (user, domain) = recipient.rsplit_once('@').unwrap_or((recipient, ""));
        let here = self.local_domain();
        vec![
            format!("{user}%{domain}@{here}"),
            format!("\"{recipient}\"@{here}"),
            format!("{domain}!{user}"),
            format!("\"{recipient}\""),
        ]
    }
}
