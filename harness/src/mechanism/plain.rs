//! PLAIN (RFC 4616).

use super::{Credentials, Exchange, ExchangeError};

/// The one message of RFC 4616 section 2; an empty `authzid` leaves the choice to the server.
/// Nothing is checked, so that probes may write what they like.
pub fn message(
    authzid: impl AsRef<[u8]>,
    user: impl AsRef<[u8]>,
    password: impl AsRef<[u8]>,
) -> Vec<u8> {
    [authzid.as_ref(), user.as_ref(), password.as_ref()].join(&0)
}

/// The client of PLAIN.
pub struct Plain {
    message: Option<Vec<u8>>,
}

impl Plain {
    /// An exchange with these credentials, sent as they are (RFC 4616 section 2 leaves
    /// preparation to the server).
    pub fn new(credentials: &Credentials) -> Plain {
        let authzid = credentials.authzid.as_deref().unwrap_or_default();
        Plain {
            message: Some(message(authzid, &credentials.user, &credentials.password)),
        }
    }
}

impl Exchange for Plain {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial(&mut self) -> Option<Vec<u8>> {
        self.message.take()
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        if self.message.is_some() && !challenge.is_empty() {
            return Err(ExchangeError::NotEmpty(NAME));
        }
        self.message.take().ok_or(ExchangeError::Surplus(NAME))
    }

    fn verify_end(&self) -> Result<(), ExchangeError> {
        match self.message {
            None => Ok(()),
            Some(_) => Err(ExchangeError::Incomplete {
                mechanism: NAME,
                missing: "the client's message",
            }),
        }
    }
}

const NAME: &str = "PLAIN";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_sent_once() {
        let mut plain = Plain::new(&Credentials::new("tim", "secret").acting_as("kurt"));
        assert_eq!(plain.respond(b"?"), Err(ExchangeError::NotEmpty("PLAIN")));
        assert_eq!(plain.respond(b""), Ok(b"kurt\0tim\0secret".to_vec()));
        assert_eq!(plain.verify_end(), Ok(()));
        assert_eq!(plain.respond(b""), Err(ExchangeError::Surplus("PLAIN")));
    }
}
