//! Addresses of the site that leave it by another name (RFC 6409, section 8.8).

use std::collections::{BTreeMap, HashMap};

use crate::command::{Canonical, LOCAL_PART_LIMIT};
use crate::config::Config;
use crate::senders::is_entry;

/// The table of the configuration, for looking up.
#[derive(Debug)]
pub(crate) struct Rewriting(HashMap<Canonical, String>);

/// What takes the place of an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replacement<'a> {
    /// Nothing where the domain alone is another one.
    pub(crate) local_part: Option<&'a str>,
    pub(crate) domain: &'a str,
}

impl Rewriting {
    /// The table of a configuration. Where no listener uses it the log says so.
    pub(crate) fn of(config: &Config) -> Self {
        let used = config.listeners.iter().any(|listener| listener.fix.rewrite);
        if !config.rewrite.is_empty() && !used {
            tracing::warn!("nothing is rewritten: no listener has rewrite in fix");
        }
        Rewriting::new(&config.rewrite)
    }

    pub(crate) fn new(table: &BTreeMap<String, String>) -> Self {
        let entries = table.iter();
        let entries = entries.map(|(from, to)| (Canonical::of(from), to.clone()));
        Rewriting(entries.collect())
    }

    /// What a mailbox has to be replaced by: as it is listed itself, or else its domain. Once:
    /// what comes of it is not looked up again.
    pub(crate) fn replacement(&self, local_part: &str, domain: &str) -> Option<Replacement<'_>> {
        let mailbox = Canonical::of(&format!("{local_part}@{domain}"));
        let whole = self.0.get(&mailbox);
        let to = whole.or_else(|| self.0.get(&mailbox.whole_domain()))?;
        let (local_part, domain) = to.rsplit_once('@')?;
        Some(Replacement {
            local_part: Some(local_part).filter(|_| whole.is_some()),
            domain,
        })
    }

    /// An address as it leaves the site.
    pub(crate) fn address(&self, address: &str) -> String {
        let Some((local_part, domain)) = address.rsplit_once('@') else {
            return address.to_owned();
        };
        match self.replacement(local_part, domain) {
            Some(to) => format!("{}@{}", to.local_part.unwrap_or(local_part), to.domain),
            None => address.to_owned(),
        }
    }
}

/// What is wrong with a table.
pub(crate) fn check(table: &BTreeMap<String, String>) -> Result<(), String> {
    let mut known = HashMap::new();
    for (from, to) in table {
        if let Some(entry) = [from, to].into_iter().find(|entry| !is_entry(entry)) {
            return Err(format!("{entry:?} is neither an address nor @DOMAIN"));
        }
        if from.starts_with('@') != to.starts_with('@') {
            return Err(format!(
                "{from:?}: an address by an address, @DOMAIN by @DOMAIN"
            ));
        }
        let (local_part, domain) = to.rsplit_once('@').unwrap_or_default();
        if !domain.contains('.') && !domain.starts_with('[') {
            return Err(format!("{to:?}: the domain is not fully qualified"));
        }
        if local_part.len() > LOCAL_PART_LIMIT {
            return Err(format!(
                "{to:?}: at most {LOCAL_PART_LIMIT} octets before the @"
            ));
        }
        if let Some(before) = known.insert(Canonical::of(from), from) {
            return Err(format!("{from:?} and {before:?} are the same"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn table(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        entries.iter().map(owned).collect()
    }

    #[rstest]
    #[case("jru@example.org", "J.Random.User@example.org")]
    #[case("jru@Example.ORG", "J.Random.User@example.org")]
    #[case("JRU@example.org", "JRU@example.org")]
    #[case("\"jru\"@example.org", "J.Random.User@example.org")]
    #[case("\"JRU\"@example.org", "\"JRU\"@example.org")]
    #[case("\"\"@squeaky.example.org", "\"\"@example.org")]
    #[case("jru@sub.example.org", "jru@sub.example.org")]
    #[case("jru@squeaky.example.org", "jru@example.org")]
    #[case("\"a@b\"@squeaky.example.org", "\"a@b\"@example.org")]
    #[case("root@squeaky.example.org", "postmaster@example.net")]
    #[case("a@[192.0.2.1]", "a@example.org")]
    #[case("", "")]
    fn what_is_listed_is_rewritten_once(#[case] address: &str, #[case] rewritten: &str) {
        let table = table(&[
            ("jru@example.org", "J.Random.User@example.org"),
            ("@squeaky.example.org", "@example.org"),
            ("root@Squeaky.example.org", "postmaster@example.net"),
            ("a@[192.0.2.1]", "a@example.org"),
        ]);
        assert_eq!(check(&table), Ok(()));
        assert_eq!(Rewriting::new(&table).address(address), rewritten);
    }

    #[rstest]
    #[case(&[("jru", "a@example.org")], "\"jru\" is neither")]
    #[case(&[("@example.org", "example.org")], "\"example.org\" is neither")]
    #[case(&[("@example.org", "a@example.org")], "an address by an address")]
    #[case(&[("a@example.org", "@example.org")], "an address by an address")]
    #[case(&[("@squeaky", "@example")], "not fully qualified")]
    #[case(&[("@A.example", "@b.example"), ("@a.example", "@c.example")], "are the same")]
    #[case(&[("\"a\"@a.example", "b@b.example"), ("a@a.example", "c@b.example")], "are the same")]
    fn what_cannot_be_meant_is_refused(#[case] entries: &[(&str, &str)], #[case] reason: &str) {
        let fault = check(&table(entries)).unwrap_err();
        assert!(fault.contains(reason), "{fault}");
    }

    #[test]
    fn a_local_part_has_64_octets() {
        let to = |octets| format!("{}@b.example", "a".repeat(octets));
        assert_eq!(check(&table(&[("a@b.example", &to(64))])), Ok(()));
        assert!(check(&table(&[("a@b.example", &to(65))])).is_err());
    }
}
