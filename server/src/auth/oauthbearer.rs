//! OAUTHBEARER: a bearer token, and an error in JSON where it is not accepted (RFC 7628).

use std::net::IpAddr;

use super::backend::Tokens;
use super::channel::Place;
use super::gs2::{Flag, Header};
use super::{Outcome, Step};

/// One exchange.
pub(crate) struct OAuthBearer {
    place: Place,
    /// Set when the error has been sent and only the client's dummy response is missing.
    failed: Option<&'static str>,
}

/// What separates key and value pairs.
const SEPARATOR: char = '\x01';

impl OAuthBearer {
    pub(super) fn new(place: Place) -> Self {
        OAuthBearer {
            place,
            failed: None,
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn answer(&mut self, response: &[u8], tokens: &Tokens) -> Step {
        if let Some(reason) = self.failed.take() {
            return Step::End(Outcome::Refused(reason));
        }
        let (status, reason) = match self.read(response) {
            Err(reason) => ("invalid_request", reason),
            Ok((authzid, token)) => match tokens.user(token) {
                Some(user) if authzid.is_none_or(|authzid| authzid == user) => {
                    return Step::End(Outcome::Accepted(user.to_owned()));
                }
                Some(_) => ("invalid_token", "the token is somebody else's"),
                None => ("invalid_token", "no such token"),
            },
        };
        self.failed = Some(reason);
        Step::Challenge(format!(r#"{{"status":"{status}","schemes":"bearer"}}"#).into_bytes())
    }

    /// The authorization identity and the token of a well-formed response.
    fn read<'a>(&self, response: &'a [u8]) -> Result<(Option<String>, &'a str), &'static str> {
        let text = std::str::from_utf8(response).map_err(|_| "not UTF-8")?;
        let header = Header::parse(text).ok_or("gs2-header")?;
        if matches!(header.flag, Flag::Used(_)) {
            return Err("channel binding without -PLUS");
        }
        let (_, pairs) = text.split_at(header.octets);
        let pairs = pairs
            .strip_prefix(SEPARATOR)
            .and_then(|pairs| pairs.strip_suffix("\x01\x01"))
            .ok_or("no separator at the beginning or at the end")?;
        let mut token = None;
        for pair in pairs.split(SEPARATOR) {
            let (key, value) = pair.split_once('=').ok_or("a key without a value")?;
            if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_alphabetic()) {
                return Err("a key that is no word");
            }
            match key {
                "auth" if token.is_some() => return Err("auth twice"),
                "auth" => token = Some(bearer(value)),
                "host" if !self.is_host(value) => return Err("the host is another one"),
                "port" if value.parse() != Ok(self.place.port) => {
                    return Err("the port is another one");
                }
                _ => {}
            }
        }
        let token = token.ok_or("no auth")?;
        Ok((header.authzid, token.unwrap_or_default()))
    }

    /// The names of the certificate. Which of its addresses the client has used says nothing.
    fn is_host(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.place.host)
            || name.eq_ignore_ascii_case("localhost")
            || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    }
}

/// The token after its scheme, whose name has no case.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}
