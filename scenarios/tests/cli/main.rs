//! The program from outside: exit status, sentences and reports.

mod check;
mod hostile;
mod load;
mod program;
mod queue;
mod refusals;
mod servers;
mod serving;
mod user;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Instant,
};

use program::*;
use rstest::rstest;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// A case that the reference server passes in both profiles.
const PASSES: &str = "rfc4954-4-second-auth-503";
/// A case that warns about the origin's profile.
const WARNS: &str = "rfc4954-4-no-plaintext-mechanism-without-tls";

#[allow(clippy::unwrap_used, reason = "what fails here fails a test")]
fn folder() -> TempDir {
    tempdir().unwrap()
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn without_a_word_the_reference_server_is_judged() {
    let ended = run(&folder(), &[]);
    ended.expect(0, &["embedded", "msaspec run smtp://HOST"]);
    assert!(
        last_line(&ended.stdout).starts_with("judged "),
        "{}",
        ended.stdout
    );
    assert!(!ended.said().contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn the_document_has_the_shape_that_scripts_rely_on() {
    let ended = run(
        &folder(),
        &["run", "embedded", "embedded-origin", "--json", "-"],
    );
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(
        last_line(&ended.stderr).starts_with("judged "),
        "{}",
        ended.stderr
    );
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["format"], 1);
    assert_eq!(document["suite"]["name"], "msaspec");
    let runs = document["runs"].as_array().unwrap();
    let names: Vec<_> = runs
        .iter()
        .map(|run| run["target"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["embedded", "embedded-origin"]);
    for run in runs {
        assert!(run["target"]["keywords"]["authenticated"].is_array());
        assert!(run["started"].as_str().unwrap().ends_with('Z'));
        assert!(run["untested"].is_array() && run["unjudged"].is_null());
        let cases = run["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        let counted: u64 = ["pass", "warn", "fail", "skip", "inconclusive"]
            .iter()
            .map(|verdict| run["summary"][verdict].as_u64().unwrap())
            .sum();
        assert_eq!(counted, cases.len() as u64);
        for case in cases {
            for key in CASE_KEYS {
                assert!(case.get(key).is_some(), "{key} is missing in {case}");
            }
            let observations = case["observations"].as_array().unwrap();
            // What was asked nowhere was observed nowhere.
            assert!(!observations.is_empty() || case["verdict"] == "skip");
            for observation in observations {
                assert_ne!(observation["port"], 0, "{case}");
                for key in ["family", "tls", "verdict", "observed", "transcript"] {
                    assert!(observation.get(key).is_some(), "{key} is missing in {case}");
                }
            }
            assert_eq!(
                case["verdict"] == "skip",
                case["reason"].is_string(),
                "{case}"
            );
        }
    }
}

const CASE_KEYS: [&str; 14] = [
    "id",
    "chapter",
    "requirement",
    "requirements",
    "level",
    "severity",
    "contested",
    "verdict",
    "reason",
    "known",
    "expected",
    "observed",
    "duration_ms",
    "transcript",
];

#[test]
fn junit_goes_to_the_standard_output_and_people_read_the_other() {
    let ended = run(
        &folder(),
        &["run", "embedded", "--only", PASSES, "--junit", "-"],
    );
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.starts_with("<?xml"), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("<testsuite name=\"embedded\" tests=\"1\""),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("classname=\"authentication\""));
    assert_eq!(last_line(&ended.stderr), "judged 1 of 1");
}

#[test]
fn a_reader_who_goes_away_changes_no_status() {
    let folder = folder();
    fs::write(folder.path().join("known.toml"), "").unwrap();
    let arguments = ["run", "embedded-origin", "--only", WARNS, "--strict"];
    let arguments = [&arguments[..], &["--known", "known.toml"]].concat();
    for report in [&["--json", "-"][..], &["--junit", "-"], &[]] {
        let (nobody, pipe) = std::io::pipe().unwrap();
        drop(nobody);
        let mut program = msaspec(&folder, &[&arguments[..], report].concat());
        let status = program.stdout(pipe).status().unwrap();
        assert_eq!(status.code(), Some(1), "{report:?}");
    }
}

#[test]
fn a_target_keeps_the_name_that_it_was_given_and_has_no_port_where_nothing_listens() {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    let target = format!("smtp://{}/", server.address(0));
    let id = "rfc8314-3.3-tls-first-on-465";
    let arguments = ["run", &target, "--only", id, "--json", "run.json"];
    run(&folder, &arguments).expect(3, &[&target, "no listener with implicit TLS"]);
    let document = json(&folder, "run.json");
    let run = &document["runs"][0];
    assert_eq!(run["target"]["name"], target.as_str());
    assert_eq!(run["cases"][0]["verdict"], "skip");
    assert_eq!(run["cases"][0]["observations"], serde_json::json!([]));
}

#[allow(clippy::unwrap_used, reason = "what fails here fails a test")]
fn json(folder: &TempDir, name: &str) -> Value {
    let text = fs::read_to_string(folder.path().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[rstest]
#[case::nothing_is_known("", &[], 0, "WARN")]
#[case::strict("", &["--strict"], 1, "WARN")]
#[case::known("ID = \"agreed upon\"", &["--strict"], 0, "agreed upon")]
#[case::worse_than_what_is_known("ID = { reason = \"agreed upon\", observed = \"554\" }", &["--strict"], 1, "WARN")]
fn a_warning_counts_as_its_reader_wants(
    #[case] known: &str,
    #[case] more: &[&str],
    #[case] status: i32,
    #[case] word: &str,
) {
    let folder = folder();
    let known = known.replace("ID", &format!("{WARNS:?}"));
    fs::write(folder.path().join("known.toml"), known).unwrap();
    let arguments = [
        "run",
        "embedded-origin",
        "--only",
        WARNS,
        "--known",
        "known.toml",
    ];
    let ended = run(&folder, &[&arguments, more].concat());
    ended.expect(status, &[word]);
    assert_eq!(last_line(&ended.stdout), "judged 1 of 1");
}

#[test]
fn a_known_deviation_that_passes_is_news() {
    let folder = folder();
    fs::write(
        folder.path().join("known.toml"),
        format!("{PASSES:?} = \"once it was so\"\n"),
    )
    .unwrap();
    let arguments = [
        "run",
        "embedded",
        "--only",
        PASSES,
        "--known",
        "known.toml",
        "--json",
        "run.json",
    ];
    run(&folder, &arguments).expect(1, &["These cases pass now", "once it was so"]);
    assert_eq!(
        json(&folder, "run.json")["runs"][0]["stale_known"][0]["id"],
        PASSES
    );
}

#[test]
fn where_every_case_is_skipped_nothing_was_judged() {
    let arguments = ["run", "embedded", "--only", "chapter:cram-md5"];
    let ended = run(&folder(), &arguments);
    ended.expect(3, &["is not offered"]);
    assert!(
        last_line(&ended.stdout).starts_with("judged 0 of "),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_promised_listener_without_an_address_fails() {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    let address = server.address(0);
    let promise = format!("listeners = [\"{}/inet\", \"587/inet6\"]\n", address.port());
    fs::write(folder.path().join("promise.toml"), promise).unwrap();
    let target = format!("smtp://{address}");
    let id = "rfc6409-3.1-port-587-is-esmtp-submission";
    let arguments = ["run", &target, "--only", id, "--promise", "promise.toml"];
    let ended = run(&folder, &arguments);
    ended.expect(
        1,
        &[
            "a listener at 587/inet6, as promised",
            "the host has no IPv6 address",
        ],
    );
}

#[test]
fn the_catalogue_is_listed_and_explained() {
    let folder = folder();
    run(&folder, &["list"]).expect(0, &[PASSES, "security", "untested"]);
    let listed = run(&folder, &["list", "--json", "--only", PASSES]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["cases"][0]["id"], PASSES);
    assert_eq!(listed["cases"][0]["requirements"][0]["rfc"], 4954);
    let words = [
        "the reply to the first AUTH becomes",
        "RFC 4954 section 4",
        "sendmail",
    ];
    run(&folder, &["explain", PASSES]).expect(0, &words);
    run(&folder, &["explain", WARNS]).expect(0, &["embedded-origin:"]);
}

#[test]
fn every_id_is_explained() {
    let folder = folder();
    for (_, case) in msaspec::catalogue::cases() {
        run(&folder, &["explain", case.id]).expect(0, &[case.id, case.requirement, "proved by"]);
    }
}

#[rstest]
#[case(&["--help"], "Examples:")]
#[case(&["--version"], "msaspec ")]
#[case(&["run", "--help"], "--allow-clear-login")]
#[case(&["serve", "--help"], "one line of JSON")]
#[case(&["list", "--help"], "Exit status: 0 done")]
#[case(&["explain", "--help"], "Exit status: 0 done")]
#[case(&["serve", "--help"], "Exit status: 0 a signal")]
#[case(&["queue", "--help"], "Exit status: 0 done")]
#[case(&["user", "--help"], "Exit status: 0 done")]
#[case(&["completions", "--help"], "Exit status: 0 done")]
#[case(&["user", "--help"], "never from the command line")]
#[case(&["completions", "bash"], "complete ")]
#[case(&["queue"], "nothing")]
fn help_is_at_hand(#[case] arguments: &[&str], #[case] word: &str) {
    run(&folder(), arguments).expect(0, &[word]);
}

#[test]
fn a_server_that_is_told_twice_ends_at_once() {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    let ca = server.ca();
    let address = server.address(0);
    let mut client = TcpStream::connect(address).unwrap();
    // Half of a command is what a shutdown waits for.
    client.write_all(b"EHLO client").unwrap();
    client.read_exact(&mut [0]).unwrap();
    server.signal("INT");
    let clock = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(clock.elapsed().as_secs() < 4, "the server still accepts");
    }
    assert_eq!(server.stop("INT"), Some(130));
    assert!(
        clock.elapsed().as_secs() < 4,
        "it took {:?}",
        clock.elapsed()
    );
    assert!(!ca.exists());
}

#[test]
fn a_server_that_is_told_to_end_ends_well_and_leaves_no_certificate() {
    for name in ["INT", "TERM"] {
        let folder = folder();
        let server = Serving::start(&folder, &[]);
        let ca = server.ca();
        assert!(ca.is_file());
        assert_eq!(server.stop(name), Some(0));
        assert!(!ca.exists());
    }
}
