//! The AUTH command: one exchange from its command line to its final reply (RFC 4954, section 4).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Session, too_long};
use crate::auth::{Exchange, Outcome, Step};
use crate::limits::Rank;
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
        let usable = self.usable_mechanisms();
        let Some(&mechanism) = usable.iter().find(|known| known.to_string() == name) else {
            return Ok(reply(504, "5.5.4", "Mechanism not available"));
        };
        let mut attempt = Attempt {
            exchange: Exchange::new(mechanism, self.channel.clone().among(mechanism, &usable)),
            failure: None,
        };
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
                    Some(response) => self.check(&mut attempt, &response).await?,
                    None => return Ok(bad_base64()),
                }
            }
            None => Some(attempt.exchange.begin(&self.shared.config.hostname)),
        };
        loop {
            let challenge = match step {
                Some(Step::Challenge(challenge)) => challenge,
                Some(Step::End(outcome)) => return self.conclude(name, outcome, attempt).await,
                None => {
                    let reason = "too many failures";
                    if self.is_told() {
                        tracing::info!(mechanism = name, reason, "not checked");
                    }
                    let too_many = self.patience.failed_login(&self.shared.config.limits);
                    return match too_many {
                        false => Ok(shut_out()),
                        true => Err(given_up()),
                    };
                }
            };
            self.wire
                .send(&Reply::plain(334, vec![STANDARD.encode(challenge)]));
            let (response, fault) = match self.wire.line(RESPONSE_LIMIT, &mut self.stop).await? {
                Line::TooLong(_) => (None, too_long()),
                Line::Whole(line) if line == b"*" => (None, cancelled()),
                Line::Whole(line) => (decode(&line), bad_base64()),
            };
            let Some(response) = response else {
                return self.hold_back(attempt, fault).await;
            };
            step = self.check(&mut attempt, &response).await?;
        }
    }

    /// Has a response checked when it is this address's turn; nothing if that will not be. What
    /// was found wrong is counted at once: the client need not stay for the reply.
    async fn check(
        &mut self,
        attempt: &mut Attempt,
        response: &[u8],
    ) -> Result<Option<Step>, Ended> {
        let shared = self.shared.clone();
        let exchange = &mut attempt.exchange;
        // Nothing is left to check then.
        if exchange.has_failed() {
            let rank = Rank::default();
            return Ok(Some(
                exchange.answer(response, &shared.backends, rank).await,
            ));
        }
        let Some(check) = self.wait(shared.logins.check(self.peer.ip())).await? else {
            return Ok(None);
        };
        let rank = check.rank();
        let step = exchange.answer(response, &shared.backends, rank).await;
        if let Step::End(Outcome::Accepted(_)) = step {
            check.succeeded();
        } else if exchange.has_failed() || matches!(step, Step::End(Outcome::Refused(_))) {
            attempt.failure = Some(Failure {
                delay: check.failed(),
                too_many: self.patience.failed_login(&shared.config.limits),
            });
        }
        Ok(Some(step))
    }

    /// The final reply. A refusal says the same whatever was wrong; the log knows better.
    async fn conclude(
        &mut self,
        mechanism: &str,
        outcome: Outcome,
        attempt: Attempt,
    ) -> Result<Reply, Ended> {
        Ok(match outcome {
            Outcome::Accepted(user) => {
                let tls = self.tls.as_ref().map(|tls| tls.version);
                tracing::info!(mechanism, user, tls, "authenticated");
                self.authenticated = true;
                self.user = Some(user);
                reply(235, "2.7.0", "Authentication successful")
            }
            // Anybody can do this, so that it permits no more than before (RFC 4505, section 2).
            Outcome::Anonymous(trace) => {
                if self.is_told() {
                    tracing::info!(mechanism, ?trace, "anonymous");
                }
                self.authenticated = true;
                reply(235, "2.7.0", "Authentication successful")
            }
            Outcome::Refused(reason) => {
                tracing::info!(mechanism, reason, "authentication failed");
                let refusal = reply(535, "5.7.8", "Authentication credentials invalid");
                return self.hold_back(attempt, refusal).await;
            }
            Outcome::Malformed(reason) => {
                // Nothing was checked, so that this costs the client no time.
                if self.is_told() {
                    tracing::info!(mechanism, reason, "authentication failed");
                }
                reply(501, "5.5.2", "Malformed response")
            }
            Outcome::Unavailable(reason) => {
                tracing::warn!(mechanism, reason, "authentication is not possible now");
                reply(454, "4.7.0", "Temporary authentication failure")
            }
        })
    }

    /// Answers an exchange that came to nothing: after wrong credentials later and later, and at
    /// last for the last time.
    async fn hold_back(&mut self, attempt: Attempt, refusal: Reply) -> Result<Reply, Ended> {
        let Some(Failure { delay, too_many }) = attempt.failure else {
            return Ok(refusal);
        };
        if !delay.is_zero() {
            self.wait(tokio::time::sleep(delay)).await?;
        }
        if too_many {
            return Err(given_up());
        }
        Ok(refusal)
    }
}

/// One exchange, and what it has cost.
struct Attempt {
    exchange: Exchange,
    failure: Option<Failure>,
}

/// Credentials that were wrong.
struct Failure {
    /// How long to hold the reply back.
    delay: Duration,
    /// Whether this session has had too many of them.
    too_many: bool,
}

fn cancelled() -> Reply {
    reply(501, "5.0.0", "Authentication cancelled")
}

fn given_up() -> Ended {
    Ended::GivenUp(reply(421, "4.7.0", "Too many failed logins"))
}

fn shut_out() -> Reply {
    reply(454, "4.7.0", "Too many failed logins; try again later")
}

/// Strict base64: no foreign octets, padding where it belongs, no stray bits.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn bad_base64() -> Reply {
    reply(501, "5.5.2", "Not base64")
}
