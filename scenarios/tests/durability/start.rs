//! A server that is killed while it starts, again and again before it is ready.
//!
//! It finds a log of what was accepted, and takes over a spool of the older form. No next hop is
//! there until the last start, so that nothing may arrive twice, whatever was killed before.

use std::{collections::BTreeSet, thread, time::Instant};

use libtest_mimic::Failed;

use super::{clients::Clients, dice::Dice, old, server::Server, sink::Sink};
use crate::{CLIENTS, PATIENCE, rounds, until, wait_for};

/// Messages that were accepted before.
const ACCEPTED: usize = 200;
/// Messages of the older form in each round.
const OLD: usize = 60;
/// Starts that are killed in each round.
const KILLS: usize = 4;

pub(crate) fn killed() -> Result<(), Failed> {
    let rounds = rounds()?;
    let mut dice = Dice::from_env()?;
    let seed = dice.seed();
    let mut sink = Sink::reserve();
    let mut server = Server::new(sink.address());
    let clock = Instant::now();
    server.start();
    let ready = clock.elapsed();
    let clients = Clients::begin(CLIENTS, server.address());
    until("enough is accepted", || {
        clients.accepted().len() >= ACCEPTED
    })?;
    server.kill();
    let mut expected = clients.end();
    let mut delivered = BTreeSet::new();
    let spool = server.spool();
    for round in 0..rounds {
        old::write(&spool, round, OLD, &mut expected, &mut delivered);
        for kill in 0..KILLS {
            if kill % 2 == 0 {
                let moment = ready.mul_f64(dice.fraction());
                server.start_in_vain(|| {
                    thread::sleep(moment);
                    Ok(())
                })?;
            } else {
                let left = dice.one_of(old::count(&spool) + 1);
                server.start_in_vain(|| {
                    until("the older form is taken over", || {
                        old::count(&spool) <= left
                    })
                })?;
            }
        }
    }
    sink.listen();
    server.start();
    let arrived = wait_for(&expected, &sink);
    server.wait_until_empty(PATIENCE)?;
    server.terminate();
    let missing: Vec<_> = expected.difference(&arrived).collect();
    let twice: Vec<_> = sink
        .received()
        .into_iter()
        .filter(|(token, lives)| lives.len() > 1 || delivered.contains(token))
        .collect();
    eprintln!(
        "seed {seed}: {} starts killed, {} accepted, {} lost, {} sent twice",
        rounds as usize * KILLS,
        expected.len(),
        missing.len(),
        twice.len()
    );
    match (missing.as_slice(), twice.as_slice()) {
        ([], []) => Ok(()),
        _ => Err(format!("seed {seed}: lost: {missing:?}, sent twice: {twice:?}").into()),
    }
}
