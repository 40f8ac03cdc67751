//! The proxy in front of the embedded server: what it tells, and whether it says so.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use msaspec_harness::{
    authority::Authority,
    lie::{At, Certificate, Lie},
    proxy::Proxy,
    target::Listener,
};
use msaspec_server::{Server, blocking};
use rstest::rstest;

fn start(lies: &[Lie]) -> (blocking::Server, Proxy) {
    let server = Server::builder()
        .user("alice", "secret")
        .start_blocking()
        .unwrap();
    let upstream: Vec<_> = server.listeners().iter().map(Listener::from).collect();
    let authority = Authority::new().unwrap();
    let proxy = Proxy::start(&upstream, &authority, "localhost", lies).unwrap();
    (server, proxy)
}

/// Says these lines on one connection; the beginning of the last reply.
fn dialogue(proxy: &Proxy, lines: &[&str]) -> String {
    let mut stream = TcpStream::connect(proxy.listeners()[0].address).unwrap();
    let replies = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut replies = replies
        .map(|line| line.unwrap_or_default())
        .filter(|line| line.as_bytes().get(3) != Some(&b'-'));
    let mut last = replies.next();
    for line in lines {
        write!(stream, "{line}\r\n").unwrap();
        last = replies.next();
    }
    last.unwrap_or_default().chars().take(3).collect()
}

#[rstest]
#[case::lower(Lie::Answer(At::Command("noop", 2), "421 4.3.2 Later"), "421", 1)]
#[case::upper(Lie::Answer(At::Command("NOOP", 2), "421 4.3.2 Later"), "421", 1)]
#[case::reply(Lie::Reply(At::Command("Noop", 2), "451 4.3.0 Later"), "451", 1)]
#[case::command(Lie::Command(At::Command("noop", 2), "NONSENSE"), "500", 1)]
#[case::edit(Lie::Edit(At::Command("noop", 2), "250", "550"), "550", 1)]
#[case::close(Lie::Close(At::Command("noop", 2)), "", 1)]
#[case::edits_nothing(Lie::Edit(At::Command("NOOP", 2), "no such text", ""), "250", 0)]
#[case::no_third(Lie::Close(At::Command("NOOP", 3)), "250", 0)]
#[case::no_such_verb(Lie::Close(At::Command("RCTP", 1)), "250", 0)]
#[case::no_tls(Lie::Certificate(Certificate::Expired), "250", 0)]
fn what_met_nothing_was_not_told(#[case] lie: Lie, #[case] code: &str, #[case] told: u64) {
    let (_server, proxy) = start(&[lie]);
    assert_eq!(
        dialogue(&proxy, &["EHLO client.example", "NOOP", "nOoP"]),
        code
    );
    assert_eq!(proxy.told(&lie), told);
    assert_eq!(proxy.told(&Lie::Close(At::Greeting)), 0);
}

#[test]
fn every_connection_is_counted_by_itself() {
    let second = Lie::Reply(At::Command("NOOP", 2), "451 4.3.0 Later");
    let (_server, proxy) = start(&[second]);
    for connection in 1..=3 {
        assert_eq!(dialogue(&proxy, &["NOOP"]), "250");
        // RSET does not begin to count anew.
        assert_eq!(dialogue(&proxy, &["NOOP", "RSET", "NOOP"]), "451");
        assert_eq!(proxy.told(&second), connection);
    }
}
