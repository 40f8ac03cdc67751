//! Servers that cannot be judged, that must not see a secret, or that keep a run waiting.

use std::{fs, net::SocketAddr, sync::atomic::Ordering, time::Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use rstest::rstest;
use serde_json::Value;

use crate::{folder, json, last_line, program::*, servers::*};

#[rstest]
#[case::refuses(nobody(), "cannot connect")]
#[case::speaks_http(
    server(says("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n")),
    "does not greet"
)]
#[case::says_nothing(server(says("")), "did not answer")]
#[case::never_ends_a_line(server(repeats("220220220220220220220220")), "a line of more than")]
#[case::never_ends_a_reply(server(repeats("220-so and so\r\n")), "does not greet")]
#[case::refuses_service(server(says("554 5.3.2 No service\r\n")), "554")]
#[case::closes(server(drop), "closed before the greeting")]
fn a_server_that_cannot_be_judged_is_named(#[case] address: SocketAddr, #[case] word: &str) {
    let folder = folder();
    let clock = Instant::now();
    let target = format!("smtp://{address}");
    let ended = run(
        &folder,
        &[
            "run",
            &target,
            "embedded",
            "--timeout",
            "1",
            "--json",
            "run.json",
        ],
    );
    ended.expect(3, &["could not be judged", word, &target]);
    assert!(
        clock.elapsed().as_secs() < 30,
        "it took {:?}",
        clock.elapsed()
    );
    assert!(
        last_line(&ended.stdout).starts_with("judged "),
        "{}",
        ended.stdout
    );
    let document: Value = json(&folder, "run.json");
    let [unjudged, judged] = document["runs"].as_array().unwrap().as_slice() else {
        panic!("{document}");
    };
    assert!(
        unjudged["unjudged"].as_str().unwrap().contains(word),
        "{unjudged}"
    );
    let cases = unjudged["cases"].as_array().unwrap();
    assert!(cases.iter().all(|case| case["verdict"] == "inconclusive"));
    assert!(judged["summary"]["pass"].as_u64().unwrap() > 0);
}

#[test]
fn a_refused_login_ends_the_run() {
    let folder = folder();
    let server = Serving::start(&folder, &[]);
    let ended = run_as_alice(&folder, &server, "not-it-4711", &server);
    ended.expect(3, &["the login of alice by PLAIN was refused: 535"]);
    assert!(!ended.said().contains("not-it-4711"));
}

#[test]
fn a_server_that_is_not_trusted_gets_no_credentials() {
    let (folder, other) = (folder(), folder());
    let server = Serving::start(&folder, &[]);
    let stranger = Serving::start(&other, &[]);
    run_as_alice(&folder, &server, "secret", &stranger).expect(
        1,
        &[
            "FAIL rfc8314-4.4-certificate-valid",
            "certificate not trusted: --ca or --insecure",
        ],
    );
}

#[test]
fn no_secret_is_shown_and_no_more_connections_are_made_than_announced() {
    const PASSWORD: &str = "Correct-Horse-4711";
    let folder = folder();
    let server = Serving::start(&folder, &["--user", &format!("alice:{PASSWORD}")]);
    let (address, connections) = counts_connections(server.address(0));
    fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
    let (target, ca) = (format!("smtp://{address}"), server.ca());
    let ended = run(
        &folder,
        &[
            "run",
            &target,
            "--user",
            "alice",
            "--password-file",
            "password",
            "--ca",
            ca.to_str().unwrap(),
            "--json",
            "run.json",
            "--junit",
            "run.xml",
            "-vv",
        ],
    );
    ended.expect(0, &["AUTH PLAIN [alice]", "and 0 messages"]);
    let mut everything = ended.said();
    for file in ["run.json", "run.xml"] {
        everything += &fs::read_to_string(folder.path().join(file)).unwrap();
    }
    let encoded = [format!("\0alice\0{PASSWORD}"), PASSWORD.to_owned()];
    for secret in encoded.map(|octets| BASE64_STANDARD.encode(octets)) {
        assert!(!everything.contains(&secret), "{secret} is shown");
    }
    assert!(!everything.contains(PASSWORD), "the password is shown");

    let announced = ended.stdout.split("at most ").nth(1).unwrap();
    let announced: usize = announced.split(' ').next().unwrap().parse().unwrap();
    let made = connections.load(Ordering::SeqCst);
    assert!(
        made <= announced,
        "{made} connections, and {announced} were announced"
    );
}

#[rstest]
#[case("INT", 130)]
#[case("TERM", 143)]
#[case("HUP", 129)]
fn an_interrupted_run_leaves_its_reports(#[case] name: &str, #[case] status: i32) {
    if name == "HUP" && hang_up_is_ignored() {
        return;
    }
    let folder = folder();
    let (connected, connection) = std::sync::mpsc::channel();
    let silent = server(move |stream| {
        let _ = connected.send(());
        says("")(stream);
    });
    let target = format!("smtp://{silent}");
    let arguments = [
        "run",
        &target,
        "embedded",
        "--timeout",
        "600",
        "--json",
        "run.json",
    ];
    let child = msaspec(&folder, &arguments).spawn().unwrap();
    // The first connection looks whether anybody listens, the second one waits for a greeting.
    connection.recv().unwrap();
    connection.recv().unwrap();
    signal(child.id(), name);
    let ended = end(child);
    ended.expect(status, &["the run was interrupted"]);
    assert!(
        last_line(&ended.stdout).starts_with("judged 0 of "),
        "{}",
        ended.stdout
    );
    let document = json(&folder, "run.json");
    assert_eq!(document["runs"].as_array().unwrap().len(), 2);
    assert_eq!(document["runs"][1]["cases"][0]["verdict"], "inconclusive");
}
