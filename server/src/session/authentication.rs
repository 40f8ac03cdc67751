//! The AUTH command: one exchange from its command line to its final reply (RFC 4954, section 4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Session, too_long};
use crate::auth::{Exchange, Outcome, Step};
use crate::reply::{Reply, reply};
use crate::wire::{Ended, Line};

/// Octets of a response in base64 (RFC 4954, section 4).
pub(super) const RESPONSE_LIMIT: usize = 12_288;

impl Session {
    /// Runs one exchange. Whatever it fails for, the session is as it was before.
    pub(super) async fn authenticate(
        &mut self,
        name: &str,
        initial: Option<Vec<u8>>,
    ) -> Result<Reply, Ended> {
        let channel = self.channel();
        let usable = self.usable_mechanisms(&channel);
        let Some(&mechanism) = usable.iter().find(|known| known.to_string() == name) else {
            return Ok(reply(504, "5.5.4", "Mechanism not available"));
        };
        if self.shared.logins.is_shut_out(self.peer.ip()) {
            tracing::info!(
                mechanism = name,
                reason = "too many failures",
                "not checked"
            );
            return Ok(reply(
                454,
                "4.7.0",
                "Too many failed logins; try again later",
            ));
        }
        let mut exchange = Exchange::new(mechanism, channel.among(mechanism, &usable));
        let shared = self.shared.clone();
        let mut step = match initial {
            Some(_) if mechanism.is_server_first() => {
                return Ok(reply(
                    501,
                    "5.7.0",
                    "This mechanism has no initial response",
                ));
            }
            Some(initial) if initial.len() > RESPONSE_LIMIT => return Ok(too_long()),
            Some(initial) => {
                let response = if initial == b"=" {
                    Some(Vec::new())
                } else {
                    decode(&initial)
                };
                match response {
                    Some(response) => exchange.answer(&response, &shared.backends).await,
                    None => return Ok(bad_base64()),
                }
            }
            None => exchange.begin(&shared.config.hostname),
        };
        loop {
            let challenge = match step {
                Step::Challenge(challenge) => challenge,
                Step::End(outcome) => return self.conclude(name, outcome).await,
            };
            self.wire
                .send(&Reply::plain(334, vec![STANDARD.encode(challenge)]));
            let response = match self.wire.line(RESPONSE_LIMIT, &mut self.stop).await? {
                Line::TooLong => return Ok(too_long()),
                Line::Whole(line) if line == b"*" => {
                    return Ok(reply(501, "5.0.0", "Authentication cancelled"));
                }
                Line::Whole(line) => line,
            };
            step = match decode(&response) {
                Some(response) => exchange.answer(&response, &shared.backends).await,
                None => return Ok(bad_base64()),
            };
        }
    }

    /// The final reply. A refusal says the same whatever was wrong; the log knows better.
    async fn conclude(&mut self, mechanism: &str, outcome: Outcome) -> Result<Reply, Ended> {
        Ok(match outcome {
            Outcome::Accepted(user) => {
                tracing::info!(mechanism, user, "authenticated");
                self.authenticated = true;
                self.user = Some(user);
                reply(235, "2.7.0", "Authentication successful")
            }
            // Anybody can do this, so that it permits no more than before (RFC 4505, section 2).
            Outcome::Anonymous(trace) => {
                tracing::info!(mechanism, ?trace, "anonymous");
                self.authenticated = true;
                reply(235, "2.7.0", "Authentication successful")
            }
            Outcome::Refused(reason) => {
                tracing::info!(mechanism, reason, "authentication failed");
                return self.refuse_login().await;
            }
            Outcome::Malformed(reason) => {
                tracing::info!(mechanism, reason, "authentication failed");
                reply(501, "5.5.2", "Malformed response")
            }
            Outcome::Unavailable(reason) => {
                tracing::warn!(mechanism, reason, "authentication is not possible now");
                reply(454, "4.7.0", "Temporary authentication failure")
            }
        })
    }

    /// Answers wrong credentials, later and later, and at last for the last time.
    async fn refuse_login(&mut self) -> Result<Reply, Ended> {
        let delay = self.shared.logins.failed(self.peer.ip());
        let too_many = self.patience.failed_login(&self.shared.config.limits);
        if !delay.is_zero() {
            self.wire.flush().await?;
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                _ = self.stop.wait_for(|stopped| *stopped) => return Err(Ended::Stopping),
            }
        }
        if too_many {
            return Err(Ended::GivenUp(reply(
                421,
                "4.7.0",
                "Too many failed logins",
            )));
        }
        Ok(reply(535, "5.7.8", "Authentication credentials invalid"))
    }
}

/// Strict base64: no foreign octets, padding where it belongs, no stray bits.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn bad_base64() -> Reply {
    reply(501, "5.5.2", "Not base64")
}
