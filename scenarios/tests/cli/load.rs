//! Load: what it measures, whom it refuses, and how it ends.

use std::{
    io::{BufRead, BufReader, Write},
    sync::atomic::Ordering,
    time::Instant,
};

use rstest::rstest;

use crate::{folder, json, program::*, servers::*};

#[rstest]
#[case::clear("smtp", 0, &[])]
#[case::starttls("smtp+starttls", 0, &["--new"])]
#[case::implicit("smtps", 1, &["--mechanism", "SCRAM-SHA-256"])]
#[case::implicit_new("smtps", 1, &["--new", "--mechanism", "SCRAM-SHA-256"])]
fn a_load_is_measured(#[case] scheme: &str, #[case] nth: usize, #[case] more: &[&str]) {
    let folder = folder();
    let config = "hostname = \"submission.example\"\nspool = \"spool\"\nclear_text_login = true\n\
                  mechanisms = [\"PLAIN\", \"SCRAM-SHA-256\"]\n\
                  listeners = [\"127.0.0.1:0\", \"127.0.0.1:0/tls\"]\n[users]\nalice = \"secret-4711\"\n";
    std::fs::write(folder.path().join("serve.toml"), config).unwrap();
    let server = Serving::start(&folder, &["--config", "serve.toml"]);
    let (target, ca) = (format!("{scheme}://{}", server.address(nth)), server.ca());
    let arguments = [
        "load",
        &target,
        "--user",
        "alice:secret-4711",
        "--allow-clear-login",
        "--ca",
        ca.to_str().unwrap(),
        "--connections",
        "4",
        "--messages",
        "50",
        "--size",
        "2000",
        "--json",
        "load.json",
    ];
    let ended = run(&folder, &[&arguments[..], more].concat());
    ended.expect(0, &["50 accepted 0 failed", "reply after the dot", "p99"]);
    let document = json(&folder, "load.json");
    assert_eq!(document["format"], 1);
    assert_eq!(document["suite"]["name"], "msaspec");
    assert_eq!(
        (&document["accepted"], &document["failed"]),
        (&50.into(), &0.into())
    );
    assert_eq!(document["order"]["size"], 2000);
    assert_eq!(document["errors"], serde_json::json!({}));
    assert!(document["per_second"].as_f64().unwrap() > 0.0, "{document}");
    assert!(
        document["latency_ms"]["after_dot"]["p50"].is_f64(),
        "{document}"
    );
    let new = more.contains(&"--new");
    assert_eq!(
        document["latency_ms"]["session"].is_null(),
        !new,
        "{document}"
    );
    assert!(!format!("{}{document}", ended.said()).contains("4711"));
    // What it counts is what the server has.
    let queued = run(&folder, &["queue", "list", "--spool", "spool"]);
    assert_eq!(
        queued.stdout.matches("from <").count(),
        50,
        "{}",
        queued.stdout
    );
}

#[test]
fn sessions_without_mail_are_counted_too() {
    let folder = folder();
    let config = "hostname = \"submission.example\"\nspool = \"spool\"\nmechanisms = [\"SCRAM-SHA-256\"]\n\
                  listeners = [\"127.0.0.1:0/tls\"]\n[users]\nalice = \"secret-4711\"\n";
    std::fs::write(folder.path().join("serve.toml"), config).unwrap();
    let server = Serving::start(&folder, &["--config", "serve.toml", "--log", "json"]);
    let (target, ca) = (format!("smtps://{}", server.address(0)), server.ca());
    let arguments = [
        &["load", &target, "--sessions", "--ca", ca.to_str().unwrap()][..],
        &["--user", "alice:secret-4711", "--mechanism"],
        &["SCRAM-SHA-256", "--messages", "30", "--json", "load.json"],
    ];
    let ended = run(&folder, &arguments.concat());
    ended.expect(
        0,
        &["sessions without mail", "30 accepted", "sessions a second"],
    );
    let document = json(&folder, "load.json");
    assert_eq!(document["accepted"], 30);
    assert_eq!(document["order"]["mail"], false);
    assert!(document["latency_ms"]["session"]["p50"].is_f64());
    assert!(document["latency_ms"]["after_dot"].is_null());
    let queued = run(&folder, &["queue", "list", "--spool", "spool"]);
    assert!(!queued.stdout.contains("from <"), "{}", queued.stdout);
}

#[rstest]
#[case("smtp://192.0.2.1", &[], "--yes-this-is-my-server")]
#[case("smtps://[2001:db8::1]", &["--idle", "5", "--insecure"], "--yes-this-is-my-server")]
#[case("smtp://127.0.0.1", &["--user", "alice:secret"], "--allow-clear-login")]
#[case("smtp://127.0.0.1", &["--user", "alice", "--mechanism", "CRAM-MD5"], "$MSASPEC_PASSWORD")]
#[case("smtp://127.0.0.1", &["--size", "1"], "512")]
#[case("smtp://127.0.0.1", &["--messages", "1", "--seconds", "1"], "cannot be used")]
#[case("smtp://127.0.0.1", &["--sessions", "--new"], "cannot be used")]
#[case("smtp://127.0.0.1", &["--to", "nobody"], "NAME@DOMAIN")]
#[case("127.0.0.1", &[], "write smtp://HOST, smtp+starttls://HOST or smtps://HOST")]
#[case("http://127.0.0.1", &[], "write smtp://HOST, smtp+starttls://HOST or smtps://HOST")]
fn what_cannot_be_meant_is_refused(
    #[case] target: &str,
    #[case] more: &[&str],
    #[case] word: &str,
) {
    let arguments = [&["load", target][..], more].concat();
    run(&folder(), &arguments).expect(2, &[word]);
}

#[rstest]
#[case::refuses(nobody(), "cannot connect")]
#[case::says_nothing(server(says("")), "no reply to the connection in time")]
#[case::closes(server(drop), "closed")]
#[case::speaks_http(server(says("HTTP/1.1 400 Bad Request\r\n")), "is no reply")]
#[case::never_ends_a_line(server(repeats("220220220220")), "is no reply")]
#[case::refuses_service(
    server(says("554 5.3.2 No service\r\n")),
    "554 to the connection: 5.3.2 No service"
)]
fn a_server_that_cannot_be_measured_is_told_so(
    #[case] address: std::net::SocketAddr,
    #[case] word: &str,
) {
    let folder = folder();
    let target = format!("smtp://{address}");
    let arguments = ["load", &target, "--json", "load.json", "--timeout", "1"];
    run(&folder, &arguments).expect(3, &[word]);
    let why = json(&folder, "load.json")["unmeasured"].to_string();
    assert!(why.contains(word), "{why}");
}

#[test]
fn messages_that_are_refused_are_counted_by_their_reply() {
    let folder = folder();
    let server = Serving::start(&folder, &["--listen", "127.0.0.1:0,M="]);
    let target = format!("smtp://{}", server.address(0));
    let arguments = ["load", &target, "--messages", "7", "--json", "load.json"];
    run(&folder, &arguments).expect(3, &["0 accepted 7 failed", "7 530 to RCPT: 5.7.0 "]);
    let document = json(&folder, "load.json");
    assert_eq!(document["errors"]["530 to RCPT"], 7);
    let words = document["replies"]["530 to RCPT"].as_str().unwrap();
    assert!(words.starts_with("5.7.0 "), "{words}");
}

#[test]
fn the_sender_that_nobody_chose_is_one_that_a_strict_server_takes() {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    let target = format!("smtp+starttls://localhost:{}", server.address(0).port());
    let ca = server.ca();
    let arguments = [
        &["load", &target, "--user", "alice:secret", "--ca"][..],
        &[
            ca.to_str().unwrap(),
            "--messages",
            "2",
            "--connections",
            "1",
        ],
    ];
    run(&folder, &arguments.concat()).expect(0, &["2 accepted 0 failed"]);
}

#[test]
fn a_host_that_nobody_knows_cannot_be_measured() {
    let folder = folder();
    let arguments = ["load", "smtp://nowhere.invalid", "--json", "load.json"];
    let words = "smtp://nowhere.invalid: nowhere.invalid cannot be looked up";
    run(&folder, &arguments).expect(3, &[words]);
    assert!(json(&folder, "load.json")["unmeasured"].is_string());
}

#[test]
fn what_a_server_repeats_of_a_password_is_told_nobody() {
    let folder = folder();
    let address = server(|mut stream| {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let _ = stream.write_all(b"220 mail.example\r\n");
        while let Some(Ok(line)) = lines.next() {
            let reply = match line.starts_with("AUTH") {
                true => format!("535-5.7.8 hidden-4711\r\n535 5.7.8 {line}\r\n"),
                false => "250 OK\r\n".to_owned(),
            };
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    let target = format!("smtp://{address}");
    let account = ["--user", "alice:hidden-4711", "--allow-clear-login"];
    let ended = run(&folder, &[&["load", &target][..], &account].concat());
    let words = "535 to AUTH: 5.7.8 [secret] 5.7.8 AUTH PLAIN [secret]";
    ended.expect(3, &[words]);
}

#[rstest]
#[case("INT", 130)]
#[case("TERM", 143)]
fn idle_connections_are_held_until_a_signal(#[case] name: &str, #[case] status: i32) {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    let nth = server.ready["listeners"].as_array().unwrap().len() - 1;
    let (target, ca) = (format!("smtps://{}", server.address(nth)), server.ca());
    let arguments = [
        "load",
        &target,
        "--idle",
        "30",
        "--ca",
        ca.to_str().unwrap(),
        "--user",
        "alice:secret",
        "--json",
        "idle.json",
    ];
    let mut child = msaspec(&folder, &arguments).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "30 connections are open\n");
    signal(child.id(), name);
    assert_eq!(child.wait().unwrap().code(), Some(status));
    let document = json(&folder, "idle.json");
    let counts = ["wanted", "opened", "ended"].map(|key| document[key].as_u64().unwrap());
    assert_eq!(counts, [30, 30, 0], "{document}");
}

#[test]
fn a_load_that_is_interrupted_leaves_its_report() {
    let folder = folder();
    let server = Serving::start(&folder, &["--listen", "127.0.0.1:0,M="]);
    let (address, connections) = counts_connections(server.address(0));
    let target = format!("smtp://{address}");
    let arguments = ["load", &target, "--seconds", "600", "--json", "load.json"];
    let child = msaspec(&folder, &arguments).spawn().unwrap();
    // The first connection only looks whether the server can be measured.
    let clock = Instant::now();
    while connections.load(Ordering::SeqCst) < 2 {
        assert!(clock.elapsed().as_secs() < 60, "nothing is sent");
        std::thread::yield_now();
    }
    signal(child.id(), "INT");
    end(child).expect(130, &["messages a second"]);
    assert_eq!(json(&folder, "load.json")["interrupted"], true);
}
