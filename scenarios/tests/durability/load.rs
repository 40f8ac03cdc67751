//! A server that is killed at random moments under load, and as it starts again.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use super::{
    clients::Clients,
    dice::Dice,
    server::{SESSIONS, Server},
    sink::Sink,
};
use crate::{CLIENTS, PATIENCE, rounds, until, wait_for};

/// A round ends at a random moment, but not later than this.
const ROUND: Duration = Duration::from_millis(1500);
/// So many starts in a row may be in vain, less one.
const STARTS: usize = 4;

pub(crate) fn killed() -> Result<(), Failed> {
    let rounds = rounds()?;
    let mut dice = Dice::from_env()?;
    let seed = dice.seed();
    let sink = Sink::open();
    let mut server = Server::new(sink.address());
    let clock = Instant::now();
    server.start();
    let ready = clock.elapsed();
    let clients = Clients::begin(CLIENTS, server.address());
    let mut early = 0;
    for _ in 0..rounds {
        // Never too early to have done anything, or the round would show nothing.
        let before = clients.accepted().len();
        until("something is accepted in each round", || {
            clients.accepted().len() > before
        })?;
        thread::sleep(ROUND.mul_f64(dice.fraction()));
        server.kill();
        for _ in 0..dice.one_of(STARTS) {
            let moment = ready.mul_f64(dice.fraction());
            server.start_in_vain(|| {
                thread::sleep(moment);
                Ok(())
            })?;
            early += 1;
        }
        server.start();
        clients.follow(server.address());
    }
    let accepted = clients.end();
    let arrived = wait_for(&accepted, &sink);
    server.wait_until_empty(PATIENCE)?;
    server.terminate();
    let missing: Vec<_> = accepted.difference(&arrived).collect();
    let mut unexplained = Vec::new();
    // Messages that arrived from one life of the server and then from another.
    let mut again: BTreeMap<u32, usize> = BTreeMap::new();
    for (token, mut lives) in sink.received() {
        lives.sort_unstable();
        for pair in lives.windows(2) {
            match pair[0] == pair[1] {
                true => unexplained.push(token.clone()),
                false => *again.entry(pair[0]).or_default() += 1,
            }
        }
    }
    let duplicates: usize = again.values().sum();
    eprintln!(
        "seed {seed}: {rounds} kills, {early} more before it was ready, {} accepted, {} lost, \
         {duplicates} duplicates, {} unexplained",
        accepted.len(),
        missing.len(),
        unexplained.len()
    );
    if !missing.is_empty() {
        return Err(format!("seed {seed}: accepted and lost: {missing:?}").into());
    }
    // So no message arrives more than once, and once more for each kill that cut its delivery.
    if !unexplained.is_empty() {
        return Err(
            format!("seed {seed}: sent twice without a kill between: {unexplained:?}").into(),
        );
    }
    // A session takes the next message when what became of the last one is written down, so that a
    // kill leaves one message in doubt for each session, and no more.
    let most = again.values().max().copied().unwrap_or_default();
    if most > SESSIONS {
        return Err(format!("seed {seed}: {most} messages sent again after one kill").into());
    }
    Ok(())
}
