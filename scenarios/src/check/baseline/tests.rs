//! Folders that were written, and folders that somebody else has made.

use std::{collections::BTreeMap, fs};

use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::check::facts::Area;

fn sample() -> Baseline {
    let mut facts = Facts::default();
    facts.note(Area::Listeners, "", "587/inet", "open");
    facts.note(Area::Answers, "587/inet", "ETRN", "502 5.7.0");
    facts.note(Area::Delivery, "", "sender", "alice@[host]");
    Baseline {
        sendmail: "8.17.1.9-2".to_owned(),
        facts,
        accepted: BTreeSet::from(["password-in-clear".to_owned()]),
        transcripts: vec![Dialogue {
            name: "587/inet: before login".to_owned(),
            transcript: vec!["S: 220 [host]".to_owned(), "C: QUIT".to_owned()],
        }],
        mc: b"dnl \xff\r\nOSTYPE(`linux')".to_vec(),
        cf: vec![
            "DSx".to_owned(),
            "Scheck_rcpt: 2 rules, 0123456789ab".to_owned(),
        ],
        tables: Some(BTreeMap::from([(
            "access".to_owned(),
            vec![
                "# From".to_owned(),
                String::new(),
                "## x".to_owned(),
                "From:a\tREJECT".to_owned(),
            ],
        )])),
    }
}

/// A place for a folder, and the folder that holds it.
fn place() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("origin.expect");
    (folder, path)
}

#[test]
fn what_is_written_is_read() {
    let (_folder, path) = place();
    assert_eq!(Baseline::read(&path), Ok(None));
    sample().write(&path).unwrap();
    assert_eq!(Baseline::read(&path), Ok(Some(sample())));
    let facts = fs::read_to_string(path.join(FACTS)).unwrap();
    for line in [
        "format = 1\nsendmail = \"8.17.1.9-2\"\naccepted = [\"password-in-clear\"]\n",
        "[facts.listeners]\n\"587/inet\" = \"open\"\n",
        "[facts.answers.\"587/inet\"]\nETRN = \"502 5.7.0\"\n",
    ] {
        assert!(facts.contains(line), "{facts}");
    }
}

#[test]
fn only_five_files_are_written() {
    let (_folder, path) = place();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("notes"), "mine").unwrap();
    sample().write(&path).unwrap();
    sample().write(&path).unwrap();
    let mut names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "facts.toml",
            "notes",
            "sendmail.cf",
            "site.mc",
            "tables.txt",
            "transcripts.txt"
        ]
    );
    assert_eq!(fs::read_to_string(path.join("notes")).unwrap(), "mine");
}

#[rstest]
#[case("", "facts.toml, line 1: missing field `format`")]
#[case("format = 1\nfacts = 3\n", "facts.toml, line 2: ")]
#[case("format = 1\nfact = 3\n", "facts.toml, line 2: unknown field `fact`")]
#[case(
    "format = 1\n\n[facts.colours]\na = \"b\"\n",
    "facts.toml, line 3: unknown variant `colours`"
)]
#[case("format = 1\n[facts\n", "facts.toml, line 2: ")]
#[case("format = 2\nnews = true\n", "format 2 was written by a newer msaspec")]
#[case("format = -1\n", "facts.toml, line 1: ")]
#[case("format = 1\n[facts.answers]\nETRN = 3\n", "facts.toml, line ")]
fn malformed_facts_are_named(#[case] text: &str, #[case] expected: &str) {
    let (_folder, path) = place();
    sample().write(&path).unwrap();
    fs::write(path.join(FACTS), text).unwrap();
    let problem = Baseline::read(&path).unwrap_err();
    assert!(problem.contains(expected), "{problem}");
    assert!(problem.contains("--accept"), "{problem}");
}

#[rstest]
#[case::missing(None, "is missing")]
#[case::no_text(Some(vec![0xff, 0xfe]), "is not text")]
#[case::large(Some(vec![b'x'; (4 << 20) + 1]), "is larger than")]
fn unreadable_files_are_named(
    #[values(FACTS, TRANSCRIPTS, TABLES, CF)] name: &str,
    #[case] contents: Option<Vec<u8>>,
    #[case] expected: &str,
) {
    let (_folder, path) = place();
    sample().write(&path).unwrap();
    match contents {
        Some(contents) => fs::write(path.join(name), contents).unwrap(),
        None => fs::remove_file(path.join(name)).unwrap(),
    }
    let problem = Baseline::read(&path).unwrap_err();
    assert!(
        problem.contains(name) && problem.contains(expected),
        "{problem}"
    );
}

#[cfg(unix)]
#[test]
fn no_link_is_followed() {
    use std::os::unix::fs::symlink;
    let (folder, path) = place();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, &path).unwrap();
    for problem in [
        sample().write(&path).unwrap_err(),
        Baseline::read(&path).unwrap_err(),
    ] {
        assert!(problem.contains("is a symbolic link"), "{problem}");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "untouched").unwrap();
    symlink(&secret, path.join(FACTS)).unwrap();
    assert!(
        Baseline::read(&path)
            .unwrap_err()
            .contains("is no regular file")
    );
    sample().write(&path).unwrap();
    assert_eq!(fs::read_to_string(&secret).unwrap(), "untouched");
    assert_eq!(Baseline::read(&path), Ok(Some(sample())));
}

#[test]
fn a_file_in_its_place_is_left_alone() {
    let (_folder, path) = place();
    fs::write(&path, "mine").unwrap();
    assert!(sample().write(&path).unwrap_err().contains("is no folder"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn what_is_too_large_is_not_accepted() {
    let (_folder, path) = place();
    let large = Baseline {
        mc: vec![b'x'; (4 << 20) + 1],
        ..sample()
    };
    let problem = large.write(&path).unwrap_err();
    assert!(problem.contains("site.mc: it would be larger"), "{problem}");
    assert!(!path.exists());
}

#[test]
fn two_are_compared() {
    let before = sample();
    let same = compare(&before, &before);
    assert!(same.differences.is_empty() && same.transcripts.is_empty() && same.cf.is_empty());
    let mut after = sample();
    after.sendmail = "9".to_owned();
    after
        .facts
        .note(Area::Answers, "587/inet", "ETRN", "250 2.0.0");
    after.transcripts[0].transcript[1] = "C: NOOP".to_owned();
    after.transcripts.push(Dialogue {
        name: "new".to_owned(),
        transcript: vec!["C: x".to_owned()],
    });
    after.cf[0] = "DSy".to_owned();
    let comparison = compare(&before, &after);
    assert_eq!(comparison.differences.len(), 1);
    let lines: Vec<String> = comparison
        .transcripts
        .iter()
        .map(|difference| format!("{}: {}", difference.name, difference.lines.join("|")))
        .collect();
    assert_eq!(
        lines,
        [
            "587/inet: before login:  S: 220 [host]|-C: QUIT|+C: NOOP",
            "new: +C: x"
        ]
    );
    assert_eq!(comparison.cf, ["-DSx", "+DSy"]);
}
