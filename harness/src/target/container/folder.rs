//! A folder on this machine as a build's context: what stands in it, within bounds.

use std::{
    collections::BTreeMap,
    fs::{self, File, FileType, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::context::{Context, is_ours};
use crate::error::Error;

impl Context {
    /// A folder on this machine, with the folders in it. Links stay links: the engine resolves them in the image.
    pub(super) fn of_folder(folder: &Path) -> Result<Context, Error> {
        within(folder, MOST)
    }
}

fn within(folder: &Path, most: u64) -> Result<Context, Error> {
    let mut found = Vec::new();
    walk(folder, "", &mut found)?;
    if found.iter().map(|entry| entry.size).sum::<u64>() > most {
        return Err(too_much(folder, &found, most));
    }
    let mut context = Context::default();
    let mut left = most;
    for entry in &found {
        let unreadable = |e| unreadable(&entry.path, e);
        if entry.is_link {
            let target = fs::read_link(&entry.path).map_err(unreadable)?;
            let target = target.to_str().ok_or_else(|| {
                Error::file(
                    entry.path.display(),
                    "is a link to a name that is not UTF-8",
                )
            })?;
            context.link(&entry.name, target);
            continue;
        }
        // A file can have grown since, or have said nothing about its size.
        let mut contents = Vec::new();
        File::open(&entry.path)
            .and_then(|file| file.take(left + 1).read_to_end(&mut contents))
            .map_err(unreadable)?;
        left = left
            .checked_sub(contents.len() as u64)
            .ok_or_else(|| too_much(folder, &found, most))?;
        context.insert(&entry.name, contents, entry.is_executable);
    }
    Ok(context)
}

struct Entry {
    path: PathBuf,
    name: String,
    size: u64,
    is_link: bool,
    is_executable: bool,
}

fn walk(folder: &Path, beneath: &str, found: &mut Vec<Entry>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let entry = entry.map_err(|e| unreadable(folder, e))?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(Error::file(path.display(), "has a name that is not UTF-8"));
        };
        let whole = format!("{beneath}{name}");
        if name == ".git" || is_ours(&whole) {
            continue;
        }
        let metadata = entry.metadata().map_err(|e| unreadable(&path, e))?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            walk(&path, &format!("{whole}/"), found)?;
            continue;
        }
        if !kind.is_file() && !kind.is_symlink() {
            let problem = format!(
                "is {}, which cannot be put into an image: only files, folders and links can",
                name_of(kind)
            );
            return Err(Error::file(path.display(), problem));
        }
        found.push(Entry {
            path,
            name: whole,
            size: if kind.is_file() { metadata.len() } else { 0 },
            is_link: kind.is_symlink(),
            is_executable: is_executable(&metadata),
        });
    }
    Ok(())
}

fn too_much(folder: &Path, found: &[Entry], most: u64) -> Error {
    let mut sizes = BTreeMap::new();
    for entry in found {
        let top = entry.name.split_inclusive('/').next().unwrap_or_default();
        *sizes.entry(top).or_insert(0) += entry.size;
    }
    let biggest = sizes.into_iter().max_by_key(|(_, size)| *size);
    let (name, size) = biggest.unwrap_or_default();
    let problem = format!(
        "holds more than {} MiB, most of it in {name} ({} MiB): everything in the folder is sent to the engine and .dockerignore is not read, so keep there only what the image needs",
        most >> 20,
        size >> 20
    );
    Error::file(folder.display(), problem)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::file(path.display(), format_args!("cannot be read: {error}"))
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn name_of(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match () {
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(not(unix))]
fn name_of(_: FileType) -> &'static str {
    "no file"
}

/// A server's folder is a few files; a wrong one may be somebody's home.
const MOST: u64 = 256 << 20;

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    #[test]
    fn a_folder_and_its_embedded_copy_are_the_same() {
        let place = tempfile::tempdir().unwrap();
        let folder = msaspec_fixtures::server("sendmail").unwrap();
        msaspec_fixtures::write_to(folder, place.path()).unwrap();
        // Neither is part of an image.
        fs::create_dir(place.path().join(".git")).unwrap();
        fs::write(place.path().join(".git/HEAD"), "x").unwrap();
        let read = Context::of_folder(place.path()).unwrap();
        assert_eq!(read.digest(), Context::of_embedded(folder).digest());
        assert!(read.dockerfile().unwrap().contains("FROM"));
    }

    #[test]
    fn links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        symlink("/etc/shadow", place.path().join("a")).unwrap();
        symlink("..", place.path().join("loop")).unwrap();
        let context = Context::of_folder(place.path()).unwrap();
        let digest = context.digest();
        let archive = context.archive().unwrap();
        let mut archive = tar::Archive::new(archive.as_slice());
        let links = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let link = entry.link_name().unwrap().unwrap();
            (entry.header().entry_type(), link.display().to_string())
        });
        let kind = tar::EntryType::Symlink;
        let expected = [(kind, "/etc/shadow".to_owned()), (kind, "..".to_owned())];
        assert_eq!(links.collect::<Vec<_>>(), expected);
        fs::remove_file(place.path().join("a")).unwrap();
        symlink("/etc/passwd", place.path().join("a")).unwrap();
        assert_ne!(Context::of_folder(place.path()).unwrap().digest(), digest);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let _socket = UnixListener::bind(place.path().join("s")).unwrap();
        let error = Context::of_folder(place.path()).unwrap_err().to_string();
        assert!(error.contains("/s: is a socket, which"), "{error}");
    }

    #[test]
    fn too_much_is_refused_by_name() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("spool")).unwrap();
        fs::write(place.path().join("small"), [0; 10]).unwrap();
        let big = File::create(place.path().join("spool/big")).unwrap();
        big.set_len(3 << 20).unwrap();
        let error = within(place.path(), 2 << 20).unwrap_err().to_string();
        let expected = "holds more than 2 MiB, most of it in spool/ (3 MiB)";
        assert!(error.contains(expected), "{error}");
        assert!(within(place.path(), (3 << 20) + 10).is_ok());
    }
}
