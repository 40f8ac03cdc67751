//! What went wrong under a load: counted by kind, with the words of one reply of each.

use std::collections::BTreeMap;

use super::Trouble;

/// What kept messages, or connections for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    counts: BTreeMap<String, u64>,
    words: BTreeMap<String, String>,
}

impl Errors {
    /// How many failed.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many failed, by what happened.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// The text of a first reply, by what happened, where that was a reply.
    pub fn words(&self) -> &BTreeMap<String, String> {
        &self.words
    }

    pub(super) fn add(&mut self, trouble: &Trouble) {
        let mut what = trouble.to_string();
        // A server that invents a new code each time shall not fill the memory.
        if !self.counts.contains_key(&what) && self.counts.len() >= MOST_KINDS {
            what = "other".to_owned();
        } else if let (Some(words), false) = (trouble.words(), self.words.contains_key(&what)) {
            self.words.insert(what.clone(), words.to_owned());
        }
        *self.counts.entry(what).or_default() += 1;
    }

    pub(super) fn add_all(&mut self, other: &Errors) {
        for (what, count) in &other.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
        for (what, words) in &other.words {
            self.words.entry(what.clone()).or_insert(words.clone());
        }
    }
}

/// The most errors that are told apart on one connection.
const MOST_KINDS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_words_of_its_first_reply() {
        let mut errors = Errors::default();
        for (code, words) in [(550, "first"), (550, "second"), (451, "later")] {
            errors.add(&Trouble::Reply(code, "RCPT", words.to_owned()));
        }
        errors.add(&Trouble::Late("RCPT"));
        let mut all = errors.clone();
        all.add_all(&errors);
        assert_eq!((errors.total(), all.total()), (4, 8));
        assert_eq!(all.counts()["550 to RCPT"], 4);
        assert_eq!(all.words(), errors.words());
        let words: Vec<_> = all.words().values().collect();
        assert_eq!(words, ["later", "first"]);
    }

    #[test]
    fn a_server_that_invents_codes_fills_no_memory() {
        let mut errors = Errors::default();
        for code in 0..1000 {
            errors.add(&Trouble::Reply(code, "RCPT", "x".to_owned()));
        }
        assert_eq!(errors.total(), 1000);
        assert!(errors.counts().len() <= MOST_KINDS + 1 && errors.words().len() <= MOST_KINDS);
    }
}
