//! The verbs that bring a session to where a script begins. What fails here is not what the case asks about.

use super::{CLIENT, Session};
use crate::{
    answer::Answer,
    case::Proves,
    error::Error,
    mechanism::{Credentials, Mechanism},
    message::Message,
    target::Recipient,
    verdict::{Halt, Outcome, Step, Weight},
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
            s.rcpt_to(&mail.recipient, "recipient")?.ready(250)
        })?;
        Ok(mail)
    }

    /// A transaction in which DATA was answered 354. Nothing of the message was sent yet.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn data_opened(&mut self) -> Outcome<Message> {
        self.needs_next_hop()?;
        let mut mail = None;
        self.prepare(|s| {
            mail = Some(s.transaction()?);
            s.command("DATA")?.ready(354)
        })?;
        mail.ok_or_else(|| Halt::Skip("no message was prepared".to_owned()))
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
        let promised = self
            .target
            .promises
            .mechanisms
            .iter()
            .any(|promised| promised.eq_ignore_ascii_case(&name));
        let offer = format!("AUTH {name}");
        if promised && matches!(self.case.proves, Proves::Mechanism(proved) if proved == name) {
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

    /// A listener that was promised listens.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where it does not and this case proves it, [`Halt::Error`] where it does
    /// not and nobody promised it.
    pub fn listens(&mut self) -> Outcome<Answer> {
        let name = self.listener.name();
        match self.connect() {
            Err(Halt::Error(error))
                if nobody_listens(&error)
                    && self.proves(Proves::Listeners)
                    && self.target.promises.listeners.contains(&name) =>
            {
                let expected = format!("a listener at {name}, as promised");
                Err(self.deviation(expected, error.to_string(), Step::Listener, Weight::Fail))
            }
            other => other,
        }
    }

    /// The last EHLO offers the extensions that were promised.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where one is missing and this case proves it.
    pub fn promised_extensions(&mut self) -> Outcome {
        match self.missing_extensions().as_slice() {
            [] => Ok(()),
            _ if !self.proves(Proves::Extensions) => Ok(()),
            missing => Err(self.broken_promise(&missing.join(", "))),
        }
    }

    /// The extensions that were promised and that the last EHLO does not offer.
    fn missing_extensions(&self) -> Vec<String> {
        let promised = self.target.promises.extensions.iter();
        promised
            .filter(|extension| !self.keywords().offers(extension))
            .cloned()
            .collect()
    }

    /// Skips what needs a server that has no reason to trust us.
    ///
    /// # Errors
    /// [`Halt::Skip`].
    pub fn needs_stranger(&self) -> Outcome {
        match self.target.treatment.untrusted {
            true => Ok(()),
            false => Err(Halt::Skip(
                "the server may trust our address on purpose: --untrusted says that it does not"
                    .to_owned(),
            )),
        }
    }

    /// As [`Session::needs_stranger`]; whoever promises that authentication is required, promises it for our address too.
    ///
    /// # Errors
    /// [`Halt::Skip`].
    pub fn needs_stranger_or_promise(&self) -> Outcome {
        match self.target.promises.authentication_required {
            true => Ok(()),
            false => self.needs_stranger(),
        }
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

    /// The promised mechanisms of which `proved` has no case of its own are offered.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where one is not.
    pub fn promised_mechanisms_except(&mut self, proved: &[&str]) -> Outcome {
        let offered: Vec<String> = self
            .keywords()
            .mechanisms()
            .iter()
            .map(|name| name.to_ascii_uppercase())
            .collect();
        let promised = self
            .target
            .promises
            .mechanisms
            .iter()
            .map(|name| name.to_ascii_uppercase());
        let absent = |name: &String| !proved.contains(&name.as_str()) && !offered.contains(name);
        match promised.filter(absent).collect::<Vec<_>>().as_slice() {
            [] => Ok(()),
            missing => Err(self.broken_promise(&format!("AUTH {}", missing.join(" ")))),
        }
    }

    /// Skips what cannot be seen without the next hop.
    ///
    /// # Errors
    /// [`Halt::Skip`].
    pub fn needs_next_hop(&self) -> Outcome {
        match (&self.target.envelope.recipient, &self.target.next_hop) {
            (Recipient::Nowhere(_), _) => Err(Halt::Skip("no recipient: --to".to_owned())),
            (_, None) => Err(Halt::Skip("no next hop: --next-hop".to_owned())),
            _ => Ok(()),
        }
    }

    /// HELO or EHLO under another name than [`CLIENT`].
    pub fn other_name(&self, word: &str) -> String {
        format!("{word}.{CLIENT}")
    }

    /// Runs a preparation: a deviation in it is no verdict on this case. Where it is the outermost
    /// one, the observer counts from here.
    pub(super) fn prepare(&mut self, steps: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
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

    fn not_offered(&self, offer: &str) -> Halt {
        Halt::Skip(format!("{offer} is not offered"))
    }

    fn broken_promise(&mut self, offer: &str) -> Halt {
        let offered = match self.keywords().lines() {
            [] => "no keyword".to_owned(),
            lines => lines.join(", "),
        };
        match self.last_step() {
            Ok(step) => {
                let expected = format!("{offer}, as promised");
                self.deviation(
                    expected,
                    format!("EHLO offers {offered}"),
                    step,
                    Weight::Fail,
                )
            }
            Err(halt) => halt,
        }
    }

    fn last_step(&mut self) -> Outcome<Step> {
        let replies = self.replies.saturating_sub(1);
        Ok(Step::Reply(self.wire()?.local(), replies))
    }
}

/// The host refuses the connection, or drops it: what else goes wrong with one is not the target's fault.
fn nobody_listens(error: &Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, TimedOut};
    matches!(error, Error::Connect { source, .. } if matches!(source.kind(), ConnectionRefused | TimedOut))
}
