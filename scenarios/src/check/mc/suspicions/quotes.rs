//! Quotes of the wrong kind, quotes that are missing, and text that m4 copies into the `.cf`.

use super::{
    super::{Mc, Statement, macros},
    Found, names,
};

/// Macros whose arguments are names and values, never text with apostrophes of its own.
const PLAIN: &[&str] = &[
    "CLIENT_OPTIONS",
    "DAEMON_OPTIONS",
    "DOMAIN",
    "EXPOSED_USER",
    "FEATURE",
    "INPUT_MAIL_FILTER",
    "LOCAL_DOMAIN",
    "MAILER",
    "MASQUERADE_AS",
    "MASQUERADE_DOMAIN",
    "OSTYPE",
    "TRUST_AUTH_MECH",
    "VIRTUSER_DOMAIN",
    "define",
    "include",
    "sinclude",
    "undefine",
];

/// Macros that read one argument and nothing else.
const ONE_ARGUMENT: &[&str] = &["CLIENT_OPTIONS", "DAEMON_OPTIONS", "TRUST_AUTH_MECH"];

/// Acute accent and the quotes of printed text.
const PRINTED: [char; 6] = ['´', '‘', '’', '“', '”', '\u{fffd}'];

pub(super) fn unclosed(mc: &Mc) -> Vec<Found> {
    let Some(unclosed) = &mc.unclosed else {
        return Vec::new();
    };
    let line = mc.place(unclosed.line, unclosed.line).text;
    let whose = match unclosed.name.as_str() {
        "" => String::new(),
        name => format!(" of {name}(…)"),
    };
    let seen = match unclosed.what {
        "quote" if line.contains(PRINTED) => ": it ends with another character than '",
        "quote" if line.matches('`').count() > line.matches('\'').count() + 1 => {
            ": it ends with ` in place of '"
        }
        _ => "",
    };
    let remedy = match unclosed.what {
        _ if unclosed.name.is_empty() => None,
        "quote" => repaired(&line),
        _ => closed(&line),
    };
    vec![Found {
        what: format!(
            "the {}{whose} that begins here is never closed{seen}",
            unclosed.what
        ),
        remedy: remedy.unwrap_or_default(),
        first: unclosed.line,
        last: unclosed.line,
    }]
}

/// The line with one pair of quotes around every argument, whatever they were.
fn repaired(line: &str) -> Option<String> {
    let (name, rest) = line.trim().split_once('(')?;
    let (inside, _) = rest.rsplit_once(')')?;
    let pieces: Vec<_> = match name {
        name if ONE_ARGUMENT.contains(&name) => vec![inside],
        "define" => inside.splitn(2, ',').collect(),
        _ => inside.split(',').collect(),
    };
    let arguments: Vec<_> = pieces.iter().map(|piece| quoted(piece)).collect();
    Some(names::call(name, &arguments))
}

/// The line with a parenthesis before its `dnl`, where it has none.
fn closed(line: &str) -> Option<String> {
    let call = line.trim().split("dnl").next()?.trim_end();
    (call.contains('(') && !call.contains(')')).then(|| format!("{call})dnl"))
}

/// An argument in the quotes of m4, whatever stood around it.
fn quoted(argument: &str) -> String {
    let quote = |c: char| PRINTED.contains(&c) || matches!(c, '`' | '\'' | '"');
    format!("`{}'", argument.trim().trim_matches(quote))
}

/// An argument that holds the beginning of another call on a line of its own.
pub(super) fn too_long(mc: &Mc) -> Vec<Found> {
    let mut found = Vec::new();
    for statement in plain(mc).filter(|statement| statement.first < statement.last) {
        let value = statement.argument(0).starts_with("conf") || statement.name != "define";
        let swallowed = statement
            .written
            .iter()
            .filter(|written| written.contains('\n'))
            .flat_map(|written| written.lines().skip(1))
            .find(|line| begins_call(line));
        if let (true, Some(line)) = (value, swallowed) {
            found.push(Found::at(
                statement,
                format!(
                    "a quote that begins in this {} is not closed before the line {}",
                    statement.name,
                    line.trim()
                ),
                String::new(),
            ));
        }
    }
    found
}

fn begins_call(line: &str) -> bool {
    line.split_once('(').is_some_and(|(name, _)| {
        matches!(name, "define" | "undefine" | "include") || macros::SENDMAIL.contains(&name)
    })
}

pub(super) fn wrong(mc: &Mc) -> Vec<Found> {
    let mut found = Vec::new();
    for statement in plain(mc) {
        let marks: Vec<_> = statement
            .written
            .iter()
            .enumerate()
            .filter_map(|(index, written)| wrong_mark(statement, index, written))
            .collect();
        if let Some(mark) = marks.first() {
            // Where the quotes are none, commas have cut one argument into several.
            let single = ONE_ARGUMENT.contains(&statement.name.as_str());
            let pieces = if single {
                vec![statement.written.join(", ")]
            } else {
                statement.written.clone()
            };
            let arguments: Vec<_> = pieces.iter().map(|piece| quoted(piece)).collect();
            found.push(Found::at(
                statement,
                format!(
                    "{mark} is no quote of m4's: an argument of {} begins with ` and ends with '",
                    statement.name
                ),
                names::call(&statement.name, &arguments),
            ));
        }
    }
    found
}

/// The character that an argument begins with in place of a quote.
fn wrong_mark(statement: &Statement, index: usize, written: &str) -> Option<char> {
    let mark = written.chars().next()?;
    let quotes = match mark {
        // Replies and headers may be meant to hold it.
        '"' => {
            index == 0
                || (statement.name == "define" && names::known("option", statement.argument(0)))
        }
        '\'' => true,
        other => PRINTED.contains(&other),
    };
    let text = statement.name == "define" && statement.argument(0).ends_with("_MSG");
    (quotes && !(mark == '"' && text)).then_some(mark)
}

pub(super) fn arguments_lost(mc: &Mc) -> Vec<Found> {
    mc.statements
        .iter()
        .filter(|statement| ONE_ARGUMENT.contains(&statement.name.as_str()))
        .filter(|statement| statement.arguments.len() > 1 && !has_wrong_mark(statement))
        .map(|statement| {
            let whole = statement.arguments.join(", ");
            Found::at(
                statement,
                format!(
                    "{} reads only \"{}\": the rest stands outside of the quotes",
                    statement.name,
                    statement.argument(0)
                ),
                names::call(&statement.name, &[format!("`{whole}'")]),
            )
        })
        .collect()
}

fn has_wrong_mark(statement: &Statement) -> bool {
    let mut written = statement.written.iter().enumerate();
    written.any(|(index, written)| wrong_mark(statement, index, written).is_some())
}

pub(super) fn unquoted_name(mc: &Mc) -> Vec<Found> {
    mc.find("define")
        .filter(|statement| {
            let name = statement.argument(0);
            names::known("option", name) && statement.written.first().is_some_and(|w| w == name)
        })
        .map(|statement| {
            let name = statement.argument(0);
            let value = statement.written.get(1).cloned().unwrap_or_default();
            let value = match value.starts_with('`') {
                true => value,
                false => format!("`{value}'"),
            };
            Found::at(
                statement,
                format!("the name {name} stands without quotes"),
                names::call("define", &[format!("`{name}'"), value]),
            )
        })
        .collect()
}

/// Text in the main part that is no line of a `.cf`.
pub(super) fn text_in_cf(mc: &Mc) -> Vec<Found> {
    let text = mc
        .statements
        .iter()
        .filter(|statement| statement.name.is_empty() && statement.part.is_none());
    text.filter_map(|statement| {
        let text = statement.argument(0);
        if text.chars().all(|c| matches!(c, '`' | '\'')) || is_own_macro(mc, text) {
            return None;
        }
        let line = mc.place(statement.first, statement.first).text;
        let after_call = !line.trim_start().starts_with(text.lines().next()?);
        if !after_call && is_cf(text) {
            return None;
        }
        let (what, remedy) = if after_call {
            let call = line.find(text.lines().next()?).map_or("", |at| &line[..at]);
            (
                format!("\"{text}\" after the call is not preceded by dnl"),
                format!(
                    "{}dnl {}",
                    call.trim_end(),
                    text.trim_start_matches("ndl").trim_start()
                ),
            )
        } else {
            (
                format!("\"{text}\" is neither a macro nor a comment"),
                format!("dnl {text}"),
            )
        };
        Some(Found::at(statement, what, remedy.trim_end().to_owned()))
    })
    .collect()
}

/// Whether text begins with the name of a macro that the file defines.
fn is_own_macro(mc: &Mc, text: &str) -> bool {
    let name = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next();
    name.is_some_and(|name| mc.define(name).is_some())
}

/// Whether text looks like a line of a `.cf`, not like one of an explanation.
fn is_cf(text: &str) -> bool {
    let mut characters = text.chars();
    let command = characters.next().unwrap_or(' ');
    let rest = characters.as_str();
    let one_word = !rest.trim_end().contains([' ', '\t']);
    match command {
        'D' | 'E' => one_word || rest.contains('$') || rest.starts_with('{'),
        'C' => {
            one_word
                || rest.starts_with('{')
                || rest.starts_with(['w', 'P', 'R', 'V', 'G', 'M', 'N'])
        }
        'F' => one_word || rest.contains('/'),
        'K' | 'X' | 'M' => rest.contains(['/', ',', '=']) || rest.split_whitespace().count() >= 2,
        'H' => rest.contains(':'),
        'O' => rest.starts_with(' ') && rest.contains('='),
        'R' => rest.starts_with('$') || rest.contains('\t'),
        'S' | 'P' | 'V' | 'T' | 'Q' | 'L' => one_word,
        _ => false,
    }
}

fn plain(mc: &Mc) -> impl Iterator<Item = &Statement> {
    mc.statements
        .iter()
        .filter(|statement| PLAIN.contains(&statement.name.as_str()))
}
