//! One line of a `.cf` after another.

use super::{ClassFile, Mailer, Map, Milter};

/// The lines without comments; what begins with a blank continues the line before.
pub(super) fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        if line.starts_with('#') {
            continue;
        }
        let kept = without_comment(line).trim_end();
        let continued = kept.trim_start();
        if continued.is_empty() {
            continue;
        }
        match lines.last_mut() {
            Some(before) if continued.len() < kept.len() => {
                before.push('\t');
                before.push_str(continued);
            }
            _ => lines.push(kept.to_owned()),
        }
    }
    lines
}

/// A number sign begins a comment, unless it is the `$#` of a rule or is written `\#`.
fn without_comment(line: &str) -> &str {
    let mut before = '#';
    for (place, character) in line.char_indices() {
        if character == '#' && before != '$' && before != '\\' {
            return line.get(..place).unwrap_or(line);
        }
        before = character;
    }
    line
}

/// The name of a macro or a class, which is a letter or stands in braces, and what follows.
pub(super) fn named(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('{') {
        return rest.split_once('}');
    }
    let length = text.chars().next()?.len_utf8();
    text.split_at_checked(length)
}

/// The members that a line adds to a class.
pub(super) fn members<'a>(line: &'a str, class: &str) -> Option<Vec<&'a str>> {
    let (name, members) = named(line.strip_prefix('C')?)?;
    (name == class).then(|| members.split_whitespace().collect())
}

pub(super) fn class_file(text: &str) -> Option<ClassFile> {
    let (class, rest) = named(text)?;
    let mut rest = rest.trim_start();
    let mut optional = false;
    if let Some(after) = rest
        .strip_prefix("-o")
        .filter(|after| after.starts_with([' ', '\t']))
    {
        optional = true;
        rest = after.trim_start();
    }
    let (path, format) = match rest.split_once([' ', '\t']) {
        Some((path, format)) if !path.starts_with('|') => (path, Some(format.trim().to_owned())),
        _ => (rest, None),
    };
    (!path.is_empty()).then(|| ClassFile {
        class: class.to_owned(),
        path: path.to_owned(),
        optional,
        format,
    })
}

pub(super) fn map(line: &str) -> Option<Map> {
    let mut words = line.strip_prefix('K')?.split_whitespace().peekable();
    let name = words.next()?.to_owned();
    let class = words.next()?.to_owned();
    let mut flags = Vec::new();
    while let Some(flag) = words.next_if(|word| word.starts_with('-')) {
        flags.push(flag.to_owned());
    }
    Some(Map {
        name,
        class,
        flags,
        argument: words.collect::<Vec<_>>().join(" "),
        line: line.to_owned(),
    })
}

pub(super) fn mailer(line: &str) -> Option<Mailer> {
    let (name, fields) = line.strip_prefix('M')?.split_once(',')?;
    let arguments = value(fields, 'A').unwrap_or_default();
    Some(Mailer {
        name: name.trim().to_owned(),
        path: value(fields, 'P').unwrap_or_default().to_owned(),
        flags: value(fields, 'F').unwrap_or_default().to_owned(),
        arguments: arguments.split_whitespace().map(str::to_owned).collect(),
        line: line.to_owned(),
    })
}

pub(super) fn milter(line: &str) -> Option<Milter> {
    let (name, fields) = line.strip_prefix('X')?.split_once(',')?;
    Some(Milter {
        name: name.trim().to_owned(),
        socket: value(fields, 'S').unwrap_or_default().to_owned(),
        flag: value(fields, 'F').and_then(|flag| flag.chars().next()),
        line: line.to_owned(),
    })
}

/// The value of a field; only the first letter of its key counts.
fn value(fields: &str, key: char) -> Option<&str> {
    let mut fields = fields.split(',').filter_map(|field| field.split_once('='));
    let (_, value) = fields.find(|(found, _)| found.trim_start().starts_with(key))?;
    Some(value.trim())
}
