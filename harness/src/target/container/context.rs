//! What an engine builds an image from: files, their digest, and the archive that carries them.

use std::{collections::BTreeMap, path::Path};

use msaspec_fixtures::Dir;
use sha2::{Digest, Sha256};

use super::source::{KNOWN, SETTINGS};
use crate::error::Error;

/// The files of a build by their paths, as they are and nothing about when they were written.
#[derive(Debug, Default)]
pub(super) struct Context(BTreeMap<String, File>);

#[derive(Debug)]
struct File {
    contents: Vec<u8>,
    executable: bool,
}

impl Context {
    /// A folder on this machine, with the folders in it.
    pub(super) fn of_folder(path: &Path) -> Result<Context, Error> {
        let mut context = Context::default();
        context.read(path, "")?;
        Ok(context)
    }

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
        let executable = executable || contents.starts_with(b"#!");
        let file = File {
            contents,
            executable,
        };
        self.0.insert(path.to_owned(), file);
    }

    /// The text of the Dockerfile.
    pub(super) fn dockerfile(&self) -> Option<&str> {
        let file = self.0.get("Dockerfile")?;
        std::str::from_utf8(&file.contents).ok()
    }

    /// The images that the Dockerfile begins with.
    pub(super) fn bases(&self) -> impl Iterator<Item = &str> {
        let lines = self.dockerfile().unwrap_or_default().lines();
        lines.filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            words
                .next()
                .filter(|word| word.eq_ignore_ascii_case("from"))?;
            words.find(|word| !word.starts_with("--"))
        })
    }

    /// The SHA-256 of paths, modes and contents, in hexadecimal digits.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (path, file) in &self.0 {
            for part in [
                path.as_bytes(),
                &[u8::from(file.executable)],
                &file.contents,
            ] {
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
        for (path, file) in &self.0 {
            let mut header = tar::Header::new_gnu();
            header.set_size(file.contents.len() as u64);
            header.set_mode(if file.executable { 0o755 } else { 0o644 });
            archive.append_data(&mut header, path, file.contents.as_slice())?;
        }
        archive.into_inner()
    }

    fn read(&mut self, folder: &Path, beneath: &str) -> Result<(), Error> {
        let failed = |path: &Path, e: std::io::Error| {
            Error::file(path.display(), format_args!("cannot be read: {e}"))
        };
        for entry in std::fs::read_dir(folder).map_err(|e| failed(folder, e))? {
            let entry = entry.map_err(|e| failed(folder, e))?;
            let path = entry.path();
            let name = format!("{beneath}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(|e| failed(&path, e))?;
            if kind.is_dir() && name != ".git" {
                self.read(&path, &format!("{name}/"))?;
            } else if kind.is_file() || kind.is_symlink() {
                let contents = std::fs::read(&path).map_err(|e| failed(&path, e))?;
                self.insert(&name, contents, is_executable(&path));
            }
        }
        Ok(())
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

/// What we read ourselves is no part of the image: a new known deviation builds nothing anew.
pub(super) fn is_ours(path: &str) -> bool {
    [SETTINGS, KNOWN, ".gitignore"].contains(&path)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

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
        let same = context(&[("b", "2", false), ("a", "1", false), (KNOWN, "x", false)]);
        assert_eq!(digest, same.digest());
        for other in [
            context(&[("a", "1", false), ("b", "3", false)]),
            context(&[("a", "1", false), ("c", "2", false)]),
            context(&[("a", "1", true), ("b", "2", false)]),
            context(&[("a", "1b", false), ("", "2", false)]),
        ] {
            assert_ne!(digest, other.digest());
        }
    }

    #[test]
    fn a_folder_and_its_embedded_copy_are_the_same() {
        let place = tempfile::tempdir().unwrap();
        let folder = msaspec_fixtures::server("sendmail").unwrap();
        msaspec_fixtures::write_to(folder, place.path()).unwrap();
        let read = Context::of_folder(place.path()).unwrap();
        assert_eq!(read.digest(), Context::of_embedded(folder).digest());
        assert!(read.dockerfile().unwrap().contains("FROM"));
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
