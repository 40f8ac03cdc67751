//! What this listener takes for an address of the envelope (RFC 6409, sections 4.2, 5.1 and 6.1).

use super::Session;
use super::submission::Transaction;
use crate::command::Mailbox;
use crate::names::Standing;
use crate::relay::route;
use crate::reply::{Reply, reply};
use crate::rewrite::Rewriting;
use crate::senders::Login;
use crate::wire::Ended;

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
    pub(super) async fn unknown_sender(&mut self, address: &str) -> Result<Option<Reply>, Ended> {
        Ok(match self.standing(address).await? {
            Standing::Known => None,
            Standing::Unknown => Some(reply(550, "5.1.8", "Sender's domain is not known")),
            Standing::WithoutMail => Some(reply(550, "5.7.27", "Sender's domain takes no mail")),
            Standing::Unanswered(why) => Some(self.unanswered(address, &why)),
        })
    }

    /// Why RCPT has to be refused for a domain to which nothing could be sent. Where a route leads,
    /// the DNS has no say.
    pub(super) async fn unknown_recipient(
        &mut self,
        address: &str,
    ) -> Result<Option<Reply>, Ended> {
        if route(address, &self.shared.config.delivery).is_some() {
            return Ok(None);
        }
        Ok(match self.standing(address).await? {
            Standing::Known => None,
            Standing::Unknown => Some(reply(550, "5.1.2", "Domain is not known")),
            Standing::WithoutMail => Some(reply(556, "5.1.10", "Domain takes no mail")),
            Standing::Unanswered(why) => Some(self.unanswered(address, &why)),
        })
    }

    /// What the DNS says of an address; what the listener does not want to know is known.
    async fn standing(&mut self, address: &str) -> Result<Standing, Ended> {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        let domain = domain.filter(|domain| !domain.starts_with('['));
        let shared = self.shared.clone();
        let (Some(domain), Some(names)) = (domain, &shared.names) else {
            return Ok(Standing::Known);
        };
        if !self.listener.refuse.unknown_domain {
            return Ok(Standing::Known);
        }
        let key = domain.to_lowercase();
        let asked = |transaction: &Transaction| transaction.unanswered.contains(&key);
        if self.transaction.as_ref().is_some_and(asked) {
            return Ok(Standing::Unanswered("asked before".to_owned()));
        }
        let standing = self.wait(names.standing(domain)).await?;
        if let (Standing::Unanswered(_), Some(transaction)) = (&standing, &mut self.transaction) {
            transaction.unanswered.insert(key);
        }
        Ok(standing)
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

    /// What leaves by another name from this listener.
    pub(super) fn rewriting(&self) -> Option<&Rewriting> {
        let rewriting = &self.shared.rewriting;
        self.listener.fix.rewrite.then_some(rewriting)
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
        match self.completion() {
            Some(domain) => Ok(format!("{}.{domain}", mailbox.address)),
            None => Err(reply(554, "5.1.0", "Domain is not fully qualified")),
        }
    }

    /// The domain by which this listener completes unqualified ones, if it does not refuse them.
    pub(super) fn completion(&self) -> Option<&str> {
        let domain = self.shared.config.completion();
        domain.filter(|_| !self.listener.refuse.unqualified)
    }
}
