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
    pub(crate) mod dice;
    pub(crate) mod full;
    pub(crate) mod load;
    pub(crate) mod old;
    pub(crate) mod server;
    pub(crate) mod sink;
    pub(crate) mod start;
}

use std::{
    collections::BTreeSet,
    env, thread,
    time::{Duration, Instant},
};

use durability::{full, load, sink::Sink, start};
use libtest_mimic::{Arguments, Failed, Trial};

/// Rounds of the kill tests, unless the environment says otherwise (`ci/kill`).
const ROUNDS: u32 = 10;
/// Clients that submit without a pause.
const CLIENTS: usize = 8;
/// How long all that was accepted may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("a_server_killed_under_load_loses_nothing", load::killed),
        Trial::test("a_server_killed_at_its_start_loses_nothing", start::killed),
        Trial::ignorable_test("a_full_disk_loses_nothing", full::full),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn rounds() -> Result<u32, Failed> {
    Ok(match env::var("MSASPEC_KILL_ROUNDS") {
        Ok(rounds) => rounds.parse()?,
        Err(_) => ROUNDS,
    })
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

/// Waits until something has come about, or fails with what was expected.
fn until(expected: &str, is_so: impl Fn() -> bool) -> Result<(), Failed> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > deadline {
            return Err(expected.into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
