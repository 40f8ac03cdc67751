//! The verbs of AUTH (RFC 4954).

use base64::{Engine, prelude::BASE64_STANDARD};

use super::Session;
use crate::{
    answer::Answer,
    error::Error,
    line::Line,
    mechanism::{Credentials, ExchangeError, Mechanism},
    verdict::{Halt, Outcome},
};

/// Mechanisms in the order in which a preparation prefers them: those with the fewest steps first.
const PREFERENCE: [Mechanism; 6] = [
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::CramMd5,
    Mechanism::DigestMd5,
];

impl Session<'_> {
    /// The account, where it may be used on this connection.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is none, or where it would be exposed.
    pub fn credentials(&self) -> Outcome<Credentials> {
        let skip = |reason: &str| Err(Halt::Skip(reason.to_owned()));
        let Some(account) = &self.target.account else {
            return skip("no account: --user and --password-file");
        };
        let treatment = &self.target.treatment;
        match &self.verification {
            None if !treatment.clear_login => {
                skip("the login would go in clear text: --allow-clear-login")
            }
            Some(verified)
                if !treatment.insecure && (verified.chain.is_err() || verified.name.is_err()) =>
            {
                skip("certificate not trusted: --ca or --insecure")
            }
            _ => Ok(account.clone()),
        }
    }

    /// An account that ours may not act for.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is none.
    pub fn other_user(&self) -> Outcome<String> {
        let other = self.target.other_account.as_ref();
        other
            .map(|account| account.user.clone())
            .ok_or_else(|| Halt::Skip("no second account".to_owned()))
    }

    /// The first mechanism that both sides know.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is none.
    pub fn usable_mechanism(&self) -> Outcome<Mechanism> {
        PREFERENCE
            .into_iter()
            .find(|mechanism| self.keywords().offers_mechanism(*mechanism))
            .ok_or_else(|| {
                Halt::Skip(match self.keywords().mechanisms().as_slice() {
                    [] => "AUTH is not offered".to_owned(),
                    offered => format!(
                        "AUTH offers {} and nothing that the suite speaks",
                        offered.join(" ")
                    ),
                })
            })
    }

    /// The other mechanisms that both sides know.
    pub(crate) fn other_mechanisms(&self, first: Mechanism) -> Vec<Mechanism> {
        let offered = |mechanism: &Mechanism| self.keywords().offers_mechanism(*mechanism);
        PREFERENCE
            .into_iter()
            .filter(|mechanism| *mechanism != first)
            .filter(offered)
            .collect()
    }

    /// Goes through a whole exchange, with an initial response where the client speaks first.
    /// Returns the reply that ends it.
    ///
    /// # Errors
    /// [`Halt::Deviation`] on a challenge that is not base64, that the mechanism does not allow,
    /// or on a success that comes too early.
    pub fn authenticate(
        &mut self,
        mechanism: Mechanism,
        credentials: &Credentials,
    ) -> Outcome<Answer> {
        self.exchange(mechanism, credentials, true)
    }

    /// As [`Session::authenticate`], without an initial response.
    ///
    /// # Errors
    /// As [`Session::authenticate`].
    pub fn authenticate_step_by_step(
        &mut self,
        mechanism: Mechanism,
        credentials: &Credentials,
    ) -> Outcome<Answer> {
        self.exchange(mechanism, credentials, false)
    }

    /// Sends a PLAIN message of our own making, where the account may be used on this connection.
    ///
    /// # Errors
    /// As [`Session::credentials`] and [`Session::command`].
    pub fn auth_plain(
        &mut self,
        mechanism: &str,
        message: impl AsRef<[u8]>,
        shown: &str,
    ) -> Outcome<Answer> {
        self.credentials()?;
        self.auth_with(mechanism, message, shown)
    }

    /// Sends `AUTH MECHANISM` and an initial response in base64, which the transcript shows as `[shown]`.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn auth_with(
        &mut self,
        mechanism: &str,
        response: impl AsRef<[u8]>,
        shown: &str,
    ) -> Outcome<Answer> {
        let response = BASE64_STANDARD.encode(response);
        self.secrets.remember(&response);
        self.command(Line::new(format!("AUTH {mechanism} ")).token(response, shown))
    }

    /// Answers a challenge with octets in base64, which the transcript shows as `[shown]`.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn respond(&mut self, response: impl AsRef<[u8]>, shown: &str) -> Outcome<Answer> {
        let line = match response.as_ref() {
            [] => Line::default(),
            octets => {
                let response = BASE64_STANDARD.encode(octets);
                self.secrets.remember(&response);
                Line::default().token(response, shown)
            }
        };
        self.response(line)
    }

    /// Answers a challenge with a line as it is.
    ///
    /// # Errors
    /// As [`Session::command`].
    pub fn response(&mut self, line: impl Into<Line>) -> Outcome<Answer> {
        let line = line.into();
        let to = match line.shown() {
            "" => "an empty response".to_owned(),
            shown => shown.to_owned(),
        };
        self.send_line(&line)?;
        self.reply(&to)
    }

    /// Starts an exchange in which the server speaks first, and reads its challenge.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where no challenge in base64 comes.
    pub fn challenge(&mut self, mechanism: Mechanism) -> Outcome<(Answer, Vec<u8>)> {
        let answer = self.command(format!("AUTH {mechanism}"))?;
        answer.expect(334)?;
        let challenge = answer.challenge()?;
        Ok((answer, challenge))
    }

    fn exchange(
        &mut self,
        mechanism: Mechanism,
        credentials: &Credentials,
        early: bool,
    ) -> Outcome<Answer> {
        // Each connection is looked at anew: the next one may be without TLS, or somebody else's.
        self.credentials()?;
        let host = self
            .target
            .host
            .clone()
            .unwrap_or_else(|| self.listener.address.ip().to_string());
        let mut exchange = mechanism.exchange(credentials, &host);
        let user = credentials.user.as_str();
        let mut step = 0;
        let initial = if early { exchange.initial() } else { None };
        let mut answer = match initial {
            Some(initial) => self.auth_with(mechanism.name(), initial, user)?,
            None => self.command(format!("AUTH {}", mechanism.name()))?,
        };
        while answer.code() == 334 {
            let challenge = answer.challenge()?;
            let response = match exchange.respond(&challenge) {
                // The mechanism's own refusal (RFC 5802 section 7) is followed by that of AUTH.
                Err(ExchangeError::Refused { .. }) => return self.respond("", user),
                other => other.map_err(|fault| {
                    answer.breaks(&format!("a challenge of {}", mechanism.name()), fault)
                })?,
            };
            step += 1;
            // LOGIN sends name and password in steps of their own.
            let shown = if mechanism == Mechanism::Login && step == 2 {
                "password"
            } else {
                user
            };
            answer = self.respond(response, shown)?;
        }
        if answer.code() == 235 {
            exchange.verify_end().map_err(|fault| {
                answer.breaks(&format!("the end of {}", mechanism.name()), fault)
            })?;
        }
        Ok(answer)
    }
}

impl Answer {
    /// The octets inside the base64 of a 334 reply (RFC 4954 section 4).
    ///
    /// # Errors
    /// [`Halt::Deviation`] where they are not base64.
    pub fn challenge(&self) -> Outcome<Vec<u8>> {
        let text = self
            .reply
            .texts
            .first()
            .map(Vec::as_slice)
            .unwrap_or_default();
        BASE64_STANDARD
            .decode(text)
            .map_err(|_| self.deviates("a challenge in base64"))
    }

    /// A mechanism's own rule is broken by this reply, unless the fault is ours.
    fn breaks(&self, expected: &str, fault: ExchangeError) -> Halt {
        if fault.is_ours() {
            return Error::Exchange(fault).into();
        }
        self.deviates_because(expected, fault)
    }
}
