//! Paths and names that may come from a hostile file.

/// Whether something may be made at a path.
pub(super) fn allowed(path: &str) -> bool {
    let below = |root: &str| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let parts = path.split('/').skip(1);
    path.len() < LONGEST
        && ROOTS.iter().any(|root| below(root))
        && !path.chars().any(|c| c.is_control() || c.is_whitespace())
        && parts
            .into_iter()
            .all(|part| !["", ".", ".."].contains(&part))
}

/// The folder that a queue needs: `mqueue/q*` stands for every folder with such a name.
pub(super) fn queue(path: &str) -> String {
    match path.strip_suffix('*') {
        Some(start) => format!("{start}1"),
        None => path.trim_end_matches('/').to_owned(),
    }
}

/// Class and path of an alias file.
pub(super) fn aliases(file: &str) -> (&str, &str) {
    match file.split_once(':') {
        Some((class, path)) => {
            let class = class.split_whitespace().next().unwrap_or("hash");
            let words = path.split_whitespace();
            (
                class,
                words
                    .into_iter()
                    .find(|word| !word.starts_with('-'))
                    .unwrap_or_default(),
            )
        }
        None => ("hash", file),
    }
}

/// Where a program stands: the short names of Debian's folders are links.
pub(super) fn program(path: &str) -> String {
    let short = ["/bin/", "/sbin/", "/lib/"]
        .iter()
        .any(|folder| path.starts_with(folder));
    match short {
        true => format!("/usr{path}"),
        false => path.to_owned(),
    }
}

/// Whether a user may be made by this name.
pub(super) fn user(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 32
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Where things may be made.
pub(super) const ROOTS: &[&str] = &[
    "/etc", "/var", "/usr", "/opt", "/run", "/srv", "/home", "/tmp",
];

/// Folders of the image, which nobody has to make.
pub(super) const ALWAYS_THERE: &[&str] = &[
    "/etc/mail",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/libexec",
    "/usr/libexec/sendmail",
    "/var/lib",
    "/var/lib/sendmail",
    "/var/log",
    "/var/mail",
    "/var/run",
    "/var/run/sendmail/mta",
    "/var/spool",
    "/var/spool/mqueue",
];

/// Users of the image.
pub(super) const USERS: &[&str] = &[
    "root", "daemon", "bin", "mail", "nobody", "smmta", "smmsp", "uucp", "www-data",
];

/// Programs of the image that mailers run.
pub(super) const PROGRAMS: &[&str] = &[
    "/usr/bin/sh",
    "/usr/bin/procmail",
    "/usr/sbin/sensible-mda",
    "/usr/libexec/sendmail/mail.local",
    "/usr/libexec/sendmail/smrsh",
];

/// What the container's own check allows.
const LONGEST: usize = 1024;
