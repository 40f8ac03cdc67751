//! What an engine builds an image from: files, their digest, and the archive that carries them.

use std::collections::BTreeMap;

use msaspec_fixtures::Dir;
use sha2::{Digest, Sha256};

use super::source::{KNOWN, SETTINGS};

/// The files of a build by their paths, as they are and nothing about when they were written.
#[derive(Debug, Default)]
pub(super) struct Context(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    kind: Kind,
    /// A file's contents, or where a link leads.
    contents: Vec<u8>,
}

/// The numbers are digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File = 0,
    Program = 1,
    Link = 2,
}

impl Context {
    /// A folder in this program.
    pub(super) fn of_embedded(folder: &Dir<'_>) -> Context {
        let mut context = Context::default();
        context.unpack(folder, "");
        context
    }

    /// Puts a file in, in the place of one with the same path.
    pub(super) fn insert(&mut self, path: &str, contents: Vec<u8>, executable: bool) {
        if is_ours(path) {
            return;
        }
        // The file's mode may have been lost on its way here; a script says that it is one.
        let kind = match executable || contents.starts_with(b"#!") {
            true => Kind::Program,
            false => Kind::File,
        };
        self.0.insert(path.to_owned(), Entry { kind, contents });
    }

    /// Puts a symbolic link in, which leads to `target` as it is written.
    pub(super) fn link(&mut self, path: &str, target: &str) {
        let contents = target.as_bytes().to_vec();
        let kind = Kind::Link;
        self.0.insert(path.to_owned(), Entry { kind, contents });
    }

    /// The text of the Dockerfile.
    pub(super) fn dockerfile(&self) -> Option<&str> {
        let file = self.0.get("Dockerfile")?;
        let text = std::str::from_utf8(&file.contents).ok();
        text.filter(|_| file.kind != Kind::Link)
    }

    /// The SHA-256 of paths, modes and contents, in hexadecimal digits.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (path, entry) in &self.0 {
            for part in [path.as_bytes(), &[entry.kind as u8], &entry.contents] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        let digest = digest.finalize();
        digest.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// A tar archive; its dates are all the same, so that the engine's cache can be used.
    pub(super) fn archive(&self) -> std::io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, entry) in &self.0 {
            let mut header = tar::Header::new_gnu();
            header.set_mode(match entry.kind {
                Kind::File => 0o644,
                Kind::Program => 0o755,
                Kind::Link => 0o777,
            });
            if entry.kind == Kind::Link {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                let target = String::from_utf8_lossy(&entry.contents);
                archive.append_link(&mut header, path, &*target)?;
            } else {
                header.set_size(entry.contents.len() as u64);
                archive.append_data(&mut header, path, entry.contents.as_slice())?;
            }
        }
        archive.into_inner()
    }

    fn unpack(&mut self, folder: &Dir<'_>, beneath: &str) {
        for file in folder.files() {
            let name = file.path().file_name().unwrap_or_default();
            let name = format!("{beneath}{}", name.to_string_lossy());
            self.insert(&name, file.contents().to_vec(), false);
        }
        for inner in folder.dirs() {
            let name = inner.path().file_name().unwrap_or_default();
            self.unpack(inner, &format!("{beneath}{}/", name.to_string_lossy()));
        }
    }
}

/// What we read ourselves is no part of the image: a new known deviation builds nothing anew, nor does a
/// site's configuration or what was accepted of one.
pub(super) fn is_ours(path: &str) -> bool {
    let accepted = |folder: &str| folder.ends_with(".expect");
    [SETTINGS, KNOWN, ".gitignore"].contains(&path)
        || path.starts_with(SITES)
        || path
            .rsplit_once('/')
            .is_some_and(|(folders, _)| folders.split('/').any(accepted))
}

/// Configurations that are put into a running container.
const SITES: &str = "sites/";

#[cfg(test)]
mod tests {
    use super::*;

    fn context(files: &[(&str, &str, bool)]) -> Context {
        let mut context = Context::default();
        for (path, contents, executable) in files {
            context.insert(path, contents.as_bytes().to_vec(), *executable);
        }
        context
    }

    #[test]
    fn the_digest_is_that_of_what_is_built() {
        let digest = context(&[("a", "1", false), ("b", "2", false)]).digest();
        assert_eq!(digest.len(), 64);
        let same = context(&[
            ("b", "2", false),
            ("a", "1", false),
            (KNOWN, "x", false),
            ("sites/debian/access", "x", false),
            ("origin.expect/facts.toml", "x", false),
        ]);
        assert_eq!(digest, same.digest());
        for other in [
            context(&[("a", "1", false), ("b", "3", false)]),
            context(&[("a", "1", false), ("c", "2", false)]),
            context(&[("a", "1", true), ("b", "2", false)]),
            context(&[("a", "1b", false), ("", "2", false)]),
            context(&[("a", "1", false), ("b", "2", false), ("sites", "x", false)]),
        ] {
            assert_ne!(digest, other.digest());
        }
    }

    #[test]
    fn the_archive_holds_the_files_with_their_modes() {
        let archive = context(&[
            ("Dockerfile", "FROM x", false),
            ("in/run", "#!/bin/sh", false),
        ]);
        let archive = archive.archive().unwrap();
        let mut archive = tar::Archive::new(archive.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap())
        });
        let expected = [("Dockerfile", 0o644), ("in/run", 0o755)];
        let expected: Vec<_> = expected.map(|(path, mode)| (path.to_owned(), mode)).into();
        assert_eq!(entries.collect::<Vec<_>>(), expected);
    }
}
