//! What is installed in a container.

use jiff::Timestamp;

use super::member::Member;

/// The system and the packages, as far as the image can tell: an image without dpkg has none.
pub(super) fn of(server: &Member, packages: &[String]) -> Vec<(String, String)> {
    let said = |command: &[&str]| match server.exec(command) {
        Ok(output) => output.stdout,
        Err(_) => String::new(),
    };
    let mut versions: Vec<_> = system(&said(&["cat", "/etc/os-release"]))
        .into_iter()
        .collect();
    if !packages.is_empty() {
        let mut query = vec!["dpkg-query", "-W", "-f", "${Package} ${Version}\\n"];
        query.extend(packages.iter().map(String::as_str));
        let installed = said(&query);
        let pairs = installed.lines().filter_map(|line| line.split_once(' '));
        versions.extend(pairs.map(|(name, version)| (name.to_owned(), version.to_owned())));
    }
    versions
}

/// The static program: what it says of itself, where it can be called by its name, and when it was made.
pub(super) fn of_program(
    server: &Member,
    name: &str,
    made: Option<Timestamp>,
) -> Vec<(String, String)> {
    let said = server.exec(&[name, "--version"]).ok();
    let said = said.filter(|output| output.status == 0);
    let version = said.as_ref().and_then(|output| {
        let line = output.stdout.lines().next()?.trim();
        let version = line.strip_prefix(name).unwrap_or(line).trim();
        Some((name.to_owned(), version.to_owned()))
    });
    let made = made.map(|made| ("static program".to_owned(), format!("{made:.0}")));
    version.into_iter().chain(made).collect()
}

/// Name and version in os-release(5).
fn system(release: &str) -> Option<(String, String)> {
    let value = |key: &str| {
        let mut lines = release.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(value.trim_matches('"').to_owned())
    };
    Some((
        value("ID")?,
        value("VERSION").or_else(|| value("VERSION_ID"))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_read() {
        let debian =
            "PRETTY_NAME=\"Debian\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n";
        let expected = ("debian".to_owned(), "12 (bookworm)".to_owned());
        assert_eq!(system(debian), Some(expected));
        assert_eq!(system("ID=scratch\n"), None);
    }
}
