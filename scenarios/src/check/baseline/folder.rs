//! The folder `SITE.expect`: files of bounded size, and no way out of it.

use std::{
    fs::{self, File, Permissions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::NamedTempFile;

/// Whether the folder is there.
///
/// # Errors
///
/// What is there is something else.
pub(super) fn exists(path: &Path) -> Result<bool, String> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(found) if found.is_symlink() => Err(format!(
            "{shown} is a symbolic link, which is not followed: put a folder in its place"
        )),
        Ok(_) => Err(format!(
            "{shown} is no folder: what is accepted is kept in a folder of that name; move it away"
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

/// A file of the folder as text.
pub(super) fn text(folder: &Path, name: &str) -> Result<String, String> {
    String::from_utf8(octets(folder, name)?).map_err(|_| {
        let path = folder.join(name);
        format!(
            "{} is not text; write it anew with --accept",
            path.display()
        )
    })
}

/// A file of the folder.
pub(super) fn octets(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(name);
    let shown = path.display();
    let problem = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!("{shown} is missing; write the folder anew with --accept"),
        _ => format!("{shown}: {error}"),
    };
    // Before it is opened: a pipe would be waited for.
    if !fs::symlink_metadata(&path).map_err(problem)?.is_file() {
        return Err(format!(
            "{shown} is no regular file; write it anew with --accept"
        ));
    }
    let mut octets = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut octets))
        .map_err(problem)?;
    match octets.len() as u64 > LARGEST {
        true => Err(format!(
            "{shown} is larger than {LARGEST} octets; write it anew with --accept"
        )),
        false => Ok(octets),
    }
}

/// Writes files into the folder, which is made where it is missing: all beside their places first, then
/// each into its place, in this order.
pub(super) fn write(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), String> {
    let problem = |name: &str, error: &dyn std::fmt::Display| {
        format!(
            "{}: {error}; nothing is accepted",
            folder.join(name).display()
        )
    };
    if let Some((name, _)) = files
        .iter()
        .find(|(_, octets)| octets.len() as u64 > LARGEST)
    {
        return Err(problem(
            name,
            &format!("it would be larger than {LARGEST} octets"),
        ));
    }
    if !exists(folder)? {
        fs::create_dir(folder).map_err(|error| problem("", &error))?;
    }
    let beside = |octets: &[u8]| -> std::io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".msaspec-")
            .permissions(permissions())
            .tempfile_in(folder)?;
        file.write_all(octets)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    let mut written = Vec::new();
    for (name, octets) in files {
        written.push((
            *name,
            beside(octets).map_err(|error| problem(name, &error))?,
        ));
    }
    for (name, file) in written {
        // A link is replaced, not followed.
        file.persist(folder.join(name))
            .map_err(|error| problem(name, &error.error))?;
    }
    Ok(())
}

/// As any other file of the administrator's: his umask decides.
fn permissions() -> Permissions {
    Permissions::from_mode(0o666)
}

/// In octets, for each file.
const LARGEST: u64 = 4 << 20;
