//! DIGEST-MD5 (RFC 2831), as far as submission needs it: initial authentication, qop "auth".

mod challenge;
mod directive;
mod fault;
mod response;

pub use challenge::{Challenge, Reading};
pub use fault::{Fault, Tolerated};
pub use response::{Proofs, Response};

use super::{Credentials, Exchange, ExchangeError, random_nonce};

/// The client of DIGEST-MD5.
pub struct DigestMd5 {
    credentials: Credentials,
    realm: Option<String>,
    cnonce: Option<String>,
    digest_uri: String,
    state: State,
}

enum State {
    Begun,
    Proved { rspauth: String },
    Verified,
    Broken,
}

impl DigestMd5 {
    /// An exchange with the submission server `host`; the realm is the first that is offered.
    pub fn new(credentials: &Credentials, host: &str) -> DigestMd5 {
        DigestMd5 {
            credentials: credentials.clone(),
            realm: None,
            cnonce: None,
            digest_uri: format!("smtp/{host}"),
            state: State::Begun,
        }
    }

    /// The realm to answer with, whatever is offered.
    pub fn realm(self, realm: impl Into<String>) -> DigestMd5 {
        DigestMd5 {
            realm: Some(realm.into()),
            ..self
        }
    }

    /// A cnonce that is known beforehand, for test vectors.
    pub fn cnonce(self, cnonce: impl Into<String>) -> DigestMd5 {
        DigestMd5 {
            cnonce: Some(cnonce.into()),
            ..self
        }
    }

    /// Another digest-uri than that of the submission server.
    pub fn digest_uri(self, digest_uri: impl Into<String>) -> DigestMd5 {
        DigestMd5 {
            digest_uri: digest_uri.into(),
            ..self
        }
    }

    /// The response to `challenge`, for probes that change one value before they send it.
    pub fn answer(&self, challenge: &Challenge) -> Result<Response, ExchangeError> {
        Ok(Response {
            username: self.credentials.user.clone(),
            realm: self
                .realm
                .clone()
                .or_else(|| challenge.realms.first().cloned()),
            password: self.credentials.password.clone(),
            nonce: challenge.nonce.clone(),
            cnonce: match &self.cnonce {
                Some(cnonce) => cnonce.clone(),
                None => random_nonce()?,
            },
            nc: 1,
            qop: "auth".to_owned(),
            digest_uri: self.digest_uri.clone(),
            authzid: self.credentials.authzid.clone(),
            utf8: challenge.utf8,
        })
    }

    fn prove(&mut self, octets: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        let reading = Challenge::read(octets);
        if let Some(fault) = reading.faults.iter().find(|fault| fault.aborts()) {
            return Err(malformed("digest-challenge", fault));
        }
        let response = self.answer(&reading.challenge)?;
        let message = response.message()?;
        self.state = State::Proved {
            rspauth: response.compute()?.rspauth,
        };
        Ok(message)
    }
}

impl Exchange for DigestMd5 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Begun => self.prove(challenge),
            State::Proved { rspauth } => {
                verify(challenge, &rspauth)?;
                self.state = State::Verified;
                Ok(Vec::new())
            }
            State::Verified | State::Broken => Err(ExchangeError::Surplus(NAME)),
        }
    }

    fn verify_end(&self) -> Result<(), ExchangeError> {
        let missing = match self.state {
            State::Verified => return Ok(()),
            State::Begun => "a digest-challenge",
            State::Proved { .. } => "the server's rspauth",
            State::Broken => "a step that the client could take",
        };
        Err(ExchangeError::Incomplete {
            mechanism: NAME,
            missing,
        })
    }
}

/// RFC 2831 section 2.1.3.
fn verify(octets: &[u8], expected: &str) -> Result<(), ExchangeError> {
    let directives = directive::read(octets).map_err(|fault| malformed("response-auth", &fault))?;
    let rspauth: Vec<_> = directives
        .iter()
        .filter(|directive| directive.is("rspauth"))
        .collect();
    match rspauth.as_slice() {
        [only] if only.value == expected.as_bytes() => Ok(()),
        [_] => Err(ExchangeError::WrongProof {
            mechanism: NAME,
            proof: "rspauth",
        }),
        other => Err(malformed(
            "response-auth",
            &format!("rspauth stands {} times, not once", other.len()),
        )),
    }
}

fn malformed(message: &'static str, fault: &impl ToString) -> ExchangeError {
    ExchangeError::Malformed {
        mechanism: NAME,
        message,
        fault: fault.to_string(),
    }
}

const NAME: &str = "DIGEST-MD5";

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &[u8] = br#"nonce="n",qop="auth",algorithm=md5-sess"#;

    fn exchange(user: &str) -> DigestMd5 {
        DigestMd5::new(&Credentials::new(user, "secret"), "mail.example")
    }

    #[test]
    fn a_wrong_or_missing_rspauth_is_found() {
        for answer in [
            &b"rspauth=00000000000000000000000000000000"[..],
            b"rspauth",
            b"",
        ] {
            let mut exchange = exchange("tim");
            exchange.respond(CHALLENGE).unwrap();
            assert!(exchange.verify_end().is_err());
            assert!(exchange.respond(answer).is_err(), "{answer:?}");
            assert!(exchange.verify_end().is_err());
        }
    }

    #[test]
    fn without_charset_text_is_latin_1_or_an_error_of_ours() {
        let message = exchange("t\u{ee}m").respond(CHALLENGE).unwrap();
        assert!(message.starts_with(b"username=\"t\xeem\","));
        let error = exchange("\u{442}").respond(CHALLENGE).unwrap_err();
        assert!(error.is_ours(), "{error}");
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let message = exchange(r#"a"b\c"#).respond(CHALLENGE).unwrap();
        assert!(message.starts_with(br#"username="a\"b\\c","#));
    }

    #[test]
    fn an_offered_realm_is_repeated_even_if_empty() {
        let offer = br#"realm="",nonce="n",algorithm=md5-sess,charset=utf-8"#;
        let message = exchange("tim").respond(offer).unwrap();
        assert!(message.starts_with(br#"charset=utf-8,username="tim",realm="","#));
    }
}
