//! The last word about a recipient: the next hop's, or our own where the next hop said nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a recipient stands as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", rename_all = "lowercase")]
#[non_exhaustive]
pub enum LastReply {
    /// The next hop answered.
    Hop {
        /// The reply code.
        code: u16,
        /// The text of each line, with its enhanced status code; printable characters only.
        lines: Vec<String>,
    },
    /// No next hop answered, or none was asked.
    Own {
        /// The enhanced status code that we give it (RFC 3463).
        status: String,
        /// What happened.
        why: String,
    },
}

impl LastReply {
    /// The status as RFC 3463 writes it: the enhanced code of the reply if it has one that fits,
    /// otherwise `X.0.0` of the reply's class.
    pub fn status(&self) -> String {
        match self {
            LastReply::Own { status, .. } => status.clone(),
            LastReply::Hop { code, lines } => {
                let class = code / 100;
                let said = lines.first().and_then(|line| line.split(' ').next());
                said.filter(|said| is_status(said, class))
                    .map_or_else(|| format!("{class}.0.0"), str::to_owned)
            }
        }
    }

    /// Whether trying again is no use (5yz, or 5.y.z of our own).
    pub fn is_permanent(&self) -> bool {
        match self {
            LastReply::Hop { code, .. } => code / 100 == 5,
            LastReply::Own { status, .. } => status.starts_with('5'),
        }
    }
}

impl fmt::Display for LastReply {
    /// All on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LastReply::Hop { code, lines } => {
                write!(f, "{}", format!("{code} {}", lines.join(" ")).trim_end())
            }
            LastReply::Own { why, .. } => f.write_str(why),
        }
    }
}

/// `class.subject.detail`, without leading zeros and of that class (RFC 3463, section 2).
fn is_status(text: &str, class: u16) -> bool {
    let number = |part: &str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|octet| octet.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let parts: Vec<_> = text.split('.').collect();
    matches!(parts.as_slice(), [first, subject, detail]
        if *first == class.to_string() && number(subject) && number(detail))
}

/// Spools of earlier versions hold one line of text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Whole(Whole),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Whole {
    Hop { code: u16, lines: Vec<String> },
    Own { status: String, why: String },
}

impl From<Written> for LastReply {
    fn from(written: Written) -> Self {
        match written {
            Written::Whole(Whole::Hop { code, lines }) => LastReply::Hop { code, lines },
            Written::Whole(Whole::Own { status, why }) => LastReply::Own { status, why },
            Written::Text(text) => {
                let (code, line) = text.split_once(' ').unwrap_or((&text, ""));
                match code.parse() {
                    Ok(code @ 200..=599) => LastReply::Hop {
                        code,
                        lines: vec![line.to_owned()],
                    },
                    _ => LastReply::Own {
                        status: "4.4.0".to_owned(),
                        why: text,
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        r#"{"hop":{"code":550,"lines":["5.1.1 no","5.1.1 never"]}}"#,
        "5.1.1",
        "550 5.1.1 no 5.1.1 never",
        true
    )]
    #[case(
        r#"{"hop":{"code":550,"lines":["4.1.1 no"]}}"#,
        "5.0.0",
        "550 4.1.1 no",
        true
    )]
    #[case(
        r#"{"hop":{"code":450,"lines":["4.01.1 no"]}}"#,
        "4.0.0",
        "450 4.01.1 no",
        false
    )]
    #[case(r#"{"hop":{"code":250,"lines":[""]}}"#, "2.0.0", "250", false)]
    #[case(
        r#"{"own":{"status":"5.1.10","why":"null MX"}}"#,
        "5.1.10",
        "null MX",
        true
    )]
    #[case(r#""550 5.1.1 no""#, "5.1.1", "550 5.1.1 no", true)]
    #[case(
        r#""next hop: no reply in time""#,
        "4.4.0",
        "next hop: no reply in time",
        false
    )]
    fn every_form_is_read(
        #[case] json: &str,
        #[case] status: &str,
        #[case] shown: &str,
        #[case] permanent: bool,
    ) {
        let reply: LastReply = serde_json::from_str(json).unwrap();
        assert_eq!(reply.status(), status);
        assert_eq!(reply.to_string(), shown);
        assert_eq!(reply.is_permanent(), permanent);
        let written = serde_json::to_string(&reply).unwrap();
        assert_eq!(serde_json::from_str::<LastReply>(&written).unwrap(), reply);
    }
}
