//! DIGEST-MD5: a digest of the secret, of two nonces and of the service (RFC 2831).

mod directives;
mod hash;

use subtle::ConstantTimeEq;

use super::backend::Accounts;
use super::{Outcome, Step, random_hex};
use directives::Directives;
use hash::Digest;

/// Octets of a digest-response (RFC 2831, section 2.1.2).
const RESPONSE_LIMIT: usize = 4096;

/// How far the exchange has come.
#[derive(Default)]
pub(crate) struct DigestMd5 {
    realm: String,
    nonce: String,
    /// Set when rspauth has been sent and only the client's empty answer is missing.
    proven: Option<String>,
}

impl DigestMd5 {
    pub(super) fn begin(&mut self, hostname: &str) -> Step {
        self.nonce = match random_hex::<16>() {
            Ok(nonce) => nonce,
            Err(outcome) => return Step::End(outcome),
        };
        self.realm = hostname.to_owned();
        let challenge = format!(
            "realm=\"{}\",nonce=\"{}\",qop=\"auth\",charset=utf-8,algorithm=md5-sess",
            self.realm, self.nonce
        );
        Step::Challenge(challenge.into_bytes())
    }

    pub(super) fn answer(&mut self, response: &[u8], accounts: &Accounts) -> Step {
        match self.proven.take() {
            Some(user) if response.is_empty() => Step::End(Outcome::Accepted(user)),
            Some(_) => Step::End(Outcome::Malformed("an answer to rspauth")),
            None => match self.prove(response, accounts) {
                Ok((user, answer)) => {
                    self.proven = Some(user);
                    Step::Challenge(format!("rspauth={answer}").into_bytes())
                }
                Err(outcome) => Step::End(outcome),
            },
        }
    }

    /// Checks a digest-response: the user, and the server's own proof.
    fn prove(&self, response: &[u8], accounts: &Accounts) -> Result<(String, String), Outcome> {
        if response.len() >= RESPONSE_LIMIT {
            return Err(Outcome::Malformed("digest-response too long"));
        }
        let said = Directives::parse(response).ok_or(Outcome::Malformed("digest-response"))?;
        let need = |name| {
            said.value(name)
                .ok_or(Outcome::Malformed("a required directive is missing"))
        };
        let utf8 = match said.value("charset") {
            None => false,
            Some(charset) if charset.eq_ignore_ascii_case(b"utf-8") => true,
            Some(_) => return Err(Outcome::Malformed("charset")),
        };
        let user = text(need("username")?, utf8).ok_or(Outcome::Malformed("username"))?;
        let service = need("digest-uri")?;
        let cnonce = need("cnonce")?;
        let proof = need("response")?;
        let agreed = need("realm")? == self.realm.as_bytes()
            && need("nonce")? == self.nonce.as_bytes()
            && need("nc")? == FIRST_USE
            && said.value("qop").is_none_or(|qop| qop == b"auth")
            && service.len() > SERVICE.len()
            && service.starts_with(SERVICE)
            && !cnonce.is_empty();
        let authzid = said.value("authzid");
        let known = accounts.of(&user);
        let digest = Digest {
            user: &user,
            realm: &self.realm,
            secret: known.secret(),
            nonce: &self.nonce,
            cnonce,
            authzid,
            service,
        };
        let same: bool = digest.response().as_bytes().ct_eq(proof).into();
        let oneself =
            authzid.is_none_or(|authzid| text(authzid, true).is_some_and(|name| name == user));
        if same && agreed && oneself && known.exists() {
            let answer = digest.answer();
            Ok((user, answer))
        } else {
            Err(Outcome::Refused(
                "no such user, or the digest or what it covers is wrong",
            ))
        }
    }
}

/// The nonce count: a nonce is good for one use.
const FIRST_USE: &[u8] = b"00000001";
/// How the digest-uri begins; host names differ behind aliases and are not compared.
const SERVICE: &[u8] = b"smtp/";

/// Text in UTF-8 or, where the client did not say so, in ISO 8859-1.
fn text(octets: &[u8], utf8: bool) -> Option<String> {
    if utf8 {
        std::str::from_utf8(octets).ok().map(str::to_owned)
    } else {
        Some(octets.iter().copied().map(char::from).collect())
    }
}

#[cfg(test)]
impl DigestMd5 {
    pub(super) fn challenged(realm: &str, nonce: &str) -> Self {
        DigestMd5 {
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            proven: None,
        }
    }
}

#[cfg(test)]
pub(super) use hash::Digest as TestDigest;
