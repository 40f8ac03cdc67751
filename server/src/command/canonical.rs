//! Which spellings are one mailbox (RFC 5321, sections 2.4 and 4.1.2).

/// A mailbox as it is compared, and never as it is sent: what is relayed stays in the client's own
/// spelling. Local parts are the same by the value of their octets, case included, however they are
/// quoted; domains without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Canonical {
    /// Nothing where all mailboxes of the domain are meant.
    local_part: Option<String>,
    /// Empty for `postmaster` alone.
    domain: String,
}

impl Canonical {
    /// Reads `local@domain`, `@domain` for all of a domain, or a name alone. Such a name can only be
    /// `postmaster`, which has no case (RFC 5321, section 2.3.5).
    pub(crate) fn of(address: &str) -> Self {
        let (local_part, domain) = match address.rsplit_once('@') {
            Some(("", domain)) => (None, domain),
            Some((local_part, domain)) => (Some(value(local_part)), domain),
            None => (Some(address.to_ascii_lowercase()), ""),
        };
        Canonical {
            local_part,
            domain: domain.to_ascii_lowercase(),
        }
    }

    /// All mailboxes of the same domain.
    pub(crate) fn whole_domain(&self) -> Self {
        Canonical {
            local_part: None,
            domain: self.domain.clone(),
        }
    }
}

/// A local part without its quotes and backslashes. Quoted words between dots are read too, and a
/// fold inside one is left out: header fields can have both (RFC 5322, sections 3.2.4 and 4.4).
fn value(local_part: &str) -> String {
    let mut value = String::with_capacity(local_part.len());
    let mut characters = local_part.chars();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => value.extend(characters.next()),
            '\r' | '\n' if quoted => {}
            character => value.push(character),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::is_mailbox;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("alice@b.example", "alice@B.Example", true)]
    #[case("alice@b.example", "\"alice\"@b.example", true)]
    #[case("alice@b.example", "\"al\\ice\"@b.example", true)]
    #[case("\"a\\\"b\"@b.example", "\"\\a\\\"\\b\"@b.example", true)]
    #[case("\"a@c\"@b.example", "\"a\\@c\"@b.example", true)]
    #[case("a.b@b.example", "\"a.b\"@b.example", true)]
    #[case("a.b@b.example", "\"a\".b@b.example", true)]
    #[case("\"a b\"@b.example", "\"a\r\n b\"@b.example", true)]
    #[case("a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]", true)]
    #[case("postmaster", "PostMaster", true)]
    #[case("alice@b.example", "Alice@b.example", false)]
    #[case("alice@b.example", "alice@c.example", false)]
    #[case("\"a b\"@b.example", "\"ab\"@b.example", false)]
    #[case("\"\"@b.example", "@b.example", false)]
    #[case("\"postmaster\"@b.example", "postmaster", false)]
    fn spellings_of_one_mailbox(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(Canonical::of(one) == Canonical::of(other), same);
    }

    #[test]
    fn a_domain_has_all_its_mailboxes() {
        let mailbox = Canonical::of("\"a@c\"@B.example");
        assert_eq!(mailbox.whole_domain(), Canonical::of("@b.example"));
    }

    proptest! {
        /// Quoting, and a backslash more, change no mailbox; another local part is another one.
        #[test]
        fn quoting_makes_no_difference(one in "[ -~]{0,20}", other in "[ -~]{0,20}", backslashes: u32) {
            let address = |text: &str, backslashes: u32| {
                let written = text.chars().enumerate().map(|(place, character)| {
                    let needed = matches!(character, '"' | '\\');
                    let backslash = needed || backslashes >> (place % 32) & 1 == 1;
                    format!("{}{character}", if backslash { "\\" } else { "" })
                });
                format!("\"{}\"@b.example", written.collect::<String>())
            };
            let (plain, quoted) = (address(&one, 0), address(&one, backslashes));
            prop_assert!(is_mailbox(quoted.as_bytes()));
            prop_assert_eq!(Canonical::of(&plain), Canonical::of(&quoted));
            let same = Canonical::of(&address(&other, 0)) == Canonical::of(&quoted);
            prop_assert_eq!(same, one == other);
        }

        #[test]
        fn any_text_is_read(text: String) {
            prop_assert!(Canonical::of(&text).whole_domain().local_part.is_none());
        }
    }
}
