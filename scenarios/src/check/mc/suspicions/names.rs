//! Names that sendmail's m4 files do not know, or no longer want.

use std::collections::BTreeSet;

use super::{
    super::{Mc, Statement, macros},
    Found,
};

const NAMES: &str = include_str!("../names.txt");

/// How alike two names have to be for one to be a misspelt other.
const ALIKE: f64 = 0.88;

/// Names longer than this are not compared.
const LONGEST: usize = 64;

/// Whether sendmail's m4 files know a name of this kind (`option`, `feature`, `mailer`, `ostype`).
pub(super) fn known(kind: &str, name: &str) -> bool {
    of(kind).any(|known| known == name)
}

/// The macros that an OSTYPE defines, whatever they were before.
pub(super) fn set_by(ostype: &str) -> impl Iterator<Item = &'static str> {
    let line = of("sets").find(|line| line.split(' ').next() == Some(ostype));
    line.into_iter().flat_map(|line| line.split(' ').skip(1))
}

fn of(kind: &str) -> impl Iterator<Item = &'static str> {
    let kind = kind.to_owned();
    NAMES.lines().filter_map(move |line| {
        let (of, name) = line.split_once(' ')?;
        (of == kind).then_some(name)
    })
}

/// The name that this one is most like.
pub(super) fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let alike = among.map(|known| (strsim::jaro_winkler(name, known), known));
    alike
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

pub(super) fn unknown_macro(mc: &Mc) -> Vec<Found> {
    let own: BTreeSet<_> = mc
        .statements
        .iter()
        .filter(|statement| matches!(statement.name.as_str(), "define" | "pushdef"))
        .map(|statement| statement.argument(0))
        .collect();
    let unknown = mc.statements.iter().filter(|statement| {
        let name = statement.name.as_str();
        !name.contains(|c: char| c.is_ascii_lowercase())
            && !name.is_empty()
            && !macros::SENDMAIL.contains(&name)
            && !macros::PARTS.contains(&name)
            && !own.contains(name)
    });
    unknown
        .filter_map(|statement| {
            let name = nearest(&statement.name, macros::SENDMAIL.iter().copied())?;
            Some(Found::at(
                statement,
                format!("{} is no macro of sendmail's; {name} is", statement.name),
                call(name, &statement.written),
            ))
        })
        .take(super::AT_MOST)
        .collect()
}

pub(super) fn unknown_option(mc: &Mc) -> Vec<Found> {
    let unknown = mc.find("define").filter(|statement| {
        let name = statement.argument(0);
        // A name that is used elsewhere in the file is one of the site's own.
        name.starts_with("conf")
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !known("option", name)
            && occurrences(&mc.text, name) < 2
    });
    unknown
        .take(super::AT_MOST)
        .map(|statement| {
            let name = statement.argument(0);
            let near = nearest(name, of("option"));
            let (what, remedy) = match near {
                Some(near) => (
                    format!("sendmail's m4 files have no {name}; they have {near}"),
                    call("define", &[format!("`{near}'"), written(statement, 1)]),
                ),
                None => (format!("sendmail's m4 files have no {name}"), String::new()),
            };
            Found::at(statement, what, remedy)
        })
        .collect()
}

pub(super) fn unknown_feature(mc: &Mc) -> Vec<Found> {
    let unknown = mc.find("FEATURE").filter(|statement| {
        let name = statement.argument(0);
        !known("feature", name) && !name.contains(['/', '\'', '"'])
    });
    unknown
        .filter_map(|statement| {
            let name = statement.argument(0);
            let near = nearest(name, of("feature"))?;
            let mut arguments = statement.written.clone();
            *arguments.first_mut()? = format!("`{near}'");
            Some(Found::at(
                statement,
                format!("sendmail has no FEATURE({name}); it has {near}"),
                call("FEATURE", &arguments),
            ))
        })
        .take(super::AT_MOST)
        .collect()
}

/// What is deprecated: the macro, its first argument, what is so, and what to write instead.
const DEPRECATED: &[(&str, &str, &str, &str)] = &[
    (
        "FEATURE",
        "blacklist_recipients",
        "FEATURE(blacklist_recipients) is now called blocklist_recipients",
        "FEATURE(`blocklist_recipients')dnl",
    ),
    (
        "FEATURE",
        "tls_failures",
        "FEATURE(tls_failures) was replaced by an option",
        "define(`confTLS_FALLBACK_TO_CLEAR', `true')dnl",
    ),
    (
        "FEATURE",
        "rbl",
        "FEATURE(rbl) is gone, and so is the list that it asked; dnsbl takes the name of one",
        "FEATURE(`dnsbl', `zen.spamhaus.org')dnl",
    ),
    (
        "define",
        "confAUTO_REBUILD",
        "confAUTO_REBUILD is no longer valid: run newaliases after a change of the aliases",
        "",
    ),
    (
        "define",
        "confDEF_GROUP_ID",
        "confDEF_GROUP_ID is obsolete: the group follows the user in confDEF_USER_ID",
        "define(`confDEF_USER_ID', `mail:mail')dnl",
    ),
    (
        "define",
        "confREAD_TIMEOUT",
        "confREAD_TIMEOUT is obsolete: every command has its own confTO_ option",
        "define(`confTO_COMMAND', `1h')dnl",
    ),
    (
        "define",
        "confMESSAGE_TIMEOUT",
        "confMESSAGE_TIMEOUT is obsolete: it became two options",
        "define(`confTO_QUEUERETURN', `5d')dnl\ndefine(`confTO_QUEUEWARN', `4h')dnl",
    ),
    (
        "define",
        "confDAEMON_OPTIONS",
        "confDAEMON_OPTIONS is no longer valid: each listener has a DAEMON_OPTIONS of its own",
        "DAEMON_OPTIONS(`Name=MTA, Port=smtp')dnl",
    ),
    (
        "define",
        "confCLIENT_OPTIONS",
        "confCLIENT_OPTIONS is no longer valid: CLIENT_OPTIONS is the macro",
        "CLIENT_OPTIONS(`Family=inet')dnl",
    ),
    (
        "define",
        "confUNSAFE_GROUP_WRITES",
        "confUNSAFE_GROUP_WRITES is deprecated: confDONT_BLAME_SENDMAIL says what is allowed",
        "define(`confDONT_BLAME_SENDMAIL', `GroupWritableForwardFileSafe')dnl",
    ),
];

pub(super) fn deprecated(mc: &Mc) -> Vec<Found> {
    let mut found = Vec::new();
    for statement in &mc.statements {
        let first = statement.argument(0);
        for (name, argument, what, remedy) in DEPRECATED {
            if statement.name == *name && first == *argument {
                found.push(Found::at(
                    statement,
                    (*what).to_owned(),
                    (*remedy).to_owned(),
                ));
            }
        }
        if statement.name == "FEATURE"
            && matches!(first, "dnsbl" | "enhdnsbl")
            && statement.argument(1).is_empty()
        {
            found.push(Found::at(
                statement,
                format!("FEATURE({first}) has to be told which list to ask; the one it once asked is gone"),
                format!("FEATURE(`{first}', `zen.spamhaus.org')dnl"),
            ));
        }
    }
    found
}

/// How often a name stands in a text as a whole word.
fn occurrences(text: &str, name: &str) -> usize {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name)
        .filter(|(at, _)| {
            !text[..*at].ends_with(part_of_name)
                && !text[at + name.len()..].starts_with(part_of_name)
        })
        .count()
}

fn written(statement: &Statement, index: usize) -> String {
    statement.written.get(index).cloned().unwrap_or_default()
}

/// A call as it is to be pasted.
pub(super) fn call(name: &str, arguments: &[String]) -> String {
    format!("{name}({})dnl", arguments.join(", "))
}
