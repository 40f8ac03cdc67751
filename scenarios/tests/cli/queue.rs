//! `msaspec queue` on a spool whose server does not run.

use std::{fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use tempfile::TempDir;

use crate::{
    folder,
    program::*,
    serving::{CONFIG, Client},
};

/// Runs `msaspec queue` on the folder's spool.
fn queue(folder: &TempDir, arguments: &[&str]) -> Ended {
    run(
        folder,
        &[&["queue", "--spool", "spool"], arguments].concat(),
    )
}

#[test]
fn mail_that_an_earlier_version_left_is_listed_printed_and_removed() {
    let folder = folder();
    let spool = folder.path().join("spool");
    fs::create_dir(&spool).unwrap();
    let (tried, other) = (
        "0199f0000000-00000000000000aa",
        "0199f0000001-00000000000000ab",
    );
    for id in [tried, other] {
        let content = format!("Subject: {id}\r\n\r\nHello\r\n");
        let envelope = format!(
            r#"{{"arrival":"2026-11-01T10:00:00Z","size":{},"sender":"alice@example.org","recipients":["bob@example.net","carol@example.net"]}}"#,
            content.len()
        );
        fs::write(
            spool.join(format!("{id}.msg")),
            format!("{envelope}\n{content}"),
        )
        .unwrap();
    }
    let recipient = |name: &str, state: &str| {
        format!(
            r#"{{"address":"{name}@example.net","state":"{state}","last_answer":null,"attempts":1,"last_attempt":null}}"#
        )
    };
    let progress = [recipient("bob", "delivered"), recipient("carol", "pending")];
    fs::write(
        spool.join(format!("{tried}.state")),
        format!("[{}]", progress.join(",")),
    )
    .unwrap();

    let listed = queue(&folder, &["list"]);
    listed.expect(
        0,
        &[
            tried,
            "delivered <bob@example.net> 1 attempts",
            "pending <carol@example.net> 1 attempts",
            other,
            "pending <bob@example.net> 0 attempts",
        ],
    );
    let printed = queue(&folder, &["print", tried]);
    printed.expect(
        0,
        &["from <alice@example.org>", "delivered <bob@example.net>"],
    );
    assert_eq!(printed.stdout, format!("Subject: {tried}\r\n\r\nHello\r\n"));
    queue(&folder, &["remove", tried]).expect(0, &[]);
    let listed = queue(&folder, &["list"]);
    listed.expect(0, &[other]);
    assert!(!listed.said().contains(tried), "{}", listed.said());
    queue(&folder, &["print", tried]).expect(2, &["no message", tried]);
    queue(&folder, &["remove", tried]).expect(2, &["no message", tried]);
    queue(&folder, &["remove", other]).expect(0, &[]);
    queue(&folder, &["list"]).expect(0, &["nothing"]);
}

#[test]
fn what_a_crash_cut_off_is_no_mail() {
    let folder = folder();
    fs::write(folder.path().join("server.toml"), CONFIG).unwrap();
    let server = Serving::start(&folder, &["--config", "server.toml"]);
    let mut client = Client::connect(&server);
    let login = BASE64_STANDARD.encode("\0alice\0hidden-4711");
    client.say("EHLO client.example", "250 ");
    client.say(&format!("AUTH PLAIN {login}"), "235 ");
    for subject in ["whole", "torn"] {
        client.say("MAIL FROM:<alice@example.org>", "250 ");
        client.say("RCPT TO:<bob@example.net>", "250 ");
        client.say("DATA", "354 ");
        client.say(&format!("Subject: {subject}\r\n\r\nHello\r\n."), "250 ");
    }
    server.stop("KILL");
    let listed = queue(&folder, &["list"]).stdout;
    let ids: Vec<_> = listed
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let [whole, torn] = ids[..] else {
        panic!("{listed}")
    };
    // As if the crash had come before the last octets were written, and the 250 with them.
    let segment = segment(&folder);
    let mut octets = fs::read(&segment).unwrap();
    octets.truncate(octets.len() - 5);
    fs::write(&segment, &octets).unwrap();

    let listed = queue(&folder, &["list"]);
    listed.expect(0, &[whole]);
    assert!(!listed.said().contains(torn), "{}", listed.said());
    assert!(!listed.said().contains("damaged"), "{}", listed.said());
    queue(&folder, &["print", whole]).expect(0, &["Subject: whole"]);
    queue(&folder, &["print", torn]).expect(2, &["no message", torn]);
    queue(&folder, &["remove", torn]).expect(2, &["no message", torn]);
    assert_eq!(
        fs::read(&segment).unwrap(),
        octets,
        "looking changes nothing"
    );
    queue(&folder, &["remove", whole]).expect(0, &[]);
    let listed = queue(&folder, &["list"]);
    assert_eq!(listed.said(), "nothing\n");
}

#[allow(clippy::unwrap_used, reason = "what fails here fails a test")]
fn segment(folder: &TempDir) -> PathBuf {
    let files = fs::read_dir(folder.path().join("spool")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files
        .find(|path| path.extension().is_some_and(|end| end == "segment"))
        .unwrap()
}
