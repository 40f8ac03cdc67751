//! Where a result stands: the file as a reference, and its lines.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::check::findings::Place;

/// Lines of a file.
pub(super) fn location(place: &Place) -> Value {
    let first = place.first.max(1);
    let mut region = json!({ "startLine": first, "endLine": place.last.max(first) });
    if !place.text.is_empty() {
        region["snippet"] = json!({ "text": super::text(&place.text) });
    }
    at(&place.file, region)
}

/// For what stands nowhere.
pub(super) fn first_line(file: &str) -> Value {
    at(file, json!({ "startLine": 1, "endLine": 1 }))
}

/// The first line of the file that a message names, such as `origin.mc:12: …` or `origin.mc, line 12: …`.
pub(super) fn mentioned(file: &str, message: &str) -> Value {
    let behind = message.split(file).skip(1);
    let mut lines = behind.filter_map(|behind| {
        let number = behind
            .strip_prefix(':')
            .or_else(|| behind.strip_prefix(", line "))?;
        let digits = number.find(|c: char| !c.is_ascii_digit());
        number[..digits.unwrap_or(number.len())].parse().ok()
    });
    let line: usize = lines.find(|line| *line > 0).unwrap_or(1);
    at(file, json!({ "startLine": line, "endLine": line }))
}

fn at(file: &str, region: Value) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": reference(file) },
        "region": region,
    }})
}

/// The file as a reference (RFC 3986 section 4.2), relative as it was given.
fn reference(file: &str) -> String {
    let mut path = file;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    let mut reference = match path.starts_with('/') {
        true => "file://".to_owned(),
        false => String::new(),
    };
    for octet in path.bytes() {
        match octet {
            b'/' | b'-' | b'.' | b'_' | b'~' => reference.push(char::from(octet)),
            _ if octet.is_ascii_alphanumeric() => reference.push(char::from(octet)),
            _ => {
                let _ = write!(reference, "%{octet:02X}");
            }
        }
    }
    reference
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("origin.mc", "origin.mc")]
    #[case("./sites/origin.mc", "sites/origin.mc")]
    #[case("../other site/a:b.mc", "../other%20site/a%3Ab.mc")]
    #[case("/etc/mail/sendmail.mc", "file:///etc/mail/sendmail.mc")]
    #[case("ä\u{1b}.mc", "%C3%A4%1B.mc")]
    fn a_file_is_a_reference(#[case] file: &str, #[case] uri: &str) {
        assert_eq!(reference(file), uri);
    }

    #[rstest]
    #[case("a.mc:12: end of file in string", 12)]
    #[case("a.mc, line 7: no such macro", 7)]
    #[case("m4 says: a.mc is odd, see a.mc:3", 3)]
    #[case("a.mc: cannot be read", 1)]
    #[case("a.mc:99999999999999999999999: far", 1)]
    #[case("", 1)]
    fn a_message_names_its_line(#[case] message: &str, #[case] line: usize) {
        let location = mentioned("a.mc", message);
        assert_eq!(location["physicalLocation"]["region"]["startLine"], line);
    }
}
