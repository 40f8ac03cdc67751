//! The labels of what we create, and the removal of what bears them.

use std::{collections::HashMap, fs, sync::OnceLock};

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};

use super::engine::Engine;
use crate::error::Error;

/// The run of the program that created something.
pub const RUN: &str = "msaspec.run";
/// The process that created something.
pub const PID: &str = "msaspec.pid";
/// Which process of that number it was: the kernel's boot, the namespace of the number, the start.
pub const PROCESS: &str = "msaspec.process";
/// The network that something belongs to.
pub(super) const NETWORK: &str = "msaspec.network";

/// Removes what processes of this machine left behind that are no more, and says how much that was.
///
/// # Errors
/// [`Error::Target`] where no engine answers or it refuses.
pub fn sweep() -> Result<usize, Error> {
    let engine = Engine::find()?;
    remove(engine, PID, &is_leftover)
}

/// Removes everything that this process has created: for a second Ctrl-C, when nobody waits for drops.
///
/// # Errors
/// [`Error::Target`] where no engine answers or it refuses.
pub fn remove_everything_of_this_process() -> Result<usize, Error> {
    let engine = Engine::find()?;
    remove(engine, &format!("{RUN}={}", run()?), &|_| true)
}

/// The labels of everything that this process creates.
pub(super) fn ours() -> Result<HashMap<String, String>, Error> {
    let pid = std::process::id();
    let labels = [
        (RUN, run()?.to_owned()),
        (PID, pid.to_string()),
        (PROCESS, identity(pid).unwrap_or_default()),
    ];
    Ok(labels.map(|(key, value)| (key.to_owned(), value)).into())
}

/// A number that no other run has.
pub(super) fn run() -> Result<&'static str, Error> {
    static RUN: OnceLock<String> = OnceLock::new();
    if let Some(run) = RUN.get() {
        return Ok(run);
    }
    let run = getrandom::u32().map_err(Error::Random)?;
    Ok(RUN.get_or_init(|| format!("{run:08x}")))
}

/// Removes the containers with their volumes, and then the networks, that bear the label and are `meant`.
pub(super) fn remove(
    engine: &Engine,
    label: &str,
    meant: &(dyn Fn(&Labels) -> bool + Sync),
) -> Result<usize, Error> {
    let filters = HashMap::from([("label", vec![label])]);
    let docker = engine.docker();
    let all = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters);
    let containers = docker.list_containers(Some(all.build()));
    let containers = engine.ask("cannot list containers", containers)?;
    let containers = containers.into_iter().map(|it| (it.id, it.labels));
    let mut removed = 0;
    for id in chosen(containers, meant) {
        let by_force = RemoveContainerOptionsBuilder::new().force(true).v(true);
        let removing = docker.remove_container(&id, Some(by_force.build()));
        removed += counted(engine.ask("cannot remove a container", removing))?;
    }
    let all = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = engine.ask("cannot list networks", docker.list_networks(Some(all)))?;
    let networks = networks.into_iter().map(|it| (it.id, it.labels));
    for id in chosen(networks, meant) {
        let removing = docker.remove_network(&id);
        removed += counted(engine.ask("cannot remove a network", removing))?;
    }
    Ok(removed)
}

type Labels = HashMap<String, String>;

fn chosen(
    all: impl Iterator<Item = (Option<String>, Option<Labels>)>,
    meant: &dyn Fn(&Labels) -> bool,
) -> Vec<String> {
    all.filter(|(_, labels)| meant(labels.as_ref().unwrap_or(&Labels::new())))
        .filter_map(|(id, _)| id)
        .collect()
}

/// Somebody else may be removing the same things; then they are gone, which is all we want.
fn counted(removal: Result<(), Error>) -> Result<usize, Error> {
    match removal {
        Ok(()) => Ok(1),
        Err(e)
            if ["No such", "already in progress", "not found"]
                .iter()
                .any(|gone| e.to_string().contains(gone)) =>
        {
            Ok(0)
        }
        Err(e) => Err(e),
    }
}

/// Whether the process that these labels name is no more. One of another pid namespace cannot be known.
fn is_leftover(labels: &Labels) -> bool {
    let pid = labels.get(PID).and_then(|pid| pid.parse::<i32>().ok());
    let Some(pid) = pid.and_then(Pid::from_raw) else {
        return false;
    };
    let lives = test_kill_process(pid) != Err(Errno::SRCH);
    let number = pid.as_raw_nonzero().get().unsigned_abs();
    match labels.get(PROCESS).filter(|process| !process.is_empty()) {
        None => !lives,
        Some(process) => ended(
            process,
            lives,
            identity(number),
            identity(std::process::id()),
        ),
    }
}

/// Whether `process` has ended, where its number is `now` that of another process, or of none.
fn ended(process: &str, lives: bool, now: Option<String>, ours: Option<String>) -> bool {
    let mut its = process.splitn(3, '/');
    let ours = ours.unwrap_or_default();
    let mut ours = ours.splitn(3, '/');
    if its.next() != ours.next() {
        // An earlier boot of this machine; or another machine, where the engine is reached over a network.
        let host = std::env::var("DOCKER_HOST");
        return host.map_or(true, |host| host.starts_with("unix://"));
    }
    if its.next() != ours.next() {
        return false;
    }
    !lives || now.is_some_and(|now| now != process)
}

/// Boot, pid namespace and start of a process, where /proc tells.
fn identity(pid: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second column is the program's name in parentheses and may hold blanks; the start is the 22nd.
    let start = status
        .rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(19)?;
    let namespace = namespace.to_string_lossy();
    Some(format!("{}/{namespace}/{start}", boot.trim()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same_process("b/n/1", true, Some("b/n/1"), false)]
    #[case::number_used_again("b/n/1", true, Some("b/n/2"), true)]
    #[case::no_more("b/n/1", false, None, true)]
    #[case::other_namespace("b/m/1", false, None, false)]
    fn a_process_has_ended_only_if_we_can_know(
        #[case] process: &str,
        #[case] lives: bool,
        #[case] now: Option<&str>,
        #[case] expected: bool,
    ) {
        let ours = Some("b/n/7".to_owned());
        let now = now.map(str::to_owned);
        assert_eq!(ended(process, lives, now, ours), expected);
    }

    #[test]
    fn we_are_no_leftover_of_ours() {
        let mut labels = ours().unwrap();
        assert!(!is_leftover(&labels));
        if cfg!(target_os = "linux") {
            assert_eq!(labels[PROCESS].split('/').count(), 3);
        }
        labels.remove(PID);
        assert!(!is_leftover(&labels));
    }
}
