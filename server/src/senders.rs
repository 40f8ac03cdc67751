//! Which addresses are a login's own (RFC 6409, section 6.1).

use std::collections::BTreeMap;

use crate::command::{Canonical, is_domain, is_mailbox};

/// A user, and what the configuration lets it call itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Login<'a> {
    user: &'a str,
    own: &'a [String],
}

impl<'a> Login<'a> {
    pub(crate) fn new(user: &'a str, senders: &'a BTreeMap<String, Vec<String>>) -> Self {
        Login {
            user,
            own: senders.get(user).map(Vec::as_slice).unwrap_or_default(),
        }
    }

    /// Whether an address is one of its own: listed, at a listed domain, or the very name of the
    /// login.
    pub(crate) fn owns(&self, address: &str) -> bool {
        let mailbox = Canonical::of(address);
        let domain = mailbox.whole_domain();
        let mut listed = self.own.iter().map(|own| Canonical::of(own));
        Canonical::of(self.user) == mailbox || listed.any(|own| own == mailbox || own == domain)
    }

    /// The address it is known by: the first that is listed, or its name if that is one.
    pub(crate) fn address(&self) -> Option<&'a str> {
        let listed = self.own.iter().map(String::as_str);
        listed
            .chain([self.user])
            .find(|own| is_mailbox(own.as_bytes()))
    }
}

/// Whether an entry of the configuration is an address, or `@` and a domain.
pub(crate) fn is_entry(entry: &str) -> bool {
    match entry.strip_prefix('@') {
        Some(domain) => is_domain(domain.as_bytes()),
        None => is_mailbox(entry.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("alice", "alice@B.example", true)]
    #[case("alice", "\"a\\lice\"@b.example", true)]
    #[case("alice", "Alice@b.example", false)]
    #[case("alice", "any@c.example", true)]
    #[case("alice", "\"a@b\"@C.example", true)]
    #[case("alice", "any@sub.c.example", false)]
    #[case("alice", "bob@b.example", false)]
    #[case("alice", "alice", true)]
    #[case("bob", "alice@b.example", false)]
    #[case("carol@b.example", "carol@B.example", true)]
    #[case("carol@b.example", "\"carol\"@b.example", true)]
    #[case("@b.example", "alice@b.example", false)]
    fn addresses_are_owned(#[case] user: &str, #[case] address: &str, #[case] own: bool) {
        let listed = vec!["@c.example".to_owned(), "alice@b.example".to_owned()];
        let senders = BTreeMap::from([("alice".to_owned(), listed)]);
        assert_eq!(Login::new(user, &senders).owns(address), own);
    }

    #[test]
    fn a_login_is_known_by_an_address() {
        let listed = vec!["@c.example".to_owned(), "alice@b.example".to_owned()];
        let senders = BTreeMap::from([("alice".to_owned(), listed)]);
        let address = |user| Login::new(user, &senders).address();
        assert_eq!(address("alice"), Some("alice@b.example"));
        assert_eq!(address("bob"), None);
        assert_eq!(address("bob@b.example"), Some("bob@b.example"));
    }
}
