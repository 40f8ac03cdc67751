//! EXTERNAL: who the client is was proved by TLS (RFC 4422, appendix A).

use super::Outcome;

/// Compares the authorization identity with the user of the certificate; an empty one means him.
pub(super) fn answer(authzid: &[u8], user: Option<&str>) -> Outcome {
    if authzid.contains(&0) {
        return Outcome::Malformed("a NUL in the authorization identity");
    }
    match (std::str::from_utf8(authzid), user) {
        (Err(_), _) => Outcome::Malformed("not UTF-8"),
        (_, None) => Outcome::Refused("no certificate that names a user"),
        (Ok(authzid), Some(user)) if authzid.is_empty() || authzid == user => {
            Outcome::Accepted(user.to_owned())
        }
        _ => Outcome::Refused("the authorization identity is somebody else"),
    }
}
