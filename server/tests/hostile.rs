//! Crowds of hostile clients on loopback, and one client that means well beside each. Alone in its
//! process, whose memory and descriptors it watches; the server has the limits that everybody has
//! who sets none.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]
#![allow(
    clippy::print_stdout,
    reason = "figures, and the seed of a run that failed"
)]

mod client;
mod crowd;
#[allow(dead_code, reason = "not every test program needs all of it")]
mod tls_client;

use std::path::Path;
use std::time::{Duration, Instant};

use msaspec_server::{Account, Config, Mechanism, Server};
use rustls::version::TLS13;
use tokio::time::{interval, timeout};

use client::submit;
use crowd::{Crowd, MALLORY};
use tls_client::TlsClient;

/// How soon a client that means well gets its message through.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a crowd takes to come or to go, at most.
const COMING: Duration = Duration::from_secs(60);
/// Memory of this process at its highest, in KiB; the crowds' own is in it.
const MEMORY: u64 = 256 * 1024;
/// Both ends of all connections are in this process.
const DESCRIPTORS: usize = 5000;

#[tokio::test(flavor = "multi_thread")]
async fn hostile_crowds_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(folder.path())).await.unwrap();
    let limit = open_files_limit();
    assert!(
        limit >= DESCRIPTORS,
        "this needs {DESCRIPTORS} file descriptors, and the hard limit is {limit} (ulimit -Hn)"
    );
    meet(&server, "connections", crowd::connections::crowd).await;
    meet(&server, "guesses", crowd::guesses::crowd).await;
    meet(&server, "handshakes", crowd::handshakes::crowd).await;
    meet(&server, "envelopes", crowd::envelopes::crowd).await;
    meet(&server, "contents", crowd::contents::crowd).await;
    server.shutdown().await;
}

/// Alice's password costs what it costs by default; mallory's is checked at once.
fn config(folder: &Path) -> Config {
    let mut config = Config::origin("msa.example.org", folder.join("spool"));
    config.listeners = vec![
        "127.0.0.1:0,M=a".parse().unwrap(),
        "127.0.0.1:0/tls,M=a".parse().unwrap(),
    ];
    config.mechanisms = vec![Mechanism::Plain, Mechanism::ScramSha256];
    let alice = Account::make("secret", &config.mechanisms).unwrap();
    let key = Account::stranger_key().unwrap();
    let users = format!("stranger_key = \"{key}\"\n{}", alice.to_toml("alice"));
    let file = folder.join("users.toml");
    std::fs::write(&file, users).unwrap();
    config.user_file = Some(file);
    let (user, password) = MALLORY;
    config.users.insert(user.to_owned(), password.to_owned());
    config
}

/// A client that means well comes five times while a crowd is there, and once it has gone.
async fn meet(server: &Server, name: &str, gather: fn(&Server) -> Crowd) {
    // Whatever is made once is there before anything is counted.
    get_through(server).await;
    let before = descriptors();
    let clock = Instant::now();
    let mut crowd = gather(server);
    let there = timeout(COMING, crowd.gather()).await;
    assert!(there.is_ok(), "{name}: the crowd did not get in");
    println!("{name}: there after {:?}", clock.elapsed());
    for _ in 0..5 {
        let clock = Instant::now();
        let through = timeout(PATIENCE, get_through(server)).await;
        assert!(through.is_ok(), "{name}: kept out a client that means well");
        println!("{name}: through in {:?}", clock.elapsed());
    }
    let during = descriptors();
    // Two for each that stays; what was there before may be closing still.
    assert!(during >= 2 * crowd.staying, "{during} descriptors");
    let highest = status("VmHWM:");
    println!(
        "{name}: {during} descriptors, {} MiB at the highest",
        highest / 1024
    );
    assert!(highest < MEMORY, "{highest} KiB");

    crowd.disperse().await;
    let mut tick = interval(Duration::from_millis(20));
    let all_closed = async {
        while descriptors() > before {
            tick.tick().await;
        }
    };
    if timeout(COMING, all_closed).await.is_err() {
        panic!("{} descriptors, and {before} before", descriptors());
    }
}

/// A message in clear text, and a session in TLS.
async fn get_through(server: &Server) {
    submit(server, &["bob@example.com"]).await;
    let mut client = TlsClient::connect(server, &TLS13, None).await.unwrap();
    let reply = client.say("QUIT").await;
    assert!(reply.starts_with("221 "), "{reply}");
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The soft limit, which the server has raised to the hard one.
fn open_files_limit() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    match line.split_whitespace().nth(3).unwrap() {
        "unlimited" => usize::MAX,
        number => number.parse().unwrap(),
    }
}

fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
