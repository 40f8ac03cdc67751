//! The server's end while mail is coming in, and its log for machines.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{folder, program::*};

#[test]
fn mail_that_is_coming_in_is_taken_before_the_end_and_every_line_of_the_log_is_json() {
    let folder = folder();
    fs::write(folder.path().join("server.toml"), CONFIG).unwrap();
    let server = Serving::start(&folder, &["--config", "server.toml", "--log", "json"]);
    let mut busy = Client::connect(&server);
    let login = BASE64_STANDARD.encode("\0alice\0hidden-4711");
    for (command, code) in [
        ("EHLO client.example", "250 "),
        ("NONSENSE", "500 "),
        (&format!("AUTH PLAIN {login}"), "235 "),
        ("MAIL FROM:<alice@example.org>", "250 "),
        ("RCPT TO:<bob@example.net>", "250 "),
        ("DATA", "354 "),
        ("Subject: half of it", ""),
    ] {
        busy.say(command, code);
    }
    let mut idle = Client::connect(&server);
    server.signal("TERM");
    idle.expect("421 4.3.2 ");
    busy.say("\r\nThe other half.\r\n.", "250 2.0.0 ");
    busy.expect("421 4.3.2 ");
    assert_eq!(busy.0.read(&mut [0]).unwrap(), 0);
    let (status, log) = server.end();
    assert_eq!(status, Some(0), "{log}");

    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line["span"]["id"] == 1)
        .map(|line| line["fields"]["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        ["refused", "authenticated", "queued", "closed"],
        "{log}"
    );
    let queued = lines
        .iter()
        .find(|line| line["fields"]["message"] == "queued");
    let id = queued.unwrap()["fields"]["id"].as_str().unwrap();
    run(&folder, &["queue", "--spool", "spool"]).expect(0, &[id, "<bob@example.net>"]);
    assert!(
        !log.contains("hidden-4711") && !log.contains(&login),
        "{log}"
    );
}

#[test]
fn a_log_that_nobody_reads_costs_no_session() {
    let folder = folder();
    fs::write(folder.path().join("server.toml"), CONFIG).unwrap();
    let server = Serving::start_unread(&folder, &["--config", "server.toml"]);
    for _ in 0..2 {
        let mut client = Client::connect(&server);
        client.say("EHLO client.example", "250 ");
        client.say("NONSENSE", "500 ");
        client.say("QUIT", "221 ");
    }
    assert_eq!(server.stop("TERM"), Some(0));
}

#[test]
fn relative_paths_of_a_configuration_begin_at_the_working_directory() {
    let folder = folder();
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(folder.path().join("etc/server.toml"), CONFIG).unwrap();
    let server = Serving::start(&folder, &["--config", "etc/server.toml"]);
    assert!(folder.path().join("spool").is_dir());
    assert!(!folder.path().join("etc/spool").exists());
    assert_eq!(server.stop("TERM"), Some(0));
}

pub(crate) const CONFIG: &str = r#"
hostname = "submission.example"
spool = "spool"
listeners = ["127.0.0.1:0"]
clear_text_login = true
[users]
alice = "hidden-4711"
"#;

pub(crate) struct Client(BufReader<TcpStream>);

#[allow(clippy::unwrap_used, reason = "what fails here fails a test")]
impl Client {
    pub(crate) fn connect(server: &Serving) -> Client {
        let stream = TcpStream::connect(server.address(0)).unwrap();
        let patience = std::time::Duration::from_secs(60);
        stream.set_read_timeout(Some(patience)).unwrap();
        let mut client = Client(BufReader::new(stream));
        client.expect("220 ");
        client
    }

    /// Says a line; an empty code is for one that has no reply.
    pub(crate) fn say(&mut self, line: &str, code: &str) {
        write!(self.0.get_mut(), "{line}\r\n").unwrap();
        if !code.is_empty() {
            self.expect(code);
        }
    }

    fn expect(&mut self, beginning: &str) {
        let mut line = String::new();
        while line.is_empty() || line.as_bytes().get(3) == Some(&b'-') {
            line.clear();
            assert_ne!(
                self.0.read_line(&mut line).unwrap(),
                0,
                "closed: {beginning}"
            );
        }
        assert!(line.starts_with(beginning), "{line}");
    }
}
