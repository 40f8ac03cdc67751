//! Bearer tokens (RFC 6750) and whom they stand for.

use std::collections::{BTreeMap, BTreeSet};

use subtle::ConstantTimeEq;

use crate::auth::scram::Hash;

/// The tokens' digests by a key of this process: they have one length, and tell nothing.
pub(crate) struct Tokens {
    tokens: Vec<(Vec<u8>, String)>,
    key: [u8; 32],
}

impl Tokens {
    pub(super) fn new(users: &BTreeMap<String, Vec<String>>) -> Self {
        let mut key = [0; 32];
        if let Err(error) = getrandom::fill(&mut key) {
            tracing::warn!(%error, "no random key; tokens are compared with a fixed one");
        }
        let digest = |token: &String| Hash::Sha256.hmac(&key, token.as_bytes());
        let of = |(user, tokens): (&String, &Vec<String>)| {
            let digests = tokens.iter().map(digest);
            digests
                .map(|digest| (digest, user.clone()))
                .collect::<Vec<_>>()
        };
        Tokens {
            tokens: users.iter().flat_map(of).collect(),
            key,
        }
    }

    /// Whose token this is. All of them are looked at, whichever it is.
    pub(crate) fn user(&self, token: &str) -> Option<&str> {
        let given = Hash::Sha256.hmac(&self.key, token.as_bytes());
        let mut found = None;
        for (digest, user) in &self.tokens {
            if digest.ct_eq(&given).into() {
                found = Some(user.as_str());
            }
        }
        found
    }
}

/// What is wrong with a list of tokens (RFC 6750, section 2.1), without showing one.
pub(super) fn fault(users: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let mut seen = BTreeSet::new();
    for (user, tokens) in users {
        if user.is_empty() || tokens.is_empty() {
            return Some(format!("{user:?} is no name, or has no token"));
        }
        if !tokens.iter().all(|token| is_bearer_token(token)) {
            return Some(format!("{user} has one that is no bearer token"));
        }
        if !tokens.iter().all(|token| seen.insert(token)) {
            return Some(format!("{user} has one that was there before"));
        }
    }
    None
}

fn is_bearer_token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet);
    !body.is_empty() && body.bytes().all(allowed)
}
