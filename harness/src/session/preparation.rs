//! The verbs that bring a session to where a script begins. What fails here is not what the case asks about.

use super::Session;
use crate::{
    case::Proves,
    mechanism::{Credentials, Mechanism},
    message::Message,
    verdict::{Halt, Outcome},
};

impl Session<'_> {
    /// A connection that was greeted with 220.
    ///
    /// # Errors
    /// [`Halt::Skip`], [`Halt::Temporary`] or [`Halt::Error`]; never a deviation.
    pub fn connected(&mut self) -> Outcome {
        self.prepare(|s| s.connect()?.ready(220))
    }

    /// A connection on which EHLO was accepted, in clear text where TLS does not come first.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn greeted(&mut self) -> Outcome {
        self.prepare(|s| {
            s.connected()?;
            s.ehlo()?.ready(250)
        })
    }

    /// A greeted connection, inside TLS where the server offers it.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn secured(&mut self) -> Outcome {
        self.prepare(|s| {
            s.greeted()?;
            if s.encrypted() || !s.keywords().offers("STARTTLS") {
                return Ok(());
            }
            s.start_tls()?;
            s.ehlo()?.ready(250)
        })
    }

    /// A secured connection that is logged in with the first mechanism that both sides know.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn authenticated(&mut self) -> Outcome {
        self.prepare(|s| {
            s.secured()?;
            let credentials = s.credentials()?;
            let mechanism = s.usable_mechanism()?;
            s.authenticate(mechanism, &credentials)?.ready(235)
        })
    }

    /// An authenticated connection with a sender and a recipient, ready for DATA.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn transaction(&mut self) -> Outcome<Message> {
        let mail = self.new_message()?;
        self.prepare(|s| {
            s.authenticated()?;
            s.mail_from(&mail.sender, "sender")?.ready(250)?;
            s.rcpt_to(&mail.recipient, "recipient")?.ready(250)?;
            Ok(mail)
        })
    }

    /// A transaction in which DATA was answered 354. Nothing of the message was sent yet.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn data_opened(&mut self) -> Outcome<Message> {
        self.needs_next_hop()?;
        self.prepare(|s| {
            let mail = s.transaction()?;
            s.command("DATA")?.ready(354)?;
            Ok(mail)
        })
    }

    /// A session inside TLS; without STARTTLS the case is skipped.
    ///
    /// # Errors
    /// As [`Session::connected`]; [`Halt::Deviation`] where STARTTLS was promised and this case proves it.
    pub fn inside_tls(&mut self) -> Outcome {
        self.prepare(Session::secured)?;
        match self.encrypted() {
            true => Ok(()),
            false => Err(self.not_offered("STARTTLS")),
        }
    }

    /// A greeted session in clear text that offers STARTTLS.
    ///
    /// # Errors
    /// As [`Session::inside_tls`].
    pub fn starttls_offered(&mut self) -> Outcome {
        self.prepare(Session::greeted)?;
        if self.keywords().offers("STARTTLS") {
            return Ok(());
        }
        if self.target.promises.starttls && self.proves(Proves::Starttls) {
            return Err(self.broken_promise("STARTTLS"));
        }
        Err(self.not_offered("STARTTLS"))
    }

    /// A secured session that offers this mechanism.
    ///
    /// # Errors
    /// As [`Session::connected`]; [`Halt::Deviation`] where the mechanism was promised and this case proves it.
    pub fn mechanism_offered(&mut self, mechanism: Mechanism) -> Outcome {
        self.prepare(Session::secured)?;
        if self.keywords().offers_mechanism(mechanism) {
            return Ok(());
        }
        let name = mechanism.to_string();
        let offer = format!("AUTH {name}");
        if self.target.promises.mechanism(&name)
            && matches!(self.case.proves, Proves::Mechanism(proved) if proved == name)
        {
            return Err(self.broken_promise(&offer));
        }
        Err(self.not_offered(&offer))
    }

    /// A secured session in which we can log in: how, and as whom.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn login_possible(&mut self) -> Outcome<(Mechanism, Credentials)> {
        self.prepare(Session::secured)?;
        Ok((self.usable_mechanism()?, self.credentials()?))
    }

    /// A connection on which the next octet of ours begins a TLS handshake.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn handshake_due(&mut self) -> Outcome {
        if self.listener.implicit_tls {
            return self.prepare(Session::open);
        }
        self.starttls_offered()?;
        self.started_tls = true;
        self.prepare(|s| s.command("STARTTLS")?.ready(220))
    }

    /// A secured session that offers AUTH, with whatever mechanisms.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn auth_offered(&mut self) -> Outcome {
        self.prepare(Session::secured)?;
        match self.keywords().mechanisms().is_empty() {
            true => Err(self.not_offered("AUTH")),
            false => Ok(()),
        }
    }

    /// Runs a preparation: a deviation in it is no verdict on this case. Where it is the outermost
    /// one, the observer counts from here.
    pub(super) fn prepare<T>(&mut self, steps: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.depth += 1;
        let notes = self.notes.borrow().len();
        let outcome = steps(self);
        self.notes.borrow_mut().truncate(notes);
        self.depth -= 1;
        let outcome = outcome.map_err(|halt| match halt {
            Halt::Deviation(deviation) => Halt::Skip(format!(
                "could not be prepared: expected {}, observed {}",
                deviation.expected, deviation.observed
            )),
            other => other,
        });
        if self.depth == 0
            && let (Some(observer), Some(wire)) = (&self.target.observer, &self.wire)
        {
            observer.prepared(wire.local());
        }
        outcome
    }
}
