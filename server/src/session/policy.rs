//! What this listener takes for an address of the envelope (RFC 6409, sections 4.2, 5.1 and 6.1).

use super::Session;
use crate::command::Mailbox;
use crate::names::Standing;
use crate::reply::{Reply, reply};
use crate::senders::Login;

impl Session {
    /// The address that MAIL named, if this login may use it.
    pub(super) fn sender_of(&self, mailbox: Mailbox) -> Result<String, Reply> {
        let address = self.address_of(mailbox, "5.1.7")?;
        let foreign = |login: Login<'_>| !address.is_empty() && !login.owns(&address);
        if self.listener.refuse.foreign_sender && self.login().is_some_and(foreign) {
            return Err(reply(550, "5.7.1", "Not an address of this login"));
        }
        Ok(address)
    }

    /// The address that RCPT named.
    pub(super) fn recipient_of(&self, mailbox: Mailbox) -> Result<String, Reply> {
        self.address_of(mailbox, "5.1.3")
    }

    /// Why MAIL has to be refused for a domain that nobody could answer.
    pub(super) async fn unknown_sender(&self, address: &str) -> Option<Reply> {
        match self.standing(address).await? {
            Standing::Known => None,
            Standing::Unknown => Some(reply(550, "5.1.8", "Sender's domain is not known")),
            Standing::WithoutMail => Some(reply(550, "5.7.27", "Sender's domain takes no mail")),
            Standing::Unanswered(why) => Some(self.unanswered(address, &why)),
        }
    }

    /// Why RCPT has to be refused for a domain to which nothing could be sent.
    pub(super) async fn unknown_recipient(&self, address: &str) -> Option<Reply> {
        match self.standing(address).await? {
            Standing::Known => None,
            Standing::Unknown => Some(reply(550, "5.1.2", "Domain is not known")),
            Standing::WithoutMail => Some(reply(556, "5.1.10", "Domain takes no mail")),
            Standing::Unanswered(why) => Some(self.unanswered(address, &why)),
        }
    }

    /// What the DNS says of an address, where the listener wants to know and there is a domain.
    async fn standing(&self, address: &str) -> Option<Standing> {
        if !self.listener.refuse.unknown_domain {
            return None;
        }
        let (_, domain) = address.rsplit_once('@')?;
        let literal = domain.starts_with('[');
        match &self.shared.names {
            Some(names) if !literal => Some(names.standing(domain).await),
            _ => None,
        }
    }

    fn unanswered(&self, address: &str, why: &str) -> Reply {
        tracing::warn!(peer = %self.peer, address, why, "the DNS does not answer");
        reply(451, "4.4.3", "Domain cannot be looked up now")
    }

    /// Who has logged in, with the addresses that are its own.
    pub(super) fn login(&self) -> Option<Login<'_>> {
        let senders = &self.shared.config.senders;
        self.user.as_ref().map(|user| Login::new(user, senders))
    }

    /// What the listener does not refuse is passed on as it is, but never unqualified.
    fn address_of(&self, mailbox: Mailbox, syntax: &'static str) -> Result<String, Reply> {
        let refuse = self.listener.refuse;
        if mailbox.flaw.malformed && refuse.malformed {
            return Err(reply(501, syntax, "Malformed domain"));
        }
        if !mailbox.flaw.unqualified {
            return Ok(mailbox.address);
        }
        match self.shared.config.completion() {
            Some(domain) if !refuse.unqualified => Ok(format!("{}.{domain}", mailbox.address)),
            _ => Err(reply(554, "5.1.0", "Domain is not fully qualified")),
        }
    }
}
