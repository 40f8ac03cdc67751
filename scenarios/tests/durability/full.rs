//! A disk that is full for a while.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Completion, Failed};

use super::{clients::Clients, server::Server, sink::Sink};
use crate::{PATIENCE, wait_for};

/// A disk of 4 MiB that nobody empties: mail is refused, and taken again once the next hop is there.
pub(crate) fn full() -> Result<Completion, Failed> {
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
        .filter(|(_, lives)| lives.len() > 1)
        .count();
    match (missing.as_slice(), other.as_slice(), twice) {
        ([], [], 0) => Ok(Completion::Completed),
        _ => {
            Err(format!("lost: {missing:?}, other refusals: {other:?}, {twice} sent twice").into())
        }
    }
}
