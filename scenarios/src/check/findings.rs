//! What a check has found: the `check` part of its JSON document, which every other report is rendered from.

use serde::Serialize;

use super::{difference::Comparison, facts::Facts};

/// What was found about one configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// The `.mc`, as the command line names it.
    pub file: String,
    /// What the container had to supply, a phrase each, such as `account alice`.
    pub supplied: Vec<String>,
    /// Files beside the `.mc` that were not taken along, and why, a phrase each.
    pub left_out: Vec<String>,
    /// What the configuration promises, in the order of the `.cf`.
    pub promises: Vec<Promise>,
    /// Listeners that were promised, and those that are open without a promise.
    pub listeners: Vec<ListenerFinding>,
    /// Cases that were not asked, because they do not fit into the budget.
    pub not_run: Vec<NotRun>,
    /// What was tried on the wire besides the cases.
    pub dialogues: Vec<Dialogue>,
    /// Faults first, then hints.
    pub advice: Vec<Advice>,
    /// What a user of the server can observe.
    pub facts: Facts,
    /// How this differs from what was accepted, or from another configuration.
    pub comparison: Option<Comparison>,
    /// Which lines make a difference.
    pub bisection: Option<Bisection>,
}

/// Lines of an `.mc`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, as the command line names it.
    pub file: String,
    /// The first line, counted from 1.
    pub first: usize,
    /// The last line.
    pub last: usize,
    /// What stands there.
    pub text: String,
}

/// One thing that the configuration promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// What it is about, as an administrator calls it: `listener 587/inet`, `AuthMechanisms`.
    pub subject: String,
    /// What it means, in one sentence.
    pub words: String,
    /// The line of the `.cf`.
    pub cf: String,
    /// The statement that it came from; none: sendmail's default, not in this `.mc`.
    pub place: Option<Place>,
}

/// A listener as promised and as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListenerFinding {
    /// Port and family, such as `587/inet6`.
    pub listener: String,
    /// The daemon's name in the configuration.
    pub name: Option<String>,
    /// The address that it is bound to, where that is not every address.
    pub address: Option<String>,
    /// Whether the configuration promises it.
    pub promised: bool,
    /// Whether it is open, seen from inside the container.
    pub open: bool,
    /// Whether a failure to open it is ignored (modifier `O`).
    pub optional: bool,
}

/// A case that was not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotRun {
    /// The id of the case.
    pub id: String,
    /// Why it does not fit.
    pub reason: String,
}

/// Something that was tried on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dialogue {
    /// What was tried and where, such as `587/inet: AUTH PLAIN after STARTTLS`.
    pub name: String,
    /// The transcript.
    pub transcript: Vec<String>,
}

/// What an administrator should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// A name that stays, such as `password-in-clear`.
    pub id: String,
    /// Whether it was seen to be so.
    pub kind: Kind,
    /// What is so, in one sentence.
    pub what: String,
    /// Why it matters, in one sentence.
    pub reason: String,
    /// Lines of `.mc` to paste; may be empty where lines are to be taken out.
    pub remedy: String,
    /// The RFC's section, or the section of sendmail's documentation.
    pub source: String,
    /// Where it stands in the `.mc`; none where it is something that is missing.
    pub place: Option<Place>,
}

/// How sure an advice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Seen on the wire or in the `.cf`.
    Fault,
    /// Likely, from the text of the `.mc` alone.
    Hint,
}

/// Which changed lines make a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bisection {
    /// The difference that was looked for.
    pub difference: String,
    /// Changed lines that make it together, none of which can be left out.
    pub lines: Vec<Change>,
    /// Whether it is certain that none can be left out; otherwise the bound of the search was reached.
    pub minimal: bool,
    /// How many changed lines there are.
    pub among: usize,
    /// How many configurations were built.
    pub built: usize,
    /// How many servers were started.
    pub started: usize,
}

/// A line that one of two configurations has and the other has not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Whether it came in or was taken out.
    pub side: Side,
    /// Where it stands, in the file that has it.
    pub place: Place,
}

/// Which of two configurations has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The older one: the line was taken out.
    TakenOut,
    /// The newer one: the line came in.
    CameIn,
}
