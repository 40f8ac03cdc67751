//! Takes the files of a folder: so many and so large, and none from elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What an `.mc` may have at most; more of it is read than it may have, so that `Mc::parse` can say so.
const CONFIGURATION: u64 = 1024 * 1024 + 1;

const LARGEST_FILE: u64 = 4 * 1024 * 1024;
const LARGEST_FOLDER: u64 = 16 * 1024 * 1024;
const MOST_FILES: usize = 2_000;
/// Everything that is looked at counts, whether or not it is taken.
const MOST_ENTRIES: usize = 10_000;
const DEEPEST: usize = 4;

const FOLDER: &str = "is a folder";

/// What was found in a folder.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) left_out: Vec<(String, String)>,
    /// Folders in it that have an `.mc` of their own.
    pub(super) other_sites: Vec<String>,
}

/// The octets of the `.mc` itself; it may be a link to a file in its folder.
pub(super) fn configuration(path: &Path, folder: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| said(&error))?;
    let target = match metadata.is_symlink() {
        true => {
            let root = folder.canonicalize().map_err(|error| said(&error))?;
            link(path, &root)?
        }
        false => path.to_owned(),
    };
    plain(&target).map_err(|why| format!("{why}: name an .mc file"))?;
    taken(&target, CONFIGURATION).map_err(|error| said(&error))
}

/// The files of a folder; `mc` is left to the caller.
pub(super) fn read(folder: &Path, mc: &str) -> Result<Found, String> {
    let root = folder.canonicalize().map_err(|error| said(&error))?;
    let metadata = fs::metadata(&root).map_err(|error| said(&error))?;
    let mut walk = Walk {
        root,
        device: metadata.dev(),
        found: Found::default(),
        entries: 0,
        octets: 0,
    };
    let top = walk.root.clone();
    walk.folder(&top, "", 1, Some(mc))?;
    walk.found.leave_out_maps();
    walk.found.left_out.sort();
    Ok(walk.found)
}

struct Walk {
    root: PathBuf,
    /// The file system of the folder. Others may hold files that only look plain, as /proc does.
    device: u64,
    found: Found,
    entries: usize,
    octets: u64,
}

impl Walk {
    fn folder(
        &mut self,
        path: &Path,
        inside: &str,
        depth: usize,
        mc: Option<&str>,
    ) -> Result<(), String> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if !inside.is_empty() => {
                self.leave_out(inside, said(&error));
                return Ok(());
            }
            Err(error) => return Err(format!("its folder: {}", said(&error))),
        };
        let mut paths = BTreeSet::new();
        for entry in entries {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(too_large(&format!("more than {MOST_ENTRIES} entries")));
            }
            match entry {
                Ok(entry) => paths.insert(entry.path()),
                Err(_) => continue,
            };
        }
        let is_mc = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "mc");
        if !inside.is_empty() && paths.iter().any(is_mc) {
            self.found.other_sites.push(inside.to_owned());
            return Ok(());
        }
        for path in paths {
            let Some(name) = path.file_name() else {
                continue;
            };
            let shown = name.to_string_lossy();
            if mc == Some(&*shown) {
                continue;
            }
            let inside = match inside {
                "" => shown.to_string(),
                inside => format!("{inside}/{shown}"),
            };
            if name.to_str().is_none() {
                self.leave_out(&inside, "has a name that is no UTF-8".to_owned());
            } else {
                self.entry(&path, &shown, &inside, depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: &str, inside: &str, depth: usize) -> Result<(), String> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.leave_out(inside, said(&error));
                return Ok(());
            }
        };
        if metadata.is_dir() {
            if name.starts_with('.') {
                self.leave_out(inside, "is a hidden folder".to_owned());
            } else if metadata.dev() != self.device {
                self.leave_out(inside, "lies on another file system".to_owned());
            } else if name.ends_with(".expect") {
                // Not worth a word: it is what a check has written itself.
            } else if depth == DEEPEST {
                self.leave_out(inside, format!("lies deeper than {DEEPEST} folders"));
            } else {
                return self.folder(path, inside, depth + 1, None);
            }
            return Ok(());
        }
        if name.ends_with('~') || (name.starts_with('#') && name.ends_with('#')) {
            self.leave_out(inside, "is an editor's backup".to_owned());
            return Ok(());
        }
        let target = match metadata.is_symlink() {
            true => link(path, &self.root),
            false => Ok(path.to_owned()),
        };
        let plain = |target: PathBuf| plain(&target).map(|size| (target, size));
        match target.and_then(plain) {
            Ok((target, size)) => self.take(&target, inside, size),
            Err(why) if metadata.is_symlink() && why == FOLDER => {
                self.leave_out(inside, "is a symbolic link to a folder".to_owned());
                Ok(())
            }
            Err(why) => {
                self.leave_out(inside, why);
                Ok(())
            }
        }
    }

    fn take(&mut self, path: &Path, inside: &str, size: u64) -> Result<(), String> {
        if size > LARGEST_FILE {
            self.leave_out(inside, "is larger than 4 MiB".to_owned());
            return Ok(());
        }
        match taken(path, LARGEST_FILE) {
            Ok(content) => {
                self.octets += content.len() as u64;
                self.found.files.insert(inside.to_owned(), content);
            }
            Err(error) => self.leave_out(inside, said(&error)),
        }
        if self.octets > LARGEST_FOLDER {
            return Err(too_large("more than 16 MiB"));
        }
        if self.found.files.len() > MOST_FILES {
            return Err(too_large(&format!("more than {MOST_FILES} files")));
        }
        Ok(())
    }

    fn leave_out(&mut self, inside: &str, why: String) {
        self.found.left_out.push((inside.to_owned(), why));
    }
}

impl Found {
    /// Maps are built again where their text is there.
    fn leave_out_maps(&mut self) {
        let texts: Vec<_> = self
            .files
            .keys()
            .filter_map(|name| name.strip_suffix(".db"))
            .filter(|text| self.files.contains_key(*text))
            .map(str::to_owned)
            .collect();
        for text in texts {
            let map = format!("{text}.db");
            self.files.remove(&map);
            self.left_out
                .push((map, format!("is built again from {text}")));
        }
    }
}

/// Where a link leads to, if that is inside the folder.
fn link(path: &Path, root: &Path) -> Result<PathBuf, String> {
    let written = fs::read_link(path).map_err(|error| said(&error))?;
    let written = written.display();
    match path.canonicalize() {
        Ok(target) if target.starts_with(root) => Ok(target),
        Ok(_) => Err(format!(
            "is a symbolic link that leads out of the folder (to {written})"
        )),
        Err(_) => Err(format!(
            "is a symbolic link that leads nowhere (to {written})"
        )),
    }
}

/// The size of a plain file. What is none is not opened: a FIFO would wait for a writer.
fn plain(path: &Path) -> Result<u64, String> {
    let metadata = fs::metadata(path).map_err(|error| said(&error))?;
    let kind = metadata.file_type();
    match kind {
        _ if kind.is_file() => Ok(metadata.len()),
        _ if kind.is_dir() => Err(FOLDER.to_owned()),
        _ => Err("is no plain file".to_owned()),
    }
}

fn taken(path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(at_most).read_to_end(&mut content)?;
    Ok(content)
}

fn too_large(how: &str) -> String {
    format!("its folder has {how}: put the .mc and what it needs into a folder of its own")
}

/// What the system says, in a phrase that follows the file's name.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}
