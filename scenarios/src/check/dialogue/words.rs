//! Replies as facts: short words that are the same on every run.

use msaspec_harness::{
    answer::Answer,
    verdict::{Halt, Outcome},
};

/// An answer as a fact: code and enhanced code, or what came instead.
pub(super) fn word(answer: Outcome<Answer>) -> Outcome<String> {
    match answer {
        Ok(answer) => Ok(match answer.reply.status() {
            Some(status) => format!("{} {status}", answer.code()),
            None => answer.code().to_string(),
        }),
        Err(Halt::Temporary(words)) => Ok(first_words(&words)),
        Err(Halt::Deviation(deviation)) => Ok(first_words(&deviation.observed)),
        Err(halt) => Err(halt),
    }
}

/// The name that a greeting begins with: in the container a host has no other than its configuration gives it.
pub(super) fn name_of(greeting: &Answer) -> Option<String> {
    let text = String::from_utf8_lossy(greeting.reply.texts.first()?);
    let name: String = text
        .split_whitespace()
        .next()?
        .chars()
        .take(LONGEST)
        .collect();
    Some(name)
}

/// Code and enhanced code of a reply in words; what begins otherwise is no reply and stays whole.
pub(super) fn first_words(observed: &str) -> String {
    let mut words = observed.split([' ', '-']);
    let code = words.next().unwrap_or_default();
    if code.len() != 3 || !code.bytes().all(|octet| octet.is_ascii_digit()) {
        return observed.chars().take(LONGEST).collect();
    }
    let status = words.next().unwrap_or_default();
    let is_status = status.split('.').count() == 3
        && status
            .bytes()
            .all(|octet| octet == b'.' || octet.is_ascii_digit());
    match is_status {
        true => format!("{code} {status}"),
        false => code.to_owned(),
    }
}

/// In characters.
const LONGEST: usize = 120;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("421 4.3.2 Too busy", "421 4.3.2")]
    #[case("220 mx.example ESMTP", "220")]
    #[case("250-2.1.0 Sender", "250 2.1.0")]
    #[case("connection closed", "connection closed")]
    #[case("", "")]
    #[case("999", "999")]
    fn a_reply_is_its_codes(#[case] observed: &str, #[case] expected: &str) {
        assert_eq!(first_words(observed), expected);
    }
}
