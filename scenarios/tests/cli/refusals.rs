//! What cannot be meant is refused before anything is judged: status 2, and one sentence that names it.

use std::fs;

use rstest::rstest;

use crate::{PASSES, folder, json, last_line, program::*, servers::nobody};

#[rstest]
#[case::missing(None, "cannot be read")]
#[case::empty(Some(Vec::new()), "is empty")]
#[case::line_end_alone(Some(b"\n".to_vec()), "is empty")]
#[case::huge(Some(vec![b'a'; 2 << 20]), "larger than 1 MiB")]
#[case::no_text(Some(vec![0xff, 0xfe]), "not text")]
#[case::two_lines(Some(b"one\ntwo\n".to_vec()), "more than one line")]
fn a_password_file_that_cannot_be_used_is_named(
    #[case] content: Option<Vec<u8>>,
    #[case] word: &str,
) {
    let folder = folder();
    if let Some(content) = content {
        fs::write(folder.path().join("password"), content).unwrap();
    }
    let target = format!("smtp://{}", nobody());
    let arguments = [
        "run",
        &target,
        "--user",
        "alice",
        "--password-file",
        "password",
    ];
    let ended = run(&folder, &arguments);
    ended.expect(2, &["password", word]);
    assert!(!ended.said().contains("one\n"), "{}", ended.said());
}

#[rstest]
#[case(&["run", "embedded", "--only", "rfc9999"], &["--only rfc9999", "matches no case"])]
#[case(&["run", "embedded", "--only", "colour:red"], &["colour:red"])]
#[case(&["list", "--only", "chapter:nothing"], &["chapter:nothing", "greeting"])]
#[case(&["run", "embeded"], &["no target \"embeded\"", "sendmail", "did you mean", "embedded"])]
#[case(&["run", "./nowhere"], &["./nowhere", "no such folder"])]
#[case(&["run", "."], &["target.toml"])]
#[case(&["run", "smtp://"], &["smtp://HOST"])]
#[case(&["run", "imap://alice:hidden@mail.example"], &["imap: is not spoken here"])]
#[case(&["queue", "--spool", "slip.toml"], &["slip.toml", "is no folder"])]
#[case(&["queue", "list", "--spool", "nowhere"], &["nowhere: there is no such folder"])]
#[case(&["queue", "remove", "id", "--spool", "nowhere"], &["nowhere: there is no such folder"])]
#[case(&["serve", "--spool", "slip.toml"], &["does not start: spool: slip.toml: is no folder"])]
#[case(&["run", "smtp+starttls://mail.example"], &["smtp+starttls: is not spoken here: write smtp://HOST or smtps://HOST"])]
#[case(&["run", "smtp://mail.example:99999"], &["99999", "1 to 65535"])]
#[case(&["run", "smtp://alice:hidden@mail.example"], &["--user and --password-file"])]
#[case(&["run", "embedded", "--known", "unknown-id.toml"], &["unknown-id.toml", "rfc4954-4-second-auth-530", "did you mean rfc4954-4-second-auth-503"])]
#[case(&["run", "embedded", "--known", "malformed.toml"], &["malformed.toml, line 2"])]
#[case(&["run", "embedded", "--known", "missing.toml"], &["missing.toml", "cannot be read"])]
#[case(&["run", "embedded", "--known", "slip.toml"], &["slip.toml", "reason"])]
#[case(&["run", "embedded", "--known", "skip.toml"], &["skip.toml", "only \"warn\" and \"fail\""])]
#[case(&["run", "smtp://127.0.0.1:1", "--promise", "promise.toml"], &["promise.toml, line 1", "startls"])]
#[case(&["run", "smtp://127.0.0.1:1", "--ca", "malformed.toml"], &["malformed.toml", "no certificate"])]
#[case(&["run", "smtp://127.0.0.1:1", "--user", "alice"], &["--password-file FILE", "$MSASPEC_PASSWORD"])]
#[case(&["run", "smtp://127.0.0.1:1", "--password-file", "x"], &["--user"])]
#[case(&["run", "smtp://127.0.0.1:1", "--from", "alice"], &["--from", "NAME@DOMAIN"])]
#[case(&["run", "smtp://127.0.0.1:1", "--to", "a@b>\r\nDATA"], &["--to", "NAME@DOMAIN"])]
#[case(&["run", "smtp://127.0.0.1:1", "--server-name", "a b"], &["--server-name"])]
#[case(&["run", "smtp://127.0.0.1:1", "--next-hop", "192.0.2.1:25"], &["next hop", "192.0.2.1:25"])]
#[case(&["run", "embedded", "--to", "a@b.example"], &["--to is about smtp://"])]
#[case(&["run", "embedded", "--json", "no/such/folder.json"], &["no/such/folder.json", "cannot be written"])]
#[case(&["run", "embedded", "--json", "-", "--junit", "-"], &["standard output"])]
#[case(&["run", "embedded", "--json", "f", "--junit", "f"], &["cannot be the same file"])]
#[case(&["run", "embedded", "--json", "f", "--junit", "./f"], &["cannot be the same file"])]
#[case(&["run", "embedded", "--jobs", "0"], &["--jobs"])]
#[case(&["explain", "rfc4954-4-second-auth-530"], &["did you mean rfc4954-4-second-auth-503"])]
#[case(&["serve", "--config", "malformed.toml"], &["malformed.toml", "line 2"])]
#[case(&["serve", "--config", "missing.toml"], &["missing.toml", "cannot be read"])]
#[case(&["serve", "--config", "."], &[".: is a folder"])]
#[case(&["serve", "--config", "users.toml"], &["users.toml: line 3: users: not a table"])]
#[case(&["serve", "--config", "nowhere.toml"], &["does not start", "listeners: none given"])]
#[case(&["serve", "--config", "given.toml", "--ca-out", "ca.pem"], &["--ca-out", "no authority is made"])]
#[case(&["serve", "--config", "given.toml"], &["does not start", "certificate: nowhere.pem: cannot be read"])]
#[case(&["serve", "--log", "xml"], &["text, json"])]
#[case(&["user"], &["<NAME>"])]
#[case(&["user", ""], &["a name"])]
#[case(&["user", "alice"], &["the standard input: is empty"])]
#[case(&["user", "alice", "--mechanism", "XOAUTH2"], &["possible values", "SCRAM-SHA-256"])]
#[case(&["serve", "--listen", "localhost:587"], &["localhost:587"])]
#[case(&["serve", "--listen", "192.0.2.1:587", "--user", "bob:builder"], &["does not start", "192.0.2.1:587"])]
#[case(&["serve", "--listen", "0.0.0.0:0", "--next-hop", "hop.example:25"], &["an account is needed", "--user"])]
#[case(&["serve", "--user", "alice"], &["NAME:PASSWORD"])]
#[case(&["queue", "print", "nothing-of-this-id"], &["no message"])]
fn what_cannot_be_meant_is_refused_in_a_sentence(
    #[case] arguments: &[&str],
    #[case] words: &[&str],
) {
    let folder = folder();
    for (name, text) in [
        (
            "unknown-id.toml",
            "\"rfc4954-4-second-auth-530\" = \"why\"\n",
        ),
        ("malformed.toml", "# a list\nnot toml at all\n"),
        (
            "slip.toml",
            "\"rfc4954-4-second-auth-503\" = { reson = \"why\" }\n",
        ),
        (
            "skip.toml",
            "\"rfc4954-4-second-auth-503\" = { reason = \"why\", verdict = \"skip\" }\n",
        ),
        ("promise.toml", "startls = true\n"),
        (
            "users.toml",
            "hostname = \"a.example\"\nspool = \"s\"\nusers = \"hidden\"\n",
        ),
        (
            "given.toml",
            "hostname = \"a.example\"\nspool = \"s\"\nlisteners = [\"127.0.0.1:0\"]\nusers = { alice = \"hidden\" }\ncertificate = \"nowhere.pem\"\nkey = \"nowhere.pem\"\n",
        ),
        ("nowhere.toml", "hostname = \"a.example\"\nspool = \"s\"\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let ended = run(&folder, arguments);
    ended.expect(2, words);
    assert!(
        ended.stdout.is_empty() || ended.stdout.starts_with("judged 0 of "),
        "{}",
        ended.stdout
    );
    assert!(!ended.said().contains("hidden"), "{}", ended.said());
    assert!(!ended.said().contains("panicked"), "{}", ended.said());
}

#[test]
fn where_one_target_cannot_be_meant_none_is_judged_and_the_reports_say_so() {
    let folder = folder();
    let secret = "imap://alice:hidden@mail.example";
    let arguments = ["run", "embedded", "./gone", secret, "--only", PASSES];
    let files = ["--json", "run.json", "--junit", "run.xml"];
    let ended = run(&folder, &[&arguments[..], &files].concat());
    ended.expect(2, &["./gone: there is no such folder"]);
    assert_eq!(last_line(&ended.stdout), "judged 0 of 3");
    let document = json(&folder, "run.json");
    let runs = document["runs"].as_array().unwrap();
    let names: Vec<_> = runs.iter().map(|run| &run["target"]["name"]).collect();
    assert_eq!(names, ["embedded", "./gone", "imap://[...]@mail.example"]);
    for run in runs {
        assert_eq!(run["summary"]["inconclusive"], 1);
        assert_eq!(run["unjudged"], "./gone: there is no such folder");
    }
    let xml = fs::read_to_string(folder.path().join("run.xml")).unwrap();
    assert!(
        xml.contains("tests=\"3\"") && xml.contains("errors=\"3\""),
        "{xml}"
    );
    assert!(!xml.contains("hidden") && !document.to_string().contains("hidden"));
}

#[test]
fn a_refusal_cannot_command_the_terminal() {
    let ended = run(&folder(), &["run", "\u{1b}[31m\u{202e}embedded"]);
    ended.expect(2, &["no target"]);
    assert!(
        !ended.said().contains(['\u{1b}', '\u{202e}']),
        "{}",
        ended.said()
    );
    let ended = run(&folder(), &["run", "./\u{1b}[31m\u{202e}embedded"]);
    ended.expect(2, &["no such folder"]);
    assert!(
        !ended.said().contains(['\u{1b}', '\u{202e}']),
        "{}",
        ended.said()
    );
}

#[test]
fn a_password_file_with_a_name_in_it_is_doubted() {
    let folder = folder();
    let target = format!("smtp://{}", nobody());
    for (content, doubted) in [
        ("alice:secret\n", true),
        ("alice-secret", false),
        ("alice", false),
    ] {
        fs::write(folder.path().join("password"), content).unwrap();
        let account = ["--user", "alice", "--password-file", "password"];
        let ended = run(&folder, &[&["run", &target][..], &account].concat());
        let doubt = "password: the password begins with \"alice:\"";
        assert_eq!(ended.stderr.contains(doubt), doubted, "{}", ended.stderr);
        assert!(!ended.said().contains("secret"), "{}", ended.said());
    }
}

#[test]
fn a_log_filter_that_is_not_understood_is_named() {
    for (filter, named) in [("info,a=b=c", true), ("debug", false), ("", false)] {
        let folder = folder();
        let mut program = msaspec(&folder, &["queue"]);
        let ended = end(program.env("RUST_LOG", filter).spawn().unwrap());
        ended.expect(0, &["nothing"]);
        let found = ended
            .stderr
            .contains("RUST_LOG=\"info,a=b=c\" is not understood");
        assert_eq!(found, named, "{}", ended.stderr);
    }
}
