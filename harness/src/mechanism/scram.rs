//! SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677), with and without channel binding.

mod keys;
mod messages;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use keys::{Hash, KeyCache, Keys};
pub use messages::{ServerFinal, ServerFirst};

use super::{Credentials, Exchange, ExchangeError, random_nonce};

/// What the client says about channel binding (RFC 5802 section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelBinding {
    /// `n`: the client has none.
    Unsupported,
    /// `y`: the client has it and believes that the server has not.
    Unused,
    /// `p`: the -PLUS form of the mechanism.
    Bound {
        /// The type, such as `tls-exporter`.
        name: String,
        /// The octets that identify the channel.
        data: Vec<u8>,
    },
}

/// A user name or authzid as it stands in a message (RFC 5802 section 5.1).
pub fn saslname(text: &str) -> String {
    text.replace('=', "=3D").replace(',', "=2C")
}

/// SASLprep (RFC 4013). Code points that Unicode 3.2 had not assigned are refused, which for a
/// user name is narrower than RFC 5802 section 5.1 asks.
pub fn prepare(what: &'static str, text: &str) -> Result<String, ExchangeError> {
    let unusable = |why: String| ExchangeError::Unusable { what, why };
    match stringprep::saslprep(text) {
        Ok(prepared) if prepared.is_empty() => Err(unusable("nothing is left of it".to_owned())),
        Ok(prepared) => Ok(prepared.into_owned()),
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// The client of one SCRAM mechanism.
pub struct Scram {
    hash: Hash,
    credentials: Credentials,
    binding: ChannelBinding,
    nonce: Option<String>,
    extensions: String,
    cache: KeyCache,
    state: State,
}

enum State {
    Begun,
    Named { bare: String, nonce: String },
    Proved { signature: Vec<u8> },
    Verified,
    Broken,
}

impl Scram {
    /// An exchange without channel binding.
    pub fn new(hash: Hash, credentials: &Credentials) -> Scram {
        Scram {
            hash,
            credentials: credentials.clone(),
            binding: ChannelBinding::Unsupported,
            nonce: None,
            extensions: String::new(),
            cache: KeyCache::default(),
            state: State::Begun,
        }
    }

    /// The same with another word about channel binding; `Bound` makes it the -PLUS form.
    pub fn binding(self, binding: ChannelBinding) -> Scram {
        Scram { binding, ..self }
    }

    /// A client nonce that is known beforehand, for test vectors and probes.
    pub fn nonce(self, nonce: impl Into<String>) -> Scram {
        Scram {
            nonce: Some(nonce.into()),
            ..self
        }
    }

    /// The same with keys that may be known from an earlier exchange.
    pub fn cache(self, cache: KeyCache) -> Scram {
        Scram { cache, ..self }
    }

    /// Attributes to append to the first message, such as `x=ignored` (RFC 5802 section 7,
    /// extensions).
    pub fn extensions(self, extensions: impl Into<String>) -> Scram {
        Scram {
            extensions: extensions.into(),
            ..self
        }
    }

    /// The header of the first message (RFC 5802 section 7, gs2-header).
    fn gs2_header(&self) -> Result<String, ExchangeError> {
        let flag = match &self.binding {
            ChannelBinding::Unsupported => "n".to_owned(),
            ChannelBinding::Unused => "y".to_owned(),
            ChannelBinding::Bound { name, .. } => format!("p={name}"),
        };
        Ok(match &self.credentials.authzid {
            None => format!("{flag},,"),
            Some(authzid) => {
                let authzid = prepare("authorization identity", authzid)?;
                format!("{flag},a={},", saslname(&authzid))
            }
        })
    }

    fn client_first(&mut self) -> Result<Vec<u8>, ExchangeError> {
        let user = prepare("user name", &self.credentials.user)?;
        let nonce = match &self.nonce {
            Some(nonce) => nonce.clone(),
            None => random_nonce()?,
        };
        let mut bare = format!("n={},r={nonce}", saslname(&user));
        if !self.extensions.is_empty() {
            bare = format!("{bare},{}", self.extensions);
        }
        let message = format!("{}{bare}", self.gs2_header()?);
        self.state = State::Named { bare, nonce };
        Ok(message.into_bytes())
    }

    fn client_final(
        &mut self,
        octets: &[u8],
        bare: &str,
        nonce: &str,
    ) -> Result<Vec<u8>, ExchangeError> {
        let malformed = |fault| self.malformed("server-first-message", fault);
        let first = ServerFirst::parse(octets).map_err(malformed)?;
        first.check_nonce(nonce).map_err(malformed)?;
        first.check_iterations().map_err(malformed)?;
        let password = prepare("password", &self.credentials.password)?;
        let keys = self
            .cache
            .keys(self.hash, password, &first.salt, first.iterations);

        let mut binding = self.gs2_header()?.into_bytes();
        if let ChannelBinding::Bound { data, .. } = &self.binding {
            binding.extend_from_slice(data);
        }
        let without_proof = format!("c={},r={}", STANDARD.encode(binding), first.nonce);
        let auth_message = format!("{bare},{},{without_proof}", first.text);
        let proof = STANDARD.encode(keys.proof(auth_message.as_bytes()));
        self.state = State::Proved {
            signature: keys.server_signature(auth_message.as_bytes()),
        };
        Ok(format!("{without_proof},p={proof}").into_bytes())
    }

    fn verify(&mut self, octets: &[u8], signature: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        let mechanism = self.name();
        match ServerFinal::parse(octets) {
            Ok(ServerFinal::Verifier(verifier)) if verifier == signature => {
                self.state = State::Verified;
                Ok(Vec::new())
            }
            Ok(ServerFinal::Verifier(_)) => Err(ExchangeError::WrongProof {
                mechanism,
                proof: "the server signature",
            }),
            Ok(ServerFinal::Error(reason)) => Err(ExchangeError::Refused { mechanism, reason }),
            Err(fault) => Err(self.malformed("server-final-message", fault)),
        }
    }

    fn malformed(&self, message: &'static str, fault: String) -> ExchangeError {
        ExchangeError::Malformed {
            mechanism: self.name(),
            message,
            fault,
        }
    }
}

impl Exchange for Scram {
    fn name(&self) -> &'static str {
        match (self.hash, &self.binding) {
            (Hash::Sha1, ChannelBinding::Bound { .. }) => "SCRAM-SHA-1-PLUS",
            (Hash::Sha1, _) => "SCRAM-SHA-1",
            (Hash::Sha256, ChannelBinding::Bound { .. }) => "SCRAM-SHA-256-PLUS",
            (Hash::Sha256, _) => "SCRAM-SHA-256",
        }
    }

    fn initial(&mut self) -> Option<Vec<u8>> {
        match self.state {
            State::Begun => self.client_first().ok(),
            _ => None,
        }
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Begun if challenge.is_empty() => self.client_first(),
            State::Begun => Err(ExchangeError::NotEmpty(self.name())),
            State::Named { bare, nonce } => self.client_final(challenge, &bare, &nonce),
            State::Proved { signature } => self.verify(challenge, &signature),
            State::Verified | State::Broken => Err(ExchangeError::Surplus(self.name())),
        }
    }

    fn verify_end(&self) -> Result<(), ExchangeError> {
        let missing = match self.state {
            State::Verified => return Ok(()),
            State::Begun => "the client's first message",
            State::Named { .. } => "a server-first-message",
            State::Proved { .. } => "a server-final-message",
            State::Broken => "a step that the client could take",
        };
        Err(ExchangeError::Incomplete {
            mechanism: self.name(),
            missing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(user: &str) -> Scram {
        let credentials = Credentials::new(user, "pencil");
        let mut scram = Scram::new(Hash::Sha256, &credentials).nonce("abc");
        scram.initial().unwrap();
        scram
    }

    #[test]
    fn the_servers_first_message_is_checked() {
        for (wrong, part) in [
            ("r=abc,s=QUJD,i=4096", "nothing of the server's"),
            ("r=xyzuvw,s=QUJD,i=4096", "does not begin"),
            ("r=abcd,s=QUJD,i=1000001", "1000001"),
            ("r=abcd,s=QUJD,i=0", "i="),
        ] {
            let error = named("user").respond(wrong.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.is_ours());
        }
    }

    #[test]
    fn the_servers_last_message_is_checked() {
        for wrong in ["e=invalid-proof", "v=QUJD", "v=", "", "x=QUJD"] {
            let mut scram = named("user");
            scram.respond(b"r=abcd,s=QUJD,i=1").unwrap();
            assert!(scram.verify_end().is_err());
            assert!(scram.respond(wrong.as_bytes()).is_err(), "{wrong}");
            assert!(scram.verify_end().is_err());
        }
    }

    #[test]
    fn a_name_that_cannot_be_prepared_is_our_error() {
        for user in ["", "\u{7}", "\u{ad}"] {
            let mut scram = Scram::new(Hash::Sha1, &Credentials::new(user, "pencil"));
            assert_eq!(scram.initial(), None);
            assert!(scram.respond(b"").unwrap_err().is_ours(), "{user:?}");
        }
    }

    #[test]
    fn every_exchange_has_a_nonce_of_its_own() {
        let first = || Scram::new(Hash::Sha1, &Credentials::new("user", "pencil")).initial();
        assert_ne!(first(), first());
    }
}
