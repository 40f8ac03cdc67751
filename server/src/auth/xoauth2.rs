//! XOAUTH2: user and bearer token, in the form that preceded RFC 7628 and has no RFC.

use super::backend::Tokens;
use super::oauthbearer::bearer;
use super::{Outcome, Step};

/// One exchange.
#[derive(Default)]
pub(crate) struct XOAuth2 {
    /// Set when the error has been sent and only the client's empty response is missing.
    failed: Option<&'static str>,
}

/// What clients of this mechanism expect to be told; the status is HTTP's.
const ERROR: &[u8] = br#"{"status":"401","schemes":"bearer"}"#;

impl XOAuth2 {
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn answer(&mut self, response: &[u8], tokens: &Tokens) -> Step {
        if let Some(reason) = self.failed.take() {
            return Step::End(Outcome::Refused(reason));
        }
        let Some((user, token)) = read(response) else {
            return Step::End(Outcome::Malformed("not user, auth and their ends"));
        };
        match tokens.user(token) {
            Some(known) if known == user => Step::End(Outcome::Accepted(user.to_owned())),
            _ => {
                self.failed = Some("no such token, or it is somebody else's");
                Step::Challenge(ERROR.to_vec())
            }
        }
    }
}

/// `user=NAME^Aauth=Bearer TOKEN^A^A`.
fn read(response: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(response).ok()?;
    let (user, auth) = text
        .strip_prefix("user=")?
        .strip_suffix("\x01\x01")?
        .split_once('\x01')?;
    let token = bearer(auth.strip_prefix("auth=")?)?;
    (!user.is_empty() && !token.contains('\x01')).then_some((user, token))
}
