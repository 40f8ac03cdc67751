//! What cannot be meant by `msaspec check` is refused before any container is started.

use std::fs;

use rstest::rstest;

use crate::{folder, json, last_line, program::*};

#[rstest]
#[case(&["check"], &["SITE.mc"])]
#[case(&["check", "a.mc", "b.mc"], &["b.mc"])]
#[case(&["check", "a.mc", "--accept", "--against", "b.mc"], &["--accept", "--against", "cannot be used"])]
#[case(&["check", "a.mc", "--accept", "--bisect", "b.mc"], &["--accept", "--bisect", "cannot be used"])]
#[case(&["check", "a.mc", "--against", "b.mc", "--bisect", "b.mc"], &["--against", "--bisect", "cannot be used"])]
#[case(&["check", "a.mc", "--difference", "LOGIN"], &["--bisect", "not provided"])]
#[case(&["check", "a.mc", "--budget", "3601"], &["--budget"])]
#[case(&["check", "a.mc", "--budget", "soon"], &["--budget"])]
#[case(&["check", "a.mc", "--json", "-", "--sarif", "-"], &["--json and --sarif cannot both go to the standard output"])]
#[case(&["check", "a.mc", "--json", "x", "--markdown", "x"], &["--json and --markdown cannot be the same file"])]
#[case(&["check", "a.mc", "--json", "x", "--sarif", "./x"], &["--json and --sarif cannot be the same file"])]
#[case(&["check", "a.mc", "--markdown", "gone/x"], &["gone/x", "cannot be written"])]
fn what_cannot_be_meant_is_refused_in_a_sentence(
    #[case] arguments: &[&str],
    #[case] words: &[&str],
) {
    let ended = run(&folder(), arguments);
    ended.expect(2, words);
    assert!(!ended.said().contains("panicked"), "{}", ended.said());
}

#[test]
fn help_shows_examples_and_the_exit_status() {
    let ended = run(&folder(), &["check", "--help"]);
    ended.expect(
        0,
        &[
            "--bisect old.mc",
            "Exit status: 0",
            "SARIF",
            "[default: 60]",
        ],
    );
}

#[test]
fn a_refusal_leaves_what_was_in_a_file() {
    let folder = folder();
    let report = folder.path().join("x");
    fs::write(&report, "before").unwrap();
    let arguments = ["check", "a.mc", "--json", "x", "--markdown", "./x"];
    run(&folder, &arguments).expect(2, &["same file"]);
    assert_eq!(fs::read_to_string(&report).unwrap(), "before");
}

#[test]
fn the_reports_about_a_file_that_is_not_there_say_why_nothing_was_checked() {
    let folder = folder();
    let files = ["--json", "x.json", "--markdown", "x.md", "--sarif", "-"];
    let ended = run(&folder, &[&["check", "gone.mc"], &files[..]].concat());
    ended.expect(2, &["error:"]);
    assert!(
        last_line(&ended.stderr).starts_with("judged 0 of "),
        "{}",
        ended.stderr
    );
    let document = json(&folder, "x.json");
    assert!(document["runs"][0]["unjudged"].is_string(), "{document}");
    assert_eq!(document.get("check"), Some(&serde_json::Value::Null));
    let markdown = fs::read_to_string(folder.path().join("x.md")).unwrap();
    assert!(
        markdown.starts_with("### `gone.mc`: could not be checked"),
        "{markdown}"
    );
    let sarif: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        sarif["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
}
