//! Accounts for the user file, and a server that believes them.

use std::fs;

use rstest::rstest;

use crate::{folder, program::*};

#[test]
fn what_it_prints_is_a_user_file() {
    let folder = folder();
    let alice = run_reading(&folder, &["user", "alice", "--new-file"], b"right one\n");
    let bob = run_reading(&folder, &["user", "b.o b"], b"another\r\n");
    for made in [&alice, &bob] {
        made.expect(0, &[]);
        assert!(made.stderr.is_empty(), "{}", made.stderr);
        assert!(!made.stdout.contains("right one") && !made.stdout.contains("another"));
    }
    let users = format!("{}{}", alice.stdout, bob.stdout);
    fs::write(folder.path().join("users.toml"), users).unwrap();
    fs::write(folder.path().join("server.toml"), CONFIG).unwrap();
    fs::write(folder.path().join("right"), "right one").unwrap();
    fs::write(folder.path().join("wrong"), "right two").unwrap();
    let server = Serving::start(&folder, &["--config", "server.toml"]);
    let target = format!("smtp://{}", server.address(0));
    let ca = server.ca();
    for (user, password, status) in [
        ("alice", "right", 0),
        ("alice", "wrong", 3),
        ("bob", "right", 3),
    ] {
        let account = ["--user", user, "--password-file", password];
        let options = ["--only", "chapter:plain", "--ca", ca.to_str().unwrap()];
        let ended = run(
            &folder,
            &[&["run", &target][..], &account, &options].concat(),
        );
        assert_eq!(ended.status, status, "{user} {password}: {}", ended.said());
    }
}

/// SCRAM is offered, so that the keys have to be there.
const CONFIG: &str = r#"
hostname = "submission.example"
spool = "spool"
listeners = ["127.0.0.1:0"]
mechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
user_file = "users.toml"
[limits]
login_delay_seconds = 0
"#;

#[rstest]
#[case(&[], &["argon2"], &["SCRAM-SHA-1", "SCRAM-SHA-256"])]
#[case(&["login"], &["argon2"], &[])]
#[case(&["SCRAM-SHA-256-PLUS"], &[], &["SCRAM-SHA-256"])]
#[case(&["CRAM-MD5", "PLAIN"], &["argon2", "secret"], &[])]
fn it_keeps_what_the_mechanisms_need_and_no_more(
    #[case] mechanisms: &[&str],
    #[case] keys: &[&str],
    #[case] hashes: &[&str],
) {
    let options = mechanisms.iter().flat_map(|name| ["--mechanism", name]);
    let arguments: Vec<_> = ["user", "alice"].into_iter().chain(options).collect();
    let made = run_reading(&folder(), &arguments, b"pass\"word");
    made.expect(0, &[]);
    let file: toml::Table = made.stdout.parse().unwrap();
    assert_eq!(file.keys().collect::<Vec<_>>(), ["users"]);
    let mut alice = file["users"]["alice"].as_table().unwrap().clone();
    let scram = alice.remove("scram");
    let made_of = scram.iter().flat_map(|keys| keys.as_array().unwrap());
    let made_of = made_of.map(|keys| keys.as_str().unwrap().split('$').next().unwrap());
    assert_eq!(made_of.collect::<Vec<_>>(), hashes);
    assert_eq!(alice.keys().collect::<Vec<_>>(), keys);
    let secret = file["users"]["alice"].get("secret");
    assert!(secret.is_none_or(|secret| secret.as_str() == Some("pass\"word")));
}

#[rstest]
#[case::nothing(b"\n", "is empty")]
#[case::two_lines(b"one\ntwo\n", "more than one line")]
#[case::no_text(b"\xff\xfe", "not text")]
#[case::prohibited(b"a\x07b", "SASLprep prohibits")]
fn a_password_that_cannot_be_one_is_refused(#[case] input: &[u8], #[case] word: &str) {
    let ended = run_reading(&folder(), &["user", "alice"], input);
    ended.expect(2, &[word]);
    assert!(ended.stdout.is_empty() && !ended.stderr.contains("one\n"));
}
