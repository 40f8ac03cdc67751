//! Where a target comes from: a folder, or the copy of one that is embedded in this program.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::context::Context;
use crate::error::Error;

/// The folder of a target: `Dockerfile`, `target.toml` and `known.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder on this machine.
    Folder(PathBuf),
    /// The copy in this program, by its name.
    Embedded(&'static str),
}

/// Finds a target by its name, in `./fixtures` and then in this program, or by the path of its folder.
///
/// # Errors
/// [`Error::File`] where there is none.
pub fn find(name: &str) -> Result<Source, Error> {
    find_beneath(Path::new("fixtures"), name)
}

fn find_beneath(fixtures: &Path, name: &str) -> Result<Source, Error> {
    let path = if is_path(name) {
        PathBuf::from(name)
    } else {
        fixtures.join(name)
    };
    // A helper's folder has no target.toml: it is no target.
    if path.join(SETTINGS).is_file() || (is_path(name) && path.is_dir()) {
        return Ok(Source::Folder(path));
    }
    if is_path(name) {
        return Err(Error::file(
            name,
            "there is no such folder; a target's folder holds Dockerfile, target.toml and known.toml",
        ));
    }
    let mut known: Vec<_> = msaspec_fixtures::servers().collect();
    known.sort_unstable();
    let embedded = known.iter().find(|known| **known == name);
    embedded.map(|name| Source::Embedded(name)).ok_or_else(|| {
        let problem = format!(
            "no target has this name; there are embedded, embedded-origin, {}, and folders of your own as ./FOLDER",
            known.join(", ")
        );
        Error::file(name, problem)
    })
}

fn is_path(name: &str) -> bool {
    name.starts_with('.') || name.contains(std::path::is_separator)
}

impl Source {
    /// The target's name in reports: that of its folder.
    pub fn name(&self) -> String {
        match self {
            Source::Embedded(name) => (*name).to_owned(),
            Source::Folder(path) => {
                let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                let whole = whole.canonicalize().unwrap_or(whole);
                let name = whole.file_name().unwrap_or(whole.as_os_str());
                name.to_string_lossy().into_owned()
            }
        }
    }

    /// A file of the folder as messages name it.
    pub(super) fn path(&self, file: &str) -> String {
        match self {
            Source::Folder(path) => path.join(file).display().to_string(),
            Source::Embedded(name) => format!("fixtures/{name}/{file} (embedded)"),
        }
    }

    /// The text of a file; none where there is no such file.
    pub(super) fn text(&self, file: &str) -> Result<Option<String>, Error> {
        match self {
            Source::Folder(path) => read(&path.join(file)),
            Source::Embedded(name) => {
                let text = msaspec_fixtures::server(name)
                    .and_then(|folder| folder.get_file(file))
                    .and_then(|file| file.contents_utf8());
                Ok(text.map(str::to_owned))
            }
        }
    }

    /// What the engine builds from.
    pub(super) fn context(&self) -> Result<Context, Error> {
        let context = match self {
            Source::Folder(path) => Context::of_folder(path)?,
            Source::Embedded(name) => msaspec_fixtures::server(name)
                .map(Context::of_embedded)
                .unwrap_or_default(),
        };
        if context.dockerfile().is_none() {
            return Err(Error::file(
                self.path("Dockerfile"),
                "is missing or no plain text file; a target's image is built from it",
            ));
        }
        Ok(context)
    }
}

/// The text of a plain file of reasonable size, where there is one.
fn read(path: &Path) -> Result<Option<String>, Error> {
    let unreadable =
        |e: io::Error| Error::file(path.display(), format_args!("cannot be read: {e}"));
    let metadata = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(unreadable)?,
    };
    if !metadata.is_file() {
        return Err(Error::file(
            path.display(),
            "is no plain file, such as a link or a folder",
        ));
    }
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MOST + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MOST {
        return Err(Error::file(path.display(), "is larger than 1 MiB"));
    }
    Ok(Some(text))
}

const MOST: u64 = 1 << 20;
/// What a target is and promises.
pub(super) const SETTINGS: &str = "target.toml";
/// Where a target is known to deviate.
pub(super) const KNOWN: &str = "known.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_here_comes_before_the_embedded_copy() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("sendmail");
        std::fs::create_dir(&folder).unwrap();
        let embedded = Source::Embedded("sendmail");
        assert_eq!(find_beneath(place.path(), "sendmail").unwrap(), embedded);
        std::fs::write(folder.join(SETTINGS), "").unwrap();
        let found = find_beneath(place.path(), "sendmail").unwrap();
        assert_eq!(found, Source::Folder(folder.clone()));
        assert_eq!(found.name(), "sendmail");
        let found = find(folder.to_str().unwrap()).unwrap();
        assert_eq!(found, Source::Folder(folder));
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let nowhere = Path::new("/nonexistent");
        for name in ["sendmial", "names", ".hidden", "./no-such-folder"] {
            let error = find_beneath(nowhere, name).unwrap_err();
            assert!(matches!(error, Error::File { .. }), "{error}");
            assert!(error.to_string().starts_with(name), "{error}");
        }
        let error = find_beneath(nowhere, "sendmial").unwrap_err().to_string();
        assert!(error.contains(", sendmail,"), "{error}");
    }

    #[test]
    fn a_folder_without_a_dockerfile_says_so() {
        let place = tempfile::tempdir().unwrap();
        let source = Source::Folder(place.path().to_owned());
        let error = source.context().unwrap_err().to_string();
        assert!(error.contains("Dockerfile: is missing or"), "{error}");
        assert!(Source::Embedded("sendmail").context().is_ok());
        assert_eq!(source.text(KNOWN).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn only_plain_files_of_reasonable_size_are_read() {
        let place = tempfile::tempdir().unwrap();
        let source = Source::Folder(place.path().to_owned());
        let refusal = || source.text(KNOWN).unwrap_err().to_string();
        let path = place.path().join(KNOWN);
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(refusal().contains("is no plain file"), "{}", refusal());
        fs::remove_file(&path).unwrap();
        fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
        assert!(refusal().contains("is larger than 1 MiB"), "{}", refusal());
        fs::write(&path, " ".repeat(1 << 20)).unwrap();
        assert!(source.text(KNOWN).is_ok());
    }
}
