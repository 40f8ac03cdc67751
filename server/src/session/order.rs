//! What may be said when: refusals that follow from the session's state alone.

use super::Session;
use super::submission::Transaction;
use crate::command::Verb;
use crate::reply::{Reply, reply};

impl Session {
    /// What the session's state refuses, whatever the arguments are.
    pub(super) fn out_of_order(&self, verb: Verb) -> Option<Reply> {
        let modifiers = self.listener.modifiers;
        let esmtp = self.hello.as_ref().is_some_and(|hello| hello.esmtp);
        let transaction = self.transaction.as_ref();
        match verb {
            // The rest is exempt (RFC 3207, section 4), and HELO and RSET lead to no message either.
            Verb::Auth
            | Verb::Mail
            | Verb::Rcpt
            | Verb::Data
            | Verb::Vrfy
            | Verb::Help
            | Verb::NotImplemented
                if self.tls_is_due() =>
            {
                Some(reply(530, "5.7.0", "STARTTLS first"))
            }
            Verb::Auth | Verb::Mail | Verb::Rcpt | Verb::Data if self.hello.is_none() => {
                Some(reply(503, "5.5.1", "EHLO first"))
            }
            Verb::StartTls if self.tls.is_some() => Some(reply(503, "5.5.1", "TLS is active")),
            Verb::StartTls if modifiers.no_starttls => Some(not_offered()),
            Verb::Auth if modifiers.no_auth => Some(not_offered()),
            Verb::Auth if !esmtp => Some(reply(503, "5.5.1", "EHLO first")),
            Verb::Auth if self.authenticated => Some(reply(503, "5.5.1", "Already authenticated")),
            Verb::Auth if transaction.is_some() => {
                Some(reply(503, "5.5.1", "Not inside a transaction"))
            }
            Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Vrfy
                if modifiers.authentication_required && self.user.is_none() =>
            {
                Some(authentication_required())
            }
            Verb::Mail if transaction.is_some() => {
                Some(reply(503, "5.5.1", "Transaction already begun"))
            }
            Verb::Rcpt | Verb::Data if transaction.is_none() => {
                Some(reply(503, "5.5.1", "MAIL first"))
            }
            Verb::Data => transaction.and_then(Transaction::without_recipients),
            _ => None,
        }
    }

    /// Whether this listener insists on TLS, and there is none yet (RFC 3207, section 6).
    pub(super) fn tls_is_due(&self) -> bool {
        self.listener.require_tls && self.tls.is_none()
    }

    /// What a client is told that has not logged in and wants to relay: to log in where it can, now
    /// or after STARTTLS (RFC 6409, section 4.3; RFC 4954, section 6).
    pub(super) fn stranger(&self) -> Reply {
        let modifiers = self.listener.modifiers;
        let later = self.tls.is_none() && !modifiers.no_starttls && !modifiers.no_auth;
        let now = !self.authenticated && !self.usable_mechanisms().is_empty();
        if now || later && !self.shared.config.mechanisms.is_empty() {
            authentication_required()
        } else {
            reply(550, "5.7.1", "Relaying needs authentication")
        }
    }
}

fn authentication_required() -> Reply {
    reply(530, "5.7.0", "Authentication required")
}

fn not_offered() -> Reply {
    reply(502, "5.5.1", "Not offered here")
}
