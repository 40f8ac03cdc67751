//! SCRAM: proof of the secret to the server and of its keys to the client (RFC 5802, RFC 7677).

mod hash;
mod keys;
mod message;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::backend::{Accounts, prepare};
use super::channel::{Bindings, Channel};
use super::gs2::{Flag, Header};
use super::{Outcome, Step, random_hex};
pub(crate) use hash::Hash;
pub(crate) use keys::{ITERATIONS, Keys};
use message::{ClientFinal, ClientFirst};

/// One exchange of one of the four mechanisms.
pub(crate) struct Scram {
    hash: Hash,
    /// Whether the name ends in -PLUS.
    plus: bool,
    bindings: Bindings,
    state: State,
}

enum State {
    Begun,
    Challenged(Challenged),
    /// The server's signature has been sent; only the client's empty response is missing.
    Proven(String),
    Over,
}

/// What the proof has to cover.
struct Challenged {
    user: String,
    authzid: Option<String>,
    keys: Keys,
    exists: bool,
    nonce: String,
    /// What `c=` has to say: the header as it was received, and the binding's data.
    binding: Vec<u8>,
    /// client-first-message-bare, a comma and server-first-message.
    messages: String,
}

impl Scram {
    pub(super) fn new(hash: Hash, plus: bool, channel: Channel) -> Self {
        Scram {
            hash,
            plus,
            bindings: channel.bindings,
            state: State::Begun,
        }
    }

    pub(super) fn answer(&mut self, response: &[u8], accounts: &Accounts) -> Step {
        let step = match std::mem::replace(&mut self.state, State::Over) {
            State::Begun => {
                random_hex::<16>().and_then(|random| self.challenge(response, accounts, &random))
            }
            State::Challenged(challenged) => self.prove(&challenged, response),
            State::Proven(user) if response.is_empty() => Err(Outcome::Accepted(user)),
            State::Proven(_) => Err(Outcome::Malformed("an answer to the server's signature")),
            State::Over => Err(Outcome::Malformed("the exchange is over")),
        };
        step.unwrap_or_else(Step::End)
    }

    /// Answers client-first-message. A name that nobody has is challenged all the same.
    fn challenge(
        &mut self,
        response: &[u8],
        accounts: &Accounts,
        random: &str,
    ) -> Result<Step, Outcome> {
        let text = std::str::from_utf8(response).map_err(|_| Outcome::Malformed("not UTF-8"))?;
        let header = Header::parse(text).ok_or(Outcome::Malformed("gs2-header"))?;
        let (gs2, bare) = text.split_at(header.octets);
        let mut binding = gs2.as_bytes().to_vec();
        binding.extend_from_slice(self.bound(&header.flag)?);
        let first = ClientFirst::parse(bare)?;
        let known = accounts.keys(&first.user, self.hash);
        let nonce = format!("{}{random}", first.nonce);
        let answer = format!(
            "r={nonce},s={},i={}",
            STANDARD.encode(&known.keys.salt),
            known.keys.iterations
        );
        self.state = State::Challenged(Challenged {
            user: known.user,
            authzid: header.authzid.map(|name| prepare(&name).into_owned()),
            keys: known.keys,
            exists: known.exists,
            nonce,
            binding,
            messages: format!("{bare},{answer}"),
        });
        Ok(Step::Challenge(answer.into_bytes()))
    }

    /// The data that the exchange is bound to (RFC 5802, section 6).
    fn bound(&self, flag: &Flag<'_>) -> Result<&[u8], Outcome> {
        match flag {
            Flag::Used(name) if self.plus => self
                .bindings
                .data(name)
                .ok_or(Outcome::Refused("a type of channel binding not known here")),
            Flag::Used(_) => Err(Outcome::Refused("channel binding without -PLUS")),
            _ if self.plus => Err(Outcome::Refused("-PLUS without channel binding")),
            Flag::Unoffered if self.bindings.offered => Err(Outcome::Refused(
                "the client was not told of channel binding: somebody took it from the offer",
            )),
            Flag::Unoffered | Flag::None => Ok(&[]),
        }
    }

    /// Answers client-final-message.
    fn prove(&mut self, challenged: &Challenged, response: &[u8]) -> Result<Step, Outcome> {
        let text = std::str::from_utf8(response).map_err(|_| Outcome::Malformed("not UTF-8"))?;
        let last = ClientFinal::parse(text)?;
        let covered = format!("{},{}", challenged.messages, last.without_proof);
        let keys = &challenged.keys;
        let proved = keys.prove(self.hash, covered.as_bytes(), &last.proof);
        let agreed =
            last.nonce == challenged.nonce && bool::from(last.binding.ct_eq(&challenged.binding));
        if !(proved && challenged.exists) {
            return Err(Outcome::Refused("no such user, or the proof is wrong"));
        }
        if !agreed {
            return Err(Outcome::Refused("another nonce or channel binding"));
        }
        let oneself = challenged.authzid.as_ref();
        if oneself.is_some_and(|authzid| *authzid != challenged.user) {
            return Err(Outcome::Refused(
                "the authorization identity is somebody else",
            ));
        }
        let signature = STANDARD.encode(self.hash.hmac(&keys.server, covered.as_bytes()));
        self.state = State::Proven(challenged.user.clone());
        Ok(Step::Challenge(format!("v={signature}").into_bytes()))
    }
}

#[cfg(test)]
mod tests;
