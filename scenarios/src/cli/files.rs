//! Files that the user names. Whatever is wrong with one is said in one sentence that names it.

use std::{fs::File, io::Read, path::Path};

use serde::de::DeserializeOwned;

use super::Failure;

/// No file of these kinds is honestly larger.
const LARGEST: u64 = 1024 * 1024;

/// The octets of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let refuse = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
    let metadata = std::fs::metadata(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    if metadata.is_dir() {
        return Err(refuse("is a folder, and a file is needed".to_owned()));
    }
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut octets))
        .map_err(|e| refuse(format!("cannot be read: {e}")))?;
    match u64::try_from(octets.len()) {
        Ok(length) if length <= LARGEST => Ok(octets),
        _ => Err(refuse(
            "is larger than 1 MiB; is it the right file?".to_owned(),
        )),
    }
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| {
        let name = path.display();
        Failure::Usage(format!(
            "{name}: is not text in UTF-8; is it the right file?"
        ))
    })
}

/// The password in a file, without the line end that editors put there.
pub(super) fn read_password(path: &Path) -> Result<String, Failure> {
    let text = read_text(path)?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    match password {
        "" => Err(Failure::Usage(format!(
            "{}: is empty, and has to hold the password",
            path.display()
        ))),
        password => Ok(password.to_owned()),
    }
}

/// A file of TOML.
pub(super) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = read_text(path)?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        Failure::Usage(format!("{}, line {line}: {message}", path.display()))
    })
}

fn line_of(text: &str, position: usize) -> usize {
    1 + text
        .bytes()
        .take(position)
        .filter(|octet| *octet == b'\n')
        .count()
}
