//! CRAM-MD5 (RFC 2195).

use md5::Md5;

use super::{Credentials, Exchange, ExchangeError, hex, hmac};

/// The response of RFC 2195 section 2: the user, a space, the digest.
pub fn response(user: &str, password: &str, challenge: &[u8]) -> Vec<u8> {
    format!("{user} {}", digest(password, challenge)).into_bytes()
}

/// HMAC-MD5 of the challenge under the secret, in lower-case hexadecimal (RFC 2195 section 2).
pub fn digest(secret: impl AsRef<[u8]>, challenge: &[u8]) -> String {
    hex(hmac::<Md5>(secret.as_ref(), challenge))
}

/// The client of CRAM-MD5. It answers any challenge: whether that one is a msg-id is a case's
/// question, and the digest does not depend on it.
pub struct CramMd5 {
    user: String,
    password: String,
    answered: bool,
}

impl CramMd5 {
    /// An exchange with these credentials; there is no room for an authorization identity.
    pub fn new(credentials: &Credentials) -> CramMd5 {
        CramMd5 {
            user: credentials.user.clone(),
            password: credentials.password.clone(),
            answered: false,
        }
    }
}

impl Exchange for CramMd5 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        if std::mem::replace(&mut self.answered, true) {
            return Err(ExchangeError::Surplus(NAME));
        }
        if challenge.is_empty() {
            return Err(ExchangeError::Malformed {
                mechanism: NAME,
                message: "challenge",
                fault: "it is empty".to_owned(),
            });
        }
        Ok(response(&self.user, &self.password, challenge))
    }

    fn verify_end(&self) -> Result<(), ExchangeError> {
        match self.answered {
            true => Ok(()),
            false => Err(ExchangeError::Incomplete {
                mechanism: NAME,
                missing: "a challenge",
            }),
        }
    }
}

const NAME: &str = "CRAM-MD5";
