//! What was answered 250 arrives, however often the server is killed and however full its disk is.
//!
//! Real processes: `msaspec serve` between clients that never stop and a next hop that keeps
//! everything. SIGKILL leaves the system's memory as it is, so that it shows what the server orders
//! and when it answers; what a disk does when the power fails is its own affair.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program of tests"
)]

mod durability {
    pub(crate) mod clients;
    pub(crate) mod server;
    pub(crate) mod sink;
}

use std::{
    collections::BTreeSet,
    env,
    process::Command,
    thread,
    time::{Duration, Instant, SystemTime},
};

use durability::{clients::Clients, server::Server, sink::Sink};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// Rounds of the kill test, unless the environment says otherwise (`ci/kill`).
const ROUNDS: u32 = 10;
/// Clients that submit without a pause.
const CLIENTS: usize = 8;
/// A round ends at a random moment, but not later than this.
const ROUND: Duration = Duration::from_millis(1500);
/// Within this time before a kill the next hop's answer to a message may have been lost, or the
/// record of it.
const SHORTLY: Duration = Duration::from_millis(300);
/// How long all that was accepted may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("a_killed_server_loses_nothing", killed),
        Trial::ignorable_test("a_full_disk_loses_nothing", full),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn killed() -> Result<(), Failed> {
    let rounds = match env::var("MSASPEC_KILL_ROUNDS") {
        Ok(rounds) => rounds.parse::<u32>()?,
        Err(_) => ROUNDS,
    };
    let mut dice = Dice::from_env()?;
    let seed = dice.0;
    let sink = Sink::open();
    let mut server = Server::new(sink.address());
    server.start();
    let clients = Clients::begin(CLIENTS, server.address());
    let mut kills: Vec<Instant> = Vec::new();
    for _ in 0..rounds {
        // Never too early to have done anything, or the round would show nothing.
        let before = clients.accepted().len();
        let deadline = Instant::now() + PATIENCE;
        while clients.accepted().len() == before {
            if Instant::now() > deadline {
                return Err(format!("seed {seed}: nothing was accepted in a round").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(ROUND.mul_f64(dice.fraction()));
        kills.push(Instant::now());
        server.kill();
        server.start();
        clients.follow(server.address());
    }
    let accepted = clients.end();
    let arrived = wait_for(&accepted, &sink);
    server.wait_until_empty(PATIENCE)?;
    server.terminate();
    let missing: Vec<_> = accepted.difference(&arrived).collect();
    let mut duplicates = 0;
    let mut unexplained = Vec::new();
    for (token, times) in sink.received() {
        duplicates += times.len() - 1;
        for pair in times.windows(2) {
            let lost = |kill: &Instant| {
                pair[0] <= *kill + SLACK
                    && *kill <= pair[1]
                    && kill.saturating_duration_since(pair[0]) < SHORTLY
            };
            if !kills.iter().any(lost) {
                unexplained.push(token.clone());
            }
        }
    }
    eprintln!(
        "seed {seed}: {rounds} kills, {} accepted, {} lost, {duplicates} duplicates, {} of them unexplained",
        accepted.len(),
        missing.len(),
        unexplained.len()
    );
    if !missing.is_empty() {
        return Err(format!("seed {seed}: accepted and lost: {missing:?}").into());
    }
    if !unexplained.is_empty() {
        return Err(
            format!("seed {seed}: sent twice without a kill between: {unexplained:?}").into(),
        );
    }
    Ok(())
}

/// The next hop may note a message an instant after the moment that is taken for the kill's.
const SLACK: Duration = Duration::from_millis(100);

/// A disk of 4 MiB that nobody empties: mail is refused, and taken again once the next hop is there.
fn full() -> Result<Completion, Failed> {
    let probe = Command::new("unshare")
        .args([
            "-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt",
        ])
        .output();
    match probe {
        Ok(probe) if probe.status.success() => {}
        Ok(_) => {
            return Ok(Completion::ignored_with(
                "no user may mount a tmpfs of his own here",
            ));
        }
        Err(error) => return Ok(Completion::ignored_with(format!("unshare: {error}"))),
    }
    let mut sink = Sink::reserve();
    let mut server = Server::new(sink.address());
    server.on_small_disk("4m");
    server.start();
    let clients = Clients::begin(2, server.address());
    let deadline = Instant::now() + PATIENCE;
    while !clients
        .refusals()
        .iter()
        .any(|reply| reply.starts_with("452 4.3.1"))
    {
        if Instant::now() > deadline {
            return Err(format!("the disk does not get full: {:?}", clients.refusals()).into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    let before = clients.accepted().len();
    sink.listen();
    while clients.accepted().len() <= before + 2 {
        if Instant::now() > deadline {
            return Err("nothing is accepted although the next hop is there".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    let other: Vec<_> = clients
        .refusals()
        .into_iter()
        .filter(|reply| !reply.starts_with("452 4.3.1"))
        .collect();
    let accepted = clients.end();
    let arrived = wait_for(&accepted, &sink);
    server.terminate();
    let missing: Vec<_> = accepted.difference(&arrived).collect();
    let twice = sink
        .received()
        .into_iter()
        .filter(|(_, times)| times.len() > 1)
        .count();
    match (missing.as_slice(), other.as_slice(), twice) {
        ([], [], 0) => Ok(Completion::Completed),
        _ => {
            Err(format!("lost: {missing:?}, other refusals: {other:?}, {twice} sent twice").into())
        }
    }
}

/// Waits until all that was accepted has arrived, or for too long. What has arrived.
fn wait_for(accepted: &BTreeSet<String>, sink: &Sink) -> BTreeSet<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let arrived = sink.received().into_keys().collect::<BTreeSet<_>>();
        if accepted.is_subset(&arrived) || Instant::now() > deadline {
            return arrived;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Numbers by chance (xorshift), from a seed that is printed.
struct Dice(u64);

impl Dice {
    fn from_env() -> Result<Self, Failed> {
        let seed = match env::var("MSASPEC_KILL_SEED") {
            Ok(seed) => seed.parse::<u64>()?,
            Err(_) => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)?
                .subsec_nanos()
                .into(),
        };
        Ok(Dice(seed | 1))
    }

    /// From 0 to 1.
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % 10_000) as f64 / 10_000.0
    }
}
