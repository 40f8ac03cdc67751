//! What is installed in a container.

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
