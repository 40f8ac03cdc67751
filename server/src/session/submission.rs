//! The mail transaction: MAIL, RCPT, DATA, and the moment the server takes responsibility.

use std::collections::HashSet;

use super::Session;
use super::acceptance::no_room;
use crate::command::{Mailbox, Parameter};
use crate::data::{Claim, Content, ContentFault, Share};
use crate::extension;
use crate::extension::size::too_large;
use crate::reply::{Reply, reply};
use crate::spool::{Addressee, MailOptions};
use crate::wire::Ended;

/// An envelope in the making.
pub(super) struct Transaction {
    pub(super) sender: String,
    pub(super) options: MailOptions,
    pub(super) recipients: Vec<Addressee>,
    /// Whether a recipient was refused for another reason than its syntax.
    refused: bool,
    /// Domains of recipients that the DNS did not answer for; they are not waited for again.
    pub(super) unanswered: HashSet<String>,
    /// For the recipients.
    room: Claim,
}

impl Transaction {
    /// Why DATA has to be refused, if nobody would receive anything.
    pub(super) fn without_recipients(&self) -> Option<Reply> {
        match (self.recipients.is_empty(), self.refused) {
            (false, _) => None,
            (true, true) => Some(reply(554, "5.5.1", "No valid recipients")),
            (true, false) => Some(reply(503, "5.5.1", "RCPT first")),
        }
    }
}

impl Session {
    /// Begins a transaction.
    pub(super) async fn mail(
        &mut self,
        sender: Mailbox,
        parameters: &[Parameter],
    ) -> Result<Reply, Ended> {
        let transaction = match self.begin(sender, parameters) {
            Ok(transaction) => transaction,
            Err(refusal) => return Ok(refusal),
        };
        if let Some(refusal) = self.unknown_sender(&transaction.sender).await? {
            return Ok(refusal);
        }
        self.transaction = Some(transaction);
        Ok(reply(250, "2.1.0", "Sender taken"))
    }

    fn begin(&self, sender: Mailbox, parameters: &[Parameter]) -> Result<Transaction, Reply> {
        let options = match parameters {
            [] => MailOptions::default(),
            parameters => extension::mail(parameters, &self.state())?,
        };
        Ok(Transaction {
            sender: self.sender_of(sender)?,
            options,
            recipients: Vec::new(),
            refused: false,
            unanswered: HashSet::new(),
            room: self.share().claim(),
        })
    }

    /// Takes a recipient of an authenticated client.
    pub(super) async fn rcpt(
        &mut self,
        recipient: Mailbox,
        parameters: &[Parameter],
    ) -> Result<Reply, Ended> {
        let addressee = match self.recipient(recipient, parameters) {
            Ok(addressee) => addressee,
            Err(refusal) => return Ok(refusal),
        };
        let refusal = self.unknown_recipient(&addressee.address).await?;
        if let Some(transaction) = &mut self.transaction {
            if let Some(refusal) = refusal {
                transaction.refused = true;
                return Ok(refusal);
            }
            transaction.recipients.push(addressee);
        }
        Ok(reply(250, "2.1.5", "Recipient taken"))
    }

    fn recipient(
        &mut self,
        recipient: Mailbox,
        parameters: &[Parameter],
    ) -> Result<Addressee, Reply> {
        let address = self.recipient_of(recipient)?;
        let addressee = match parameters {
            [] => Addressee::from(address),
            parameters => extension::rcpt(address, parameters, &self.state())?,
        };
        let Some(transaction) = &mut self.transaction else {
            return Err(reply(503, "5.5.1", "MAIL first"));
        };
        // There are no local domains: everybody else would be relayed for (RFC 5068, section 3.2).
        if self.user.is_none() {
            transaction.refused = true;
            return Err(self.stranger());
        }
        if transaction.recipients.len() >= self.shared.config.limits.recipients {
            return Err(reply(452, "4.5.3", "Too many recipients"));
        }
        let room = transaction.room.grow(addressee.octets());
        room.ok_or_else(no_room)?;
        Ok(addressee)
    }

    /// What this login may have of the memory for messages.
    fn share(&self) -> Share {
        let user = self.user.as_deref().unwrap_or_default();
        self.shared.room.share(user)
    }

    /// Reads the content and answers 250 only when the message is durably stored.
    pub(super) async fn data(&mut self) -> Result<Reply, Ended> {
        let Some(transaction) = self.transaction.take() else {
            return Ok(reply(503, "5.5.1", "MAIL first"));
        };
        self.wire.send(&Reply::plain(
            354,
            vec!["End with a line that is a dot".to_owned()],
        ));
        let config = &self.shared.config;
        let mut content = Content::new(config.size_limit, &self.share());
        let mut late = self.shared.late.clone();
        let whole = self.wire.content(&mut content, &config.limits, &mut late);
        whole.await?;
        let long_line = self.listener.refuse.nonconforming && content.has_long_line();
        Ok(match content.finish() {
            Ok(_) if long_line => reply(554, "5.6.0", "A line of more than 998 octets"),
            Ok(content) => self.accept(transaction, content).await,
            Err(ContentFault::TooLarge) => too_large(),
            Err(ContentFault::NoRoom) => no_room(),
            Err(ContentFault::BareOctets) => {
                reply(554, "5.6.0", "Bare CR, bare LF or NUL in the content")
            }
        })
    }
}
