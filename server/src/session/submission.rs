//! The mail transaction: MAIL, RCPT, DATA, and the moment the server takes responsibility.

use jiff::Timestamp;

use super::Session;
use crate::command::MailParameters;
use crate::data::{Content, ContentFault};
use crate::reply::{Reply, reply};
use crate::spool::{Addressee, Envelope, MailOptions, SpoolError, new_id};
use crate::trace::{self, Facts};
use crate::wire::Ended;

/// Recipients of one transaction (RFC 5321, section 4.5.3.1.8, wants a hundred at least).
const RECIPIENT_LIMIT: usize = 1000;

/// An envelope in the making.
pub(super) struct Transaction {
    sender: String,
    recipients: Vec<String>,
    /// Whether a recipient was refused for another reason than its syntax.
    refused: bool,
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
    pub(super) fn mail(&mut self, sender: String, parameters: MailParameters) -> Reply {
        if parameters.any && self.hello.as_ref().is_none_or(|hello| !hello.esmtp) {
            return reply(555, "5.5.4", "No parameters after HELO");
        }
        if parameters
            .size
            .is_some_and(|size| size > self.shared.config.size_limit)
        {
            return too_large();
        }
        self.transaction = Some(Transaction {
            sender,
            recipients: Vec::new(),
            refused: false,
        });
        reply(250, "2.1.0", "Sender taken")
    }

    /// Takes a recipient of an authenticated client. There are no local domains, so that everybody
    /// else would be relayed for: refused (RFC 5068, section 3.2).
    pub(super) fn rcpt(&mut self, recipient: String) -> Reply {
        let Some(transaction) = &mut self.transaction else {
            return reply(503, "5.5.1", "MAIL first");
        };
        if self.user.is_none() {
            transaction.refused = true;
            return reply(550, "5.7.1", "Relaying needs authentication");
        }
        if transaction.recipients.len() >= RECIPIENT_LIMIT {
            return reply(452, "4.5.3", "Too many recipients");
        }
        transaction.recipients.push(recipient);
        reply(250, "2.1.5", "Recipient taken")
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
        let mut content = Content::new(self.shared.config.size_limit, self.shared.room.clone());
        self.wire.content(&mut content).await?;
        Ok(match content.finish() {
            Ok(content) => self.accept(transaction, content).await,
            Err(ContentFault::TooLarge) => too_large(),
            Err(ContentFault::NoRoom) => no_room(),
            Err(ContentFault::BareOctets) => {
                reply(550, "5.6.0", "Bare CR, bare LF or NUL in the content")
            }
        })
    }

    async fn accept(&self, transaction: Transaction, content: Vec<u8>) -> Reply {
        let arrival = Timestamp::now();
        let Ok(id) = new_id(arrival) else {
            return reply(451, "4.3.0", "No queue id now");
        };
        let only_recipient = match transaction.recipients.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        };
        let facts = Facts {
            id: &id,
            hostname: &self.shared.config.hostname,
            client: self.hello.as_ref().map_or("unknown", |hello| &hello.client),
            peer: self.peer,
            esmtp: self.hello.as_ref().is_some_and(|hello| hello.esmtp),
            authenticated: self.user.is_some(),
            tls: self.tls.as_ref(),
            only_recipient,
            arrival,
        };
        let Ok(additions) = trace::additions(&content, &facts) else {
            return reply(554, "5.4.6", "Too many hops");
        };
        let envelope = Envelope {
            arrival,
            size: additions
                .pieces(&content)
                .iter()
                .map(|piece| piece.len() as u64)
                .sum(),
            sender: transaction.sender,
            options: MailOptions::default(),
            recipients: transaction
                .recipients
                .into_iter()
                .map(Addressee::from)
                .collect(),
        };
        let (spool, name) = (self.shared.spool.clone(), id.clone());
        let stored = tokio::task::spawn_blocking(move || {
            spool.store(&name, &envelope, &additions.pieces(&content))
        });
        match stored.await {
            Ok(Ok(())) => {
                tracing::info!(id, peer = %self.peer, user = self.user, "queued");
                let text = format!("{id} queued");
                self.shared.relay.announce(id);
                reply(250, "2.0.0", text)
            }
            Ok(Err(error)) => not_stored(&error),
            Err(error) => {
                tracing::error!(%error, "storing ended early");
                reply(451, "4.3.0", "Message not stored")
            }
        }
    }
}

fn not_stored(error: &SpoolError) -> Reply {
    tracing::error!(%error, "message not stored");
    if error.is_full() {
        no_room()
    } else {
        reply(451, "4.3.0", "Message not stored")
    }
}

fn no_room() -> Reply {
    reply(452, "4.3.1", "No room for the message")
}

fn too_large() -> Reply {
    reply(552, "5.3.4", "Message is too large")
}
