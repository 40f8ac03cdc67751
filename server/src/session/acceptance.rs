//! The moment the server takes responsibility for a message: stored first, answered then.

use jiff::Timestamp;

use super::Session;
use super::submission::Transaction;
use crate::messages::Received;
use crate::reply::{Reply, reply};
use crate::spool::{Body, Envelope, MailOptions, SpoolError, new_id};
use crate::trace::{self, Facts, Unfit};

impl Session {
    pub(super) async fn accept(&mut self, transaction: Transaction, mut content: Vec<u8>) -> Reply {
        let arrival = Timestamp::now();
        let Ok(id) = new_id(arrival) else {
            return reply(451, "4.3.0", "No queue id now");
        };
        let only_recipient = match transaction.recipients.as_slice() {
            [only] => Some(only.address.as_str()),
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
            fix: self.listener.fix,
            refuse: self.listener.refuse,
            completion: self.completion(),
            sender: &transaction.sender,
            login: self.login(),
            rewriting: self.rewriting(),
        };
        trace::take_out(&mut content, self.listener.fix);
        let additions = match trace::additions(&content, &facts) {
            Ok(additions) => additions,
            Err(unfit @ Unfit::Loop) => return reply(554, "5.4.6", unfit.to_string()),
            // The content is at fault, and no rule of the site's (RFC 6409, section 6.3).
            Err(unfit) => return reply(554, "5.6.0", unfit.to_string()),
        };
        let body = body_of(&content);
        let envelope = Envelope {
            arrival,
            size: additions
                .pieces(&content)
                .iter()
                .map(|piece| piece.len() as u64)
                .sum(),
            sender: facts.outgoing(&transaction.sender),
            options: MailOptions {
                body: Some(body),
                transfer_encoding: body == Body::EightBitMime
                    && self.listener.fix.transfer_encoding,
                ..transaction.options
            },
            recipients: transaction.recipients,
        };
        let (spool, pieces) = (&self.shared.spool, additions.pieces(&content));
        match spool.store(&id, &envelope, &pieces).await {
            Ok(()) => {
                tracing::info!(id, user = self.user, "queued");
                self.patience.message();
                if self.shared.messages.keeps() {
                    let received = self.received(&id, &envelope, pieces.concat());
                    self.shared.messages.receive(received);
                }
                let text = format!("{id} queued");
                self.shared.relay.announce(id);
                reply(250, "2.0.0", text)
            }
            Err(error) => not_stored(&error),
        }
    }

    fn received(&self, id: &str, envelope: &Envelope, content: Vec<u8>) -> Received {
        let recipients = envelope.recipients.iter();
        Received {
            id: id.to_owned(),
            arrival: envelope.arrival,
            listener: self.listener.name.clone(),
            tls: self.tls.is_some(),
            user: self.user.clone(),
            sender: envelope.sender.clone(),
            recipients: recipients
                .map(|recipient| recipient.address.clone())
                .collect(),
            content,
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

pub(super) fn no_room() -> Reply {
    reply(452, "4.3.1", "No room for the message")
}

/// What the content is, whatever MAIL said: octets above 127 without BODY=8BITMIME are the client's
/// mistake and taken all the same (RFC 6152, section 3), but go to no hop that cannot have them; a
/// content without any can go everywhere.
fn body_of(content: &[u8]) -> Body {
    match content.is_ascii() {
        true => Body::SevenBit,
        false => Body::EightBitMime,
    }
}

#[cfg(test)]
mod tests;
