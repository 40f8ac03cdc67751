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
    /// What the configuration promises, topic by topic.
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

impl Advice {
    /// Whether the remedy takes the place of what stands there: beside it, it would be a second listener on the
    /// same socket, or a value that the other one overrides.
    pub fn replaces(&self) -> bool {
        let Some(place) = &self.place else {
            return false;
        };
        // What has to move in front of a MAILER does not stay where it is.
        let moves = self.remedy.lines().any(|line| line.starts_with("MAILER("));
        let mut theirs = self.remedy.lines().filter(|line| !adds(line, &place.text));
        let its = subject(&place.text);
        !moves && its.is_some() && theirs.any(|line| subject(line) == its)
    }
}

/// What a statement sets, where a second one of it would not be another thing.
fn subject(statement: &str) -> Option<&str> {
    let (name, arguments) = statement.trim_start().split_once('(')?;
    match name {
        "DAEMON_OPTIONS" | "INPUT_MAIL_FILTER" | "TRUST_AUTH_MECH" => Some(name),
        "define" => {
            let option = arguments.split([',', ')']).next()?;
            let option = option.trim_matches(['`', '\'', ' ']);
            option.starts_with("conf").then_some(option)
        }
        _ => None,
    }
}

/// Whether a line is a listener over IPv6 beside one over IPv4.
fn adds(line: &str, beside: &str) -> bool {
    let over_ipv6 = |text: &str| text.to_ascii_lowercase().contains("family=inet6");
    let over_ipv4 = |text: &str| {
        let text = text.to_ascii_lowercase().replace(' ', "");
        !text.contains("family=") || text.contains("family=inet,") || text.contains("family=inet'")
    };
    over_ipv6(line) && over_ipv4(beside)
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const MSA: &str = "DAEMON_OPTIONS(`Family=inet, Port=587, Name=MSA, M=E')dnl";

    #[rstest]
    #[case::listener(MSA, "DAEMON_OPTIONS(`Port=587, Name=MSA, M=Ea')dnl\n", true)]
    #[case::with_a_feature(
        MSA,
        "FEATURE(`no_default_msa')dnl\nDAEMON_OPTIONS(`Port=587')dnl\n",
        true
    )]
    #[case::feature(MSA, "FEATURE(`no_default_msa')dnl\n", false)]
    #[case::ipv6_beside_ipv4(
        MSA,
        "DAEMON_OPTIONS(`Family=inet6, Name=MSA-v6, Port=587')dnl\n",
        false
    )]
    #[case::ipv6(
        "DAEMON_OPTIONS(`Family=inet6, M=O')",
        "DAEMON_OPTIONS(`Family=inet6')dnl\n",
        true
    )]
    #[case::misspelt_family(
        "DAEMON_OPTIONS(`Family=ipv6')",
        "DAEMON_OPTIONS(`Family=inet6')dnl\n",
        true
    )]
    #[case::option(
        "define(`confLOG_LEVEL', `9')",
        "define(`confLOG_LEVEL', `14')dnl\n",
        true
    )]
    #[case::other(
        "define(`confLOG_LEVEL', `9')",
        "define(`confAUTH_OPTIONS', `A p')dnl\n",
        false
    )]
    #[case::moved(
        "define(`confLOG_LEVEL', `9')",
        "define(`confLOG_LEVEL', `9')dnl\nMAILER(`smtp')dnl\n",
        false
    )]
    #[case::mechanisms(
        "TRUST_AUTH_MECH(`PLAIN')dnl",
        "TRUST_AUTH_MECH(`LOGIN PLAIN')dnl\n",
        true
    )]
    #[case::nothing(MSA, "", false)]
    fn a_remedy_takes_the_place_of_what_it_names(
        #[case] text: &str,
        #[case] remedy: &str,
        #[case] replaces: bool,
    ) {
        let place = Place {
            file: "site.mc".to_owned(),
            first: 3,
            last: 3,
            text: text.to_owned(),
        };
        let mut advice = Advice {
            id: String::new(),
            kind: Kind::Fault,
            what: String::new(),
            reason: String::new(),
            remedy: remedy.to_owned(),
            source: String::new(),
            place: Some(place),
        };
        assert_eq!(advice.replaces(), replaces);
        advice.place = None;
        assert!(!advice.replaces());
    }
}
