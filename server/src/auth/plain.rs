//! PLAIN: one message of authorization identity, user and password (RFC 4616).

use super::{Backends, Outcome};
use crate::limits::Rank;

/// Checks a whole message. Who may act as somebody else: nobody.
pub(super) async fn answer(message: &[u8], backends: &Backends, rank: Rank) -> Outcome {
    if message.is_empty() {
        return Outcome::Refused("an empty message");
    }
    let fields: Vec<_> = message
        .split(|octet| *octet == 0)
        .map(std::str::from_utf8)
        .collect();
    let [authzid, user, password] = fields.as_slice() else {
        return Outcome::Malformed("not exactly two NULs");
    };
    let (Ok(authzid), Ok(user), Ok(password)) = (authzid, user, password) else {
        return Outcome::Malformed("not UTF-8");
    };
    // Checked first and whatever the authorization identity is, so that it makes no difference.
    let outcome = backends.check(user, password, rank).await;
    match outcome {
        Outcome::Accepted(_) if !authzid.is_empty() && authzid != user => {
            Outcome::Refused("the authorization identity is somebody else")
        }
        outcome => outcome,
    }
}
