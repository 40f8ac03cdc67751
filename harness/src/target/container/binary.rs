//! The static program that some images need: found, never built here.

use std::{
    env,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::error::Error;

/// Names the static program in the environment.
pub const BINARY: &str = "MSASPEC_CONTAINER_BINARY";

/// A static program.
pub(super) struct Program {
    /// Its octets.
    pub(super) contents: Vec<u8>,
    /// When it was made, where the file system tells.
    pub(super) made: Option<Timestamp>,
}

/// The static program `name`.
pub(super) fn read(name: &str) -> Result<Program, Error> {
    let here = env::current_dir().unwrap_or_default();
    let path = place(name, env::var_os(BINARY).map(PathBuf::from), &here);
    let modified = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
    let made = modified
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok());
    let contents = std::fs::read(&path).map_err(|e| {
        let problem = format!(
            "the static program for the image cannot be read ({e}): make it with ci/container-binary, or name it in {BINARY}"
        );
        Error::file(path.display(), problem)
    })?;
    Ok(Program { contents, made })
}

/// Where the script puts it, beneath this folder or one above; or where the environment says.
fn place(name: &str, told: Option<PathBuf>, here: &Path) -> PathBuf {
    if let Some(told) = told {
        return told;
    }
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let built: PathBuf = ["target-container", &triple, "container", name]
        .iter()
        .collect();
    let found = here.ancestors().map(|folder| folder.join(&built));
    let mut found = found.filter(|path| path.is_file());
    found.next().unwrap_or(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_where_the_script_puts_it_or_where_one_is_told() {
        let place_of = tempfile::tempdir().unwrap();
        let missing = place("msaspec", None, place_of.path());
        assert!(missing.starts_with("target-container") && missing.ends_with("container/msaspec"));
        let built = place_of.path().join(&missing);
        std::fs::create_dir_all(built.parent().unwrap()).unwrap();
        std::fs::write(&built, "").unwrap();
        let beneath = place_of.path().join("harness");
        assert_eq!(place("msaspec", None, &beneath), built);
        let told = Some(PathBuf::from("/x"));
        assert_eq!(place("msaspec", told, &beneath), Path::new("/x"));
    }
}
