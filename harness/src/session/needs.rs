//! What a case needs of its target, and what becomes of it where that is absent: a skip, or a broken promise.

use super::Session;
use crate::{
    answer::Answer,
    case::Proves,
    error::Error,
    target::Recipient,
    verdict::{Halt, Outcome, Step, Weight},
};

impl Session<'_> {
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

    /// Skips what is asked of a server that insists on TLS: only a promise says so.
    ///
    /// # Errors
    /// [`Halt::Skip`].
    pub fn needs_tls_required(&self) -> Outcome {
        match self.target.promises.tls_required {
            true => Ok(()),
            false => Err(Halt::Skip(
                "nobody promises that TLS is required: tls_required".to_owned(),
            )),
        }
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

    pub(super) fn not_offered(&self, offer: &str) -> Halt {
        Halt::Skip(format!("{offer} is not offered"))
    }

    pub(super) fn broken_promise(&mut self, offer: &str) -> Halt {
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
    matches!(error, Error::Connect { error, .. } if matches!(error.kind(), ConnectionRefused | TimedOut))
}
