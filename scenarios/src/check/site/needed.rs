//! Whether a text names a file.

/// Whether an `.mc` or a `.cf` names a file of the folder: as /etc/mail/NAME, or as what is included.
/// A map is named without the `.db` of its file; a folder is named by any file in it.
pub(super) fn names(text: &str, name: &str) -> bool {
    let name = name.strip_suffix(".db").unwrap_or(name);
    text.lines()
        .filter(|line| !is_comment(line))
        .any(|line| in_etc_mail(line, name) || included(line, name))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    let dnl = line.strip_prefix("dnl");
    line.starts_with('#') || dnl.is_some_and(|rest| !rest.starts_with(is_of_name))
}

fn in_etc_mail(line: &str, name: &str) -> bool {
    let path = format!("/etc/mail/{name}");
    line.match_indices(&path)
        .any(|(at, _)| ends(&line[at + path.len()..]))
}

fn included(line: &str, name: &str) -> bool {
    line.match_indices("include(").any(|(at, call)| {
        let argument = line[at + call.len()..].trim_start_matches([' ', '\t', '`']);
        let argument = argument.strip_prefix("./").unwrap_or(argument);
        argument.strip_prefix(name).is_some_and(ends)
    })
}

/// Whether a name ends here: `access` is not named by `access_db`, nor by `access.old`.
fn ends(rest: &str) -> bool {
    let rest = rest.strip_prefix(".db").unwrap_or(rest);
    match rest.strip_prefix('.') {
        Some(sentence) => !sentence.starts_with(is_of_name),
        None => !rest.starts_with(is_of_name),
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '~')
}
