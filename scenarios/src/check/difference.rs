//! What has changed between two configurations, for a user of the server first.

use serde::Serialize;

use super::{facts::Area, findings::Change};

/// How one configuration differs from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// With what it was compared, as a report names it.
    pub with: String,
    /// What has changed for a user, in order of importance.
    pub differences: Vec<Difference>,
    /// Transcripts that differ.
    pub transcripts: Vec<TextDifference>,
    /// Lines of the `.mc` that differ.
    pub mc: Vec<Change>,
    /// Lines of the `.cf` that differ, `-` or `+` before each.
    pub cf: Vec<String>,
}

/// One change that a user can observe; the same change on several listeners is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The kind of fact.
    pub area: Area,
    /// The listeners that it was seen on; empty where it is about the whole server.
    pub places: Vec<String>,
    /// What was asked.
    pub question: String,
    /// What was so before; none: nothing was.
    pub before: Option<String>,
    /// What is so now; none: nothing is.
    pub after: Option<String>,
    /// The change in one sentence.
    pub sentence: String,
    /// The changed lines of the `.mc` that it came from; empty: none of them explains it.
    pub causes: Vec<Change>,
}

/// A text that differs, as lines with ` `, `-` or `+` before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TextDifference {
    /// The name of the dialogue.
    pub name: String,
    /// The lines with some context.
    pub lines: Vec<String>,
}
