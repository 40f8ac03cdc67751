//! Files that the user names. Whatever is wrong with one is said in one sentence that names it.

use std::{fs::File, io::Read, path::Path};

use serde::de::DeserializeOwned;

use super::Failure;

/// No file of these kinds is honestly larger.
const LARGEST: u64 = 1024 * 1024;

/// The octets of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display().to_string();
    let refuse = |why: String| Failure::Usage(format!("{name}: {why}"));
    let metadata = std::fs::metadata(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    if metadata.is_dir() {
        return Err(refuse("is a folder, and a file is needed".to_owned()));
    }
    let file = File::open(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    read_all(file, &name)
}

/// Everything that a file has, or whatever has that name.
fn read_all(from: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let refuse = |why: String| Failure::Usage(format!("{name}: {why}"));
    let mut octets = Vec::new();
    from.take(LARGEST + 1)
        .read_to_end(&mut octets)
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
    text(read(path)?, &path.display().to_string())
}

fn text(octets: Vec<u8>, name: &str) -> Result<String, Failure> {
    String::from_utf8(octets).map_err(|_| {
        Failure::Usage(format!(
            "{name}: is not text in UTF-8; is it the right file?"
        ))
    })
}

/// The password in a file.
pub(super) fn read_password(path: &Path) -> Result<String, Failure> {
    password(&read_text(path)?, &path.display().to_string())
}

/// The password that comes from elsewhere.
pub(super) fn read_password_from(from: impl Read, name: &str) -> Result<String, Failure> {
    password(&text(read_all(from, name)?, name)?, name)
}

/// A password without the line end that editors put there; `name` is where it came from.
pub(super) fn password(text: &str, name: &str) -> Result<String, Failure> {
    let password = text.strip_suffix('\n').unwrap_or(text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    let fault = if password.is_empty() {
        "is empty, and has to hold the password"
    } else if password.contains(['\0', '\r', '\n']) {
        "the password has more than one line or a NUL; it has to be there and nothing else"
    } else {
        return Ok(password.to_owned());
    };
    Err(Failure::Usage(format!("{name}: {fault}")))
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
