//! Known deviations of a target: an overlay over the verdicts, which covers what it describes and not worse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// Known deviations by the id of the case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<String, Deviates>);

/// How a target is known to deviate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviates {
    /// Why, and who is right.
    pub reason: String,
    /// The worst verdict that is covered; none: warn and fail.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// How what was observed begins, such as a reply code; its first digit decides.
    #[serde(default)]
    pub observed: Option<String>,
}

impl Known {
    /// Reads a file's text: `id = "reason"` or `id = { reason, verdict, observed }`.
    ///
    /// # Errors
    /// What is wrong and where, in words for the file's author.
    pub fn parse(text: &str) -> Result<Known, String> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Entry {
            Reason(String),
            Deviates(Deviates),
        }
        let table: toml::Table = toml::from_str(text).map_err(|error| slip(text, &error))?;
        let entry = |(id, value): (String, toml::Value)| match value.try_into() {
            Ok(Entry::Reason(reason)) => Ok((
                id,
                Deviates {
                    reason,
                    verdict: None,
                    observed: None,
                },
            )),
            Ok(Entry::Deviates(deviates)) => match deviates.verdict {
                None | Some(Verdict::Warn | Verdict::Fail) => Ok((id, deviates)),
                Some(_) => Err(format!(
                    "{id}: only \"warn\" and \"fail\" can be known, other verdicts are no deviations"
                )),
            },
            Err(_) => Err(format!(
                "{id}: write a reason in quotes, or a table with reason, verdict (\"warn\" or \"fail\") and observed"
            )),
        };
        table
            .into_iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Known)
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The entry for a case, whatever was observed.
    pub fn entry(&self, id: &str) -> Option<&Deviates> {
        self.0.get(id)
    }

    /// The reason, where this deviation is one that is known.
    pub fn covers(&self, id: &str, verdict: Verdict, observed: &str) -> Option<&Deviates> {
        self.entry(id)
            .filter(|deviates| deviates.covers(verdict, observed))
    }
}

impl FromIterator<(String, Deviates)> for Known {
    fn from_iter<I: IntoIterator<Item = (String, Deviates)>>(entries: I) -> Known {
        Known(entries.into_iter().collect())
    }
}

impl Deviates {
    fn covers(&self, verdict: Verdict, observed: &str) -> bool {
        let worst = self.verdict.unwrap_or(Verdict::Fail);
        let same = match &self.observed {
            None => true,
            Some(known) => first_digit(known) == first_digit(observed),
        };
        matches!(verdict, Verdict::Warn | Verdict::Fail) && verdict <= worst && same
    }
}

/// One line, without the picture that the parser draws.
fn slip(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = 1 + before.unwrap_or_default().matches('\n').count();
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    format!("line {line}: {message}")
}

/// The first digit where there is one at the very beginning, as in a reply, and else the text.
fn first_digit(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(octet) if octet.is_ascii_digit() => &text[..1],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a = \"why\"", Verdict::Fail, "250 ok", true)]
    #[case("a = \"why\"", Verdict::Pass, "250 ok", false)]
    #[case("a = \"why\"", Verdict::Inconclusive, "", false)]
    #[case(
        "a = { reason = \"why\", verdict = \"warn\" }",
        Verdict::Fail,
        "250 ok",
        false
    )]
    #[case(
        "a = { reason = \"why\", observed = \"554\" }",
        Verdict::Fail,
        "550 5.7.1 no",
        true
    )]
    #[case(
        "a = { reason = \"why\", observed = \"554\" }",
        Verdict::Fail,
        "250 ok",
        false
    )]
    fn a_known_deviation_covers_nothing_worse(
        #[case] text: &str,
        #[case] verdict: Verdict,
        #[case] observed: &str,
        #[case] covered: bool,
    ) {
        assert_eq!(
            Known::parse(text)
                .unwrap()
                .covers("a", verdict, observed)
                .is_some(),
            covered
        );
    }

    #[test]
    fn a_slip_is_named() {
        let error = Known::parse("rfc1-2-x = { reson = \"y\" }").unwrap_err();
        assert!(error.starts_with("rfc1-2-x:"), "{error}");
        let error = Known::parse("# a list\nnot toml at all\n").unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[rstest]
    #[case("skip")]
    #[case("pass")]
    #[case("inconclusive")]
    fn what_is_no_deviation_cannot_be_known(#[case] verdict: &str) {
        let text = format!("a = {{ reason = \"why\", verdict = \"{verdict}\" }}");
        let error = Known::parse(&text).unwrap_err();
        assert!(error.contains("only \"warn\" and \"fail\""), "{error}");
    }
}
