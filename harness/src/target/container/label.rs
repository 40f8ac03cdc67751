//! The labels of what we create, and the removal of what bears them.

use std::{
    collections::HashMap,
    fs,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

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
    remove(engine, PROCESS, &is_leftover)
}

/// Removes everything that this process has created: for a second Ctrl-C, when nobody waits for drops.
///
/// # Errors
/// [`Error::Target`] where no engine answers or it refuses.
pub fn remove_everything_of_this_process() -> Result<usize, Error> {
    let engine = Engine::find()?;
    remove(engine, &format!("{RUN}={}", run()?), &|_, _| true)
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

/// Removes the containers with their volumes, and then the networks, that bear the label and are `meant`, by
/// their labels and the second of their creation. One that cannot be removed does not keep the others.
pub(super) fn remove(engine: &Engine, label: &str, meant: Meant) -> Result<usize, Error> {
    let filters = HashMap::from([("label", vec![label])]);
    let docker = engine.docker();
    let all = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters);
    let containers = docker.list_containers(Some(all.build()));
    let containers = engine.ask("cannot list containers", containers)?;
    let containers = containers
        .into_iter()
        .map(|it| (it.id, it.labels, it.created));
    let mut removal = Removal::default();
    for id in chosen(containers, meant) {
        let by_force = RemoveContainerOptionsBuilder::new().force(true).v(true);
        let removing = docker.remove_container(&id, Some(by_force.build()));
        removal.count(engine.ask("cannot remove a container", removing));
    }
    let all = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = engine.ask("cannot list networks", docker.list_networks(Some(all)))?;
    let networks = networks.into_iter().map(|it| {
        let created = it.created.map(|date| date.unix_timestamp());
        (it.id, it.labels, created)
    });
    for id in chosen(networks, meant) {
        removal.count(remove_network(engine, &id));
    }
    removal.outcome()
}

/// The engine may let go of a container's address a moment after it has removed the container.
fn remove_network(engine: &Engine, id: &str) -> Result<(), Error> {
    let deadline = Instant::now() + LETTING_GO;
    loop {
        let removing = engine.docker().remove_network(id);
        match engine.ask("cannot remove a network", removing) {
            Err(e) if e.to_string().contains("active endpoints") && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(100));
            }
            outcome => return outcome,
        }
    }
}

#[derive(Default)]
struct Removal {
    count: usize,
    last_error: Option<Error>,
}

impl Removal {
    fn count(&mut self, removed: Result<(), Error>) {
        match counted(removed) {
            Ok(count) => self.count += count,
            Err(e) => self.last_error = Some(e),
        }
    }

    fn outcome(self) -> Result<usize, Error> {
        self.last_error.map_or(Ok(self.count), Err)
    }
}

type Labels = HashMap<String, String>;
type Meant<'a> = &'a (dyn Fn(&Labels, Option<i64>) -> bool + Sync);

fn chosen(
    all: impl Iterator<Item = (Option<String>, Option<Labels>, Option<i64>)>,
    meant: Meant,
) -> Vec<String> {
    let none = Labels::new();
    all.filter(|(_, labels, created)| meant(labels.as_ref().unwrap_or(&none), *created))
        .filter_map(|(id, ..)| id)
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

/// Whether the process that these labels name is no more. A bare number says nothing: it may be that of a
/// process on another machine.
fn is_leftover(labels: &Labels, created: Option<i64>) -> bool {
    let pid = labels.get(PID).and_then(|pid| pid.parse::<i32>().ok());
    let Some(pid) = pid.and_then(Pid::from_raw) else {
        return false;
    };
    let (Some(process), Some(ours)) = (labels.get(PROCESS), identity(std::process::id())) else {
        return false;
    };
    let lives = test_kill_process(pid) != Err(Errno::SRCH);
    let now = identity(pid.as_raw_nonzero().get().unsigned_abs());
    let before_boot = created
        .zip(boot())
        .is_some_and(|(created, boot)| created < boot);
    ended(
        process,
        lives,
        now.as_deref(),
        &ours,
        before_boot && is_local(),
    )
}

/// Whether `process` has ended, where its number is `now` that of another process, or of none.
fn ended(process: &str, lives: bool, now: Option<&str>, ours: &str, before_boot: bool) -> bool {
    let mut its = process.splitn(3, '/');
    let mut ours = ours.splitn(3, '/');
    let boot = its.next().filter(|boot| !boot.is_empty());
    if boot != ours.next() {
        // An earlier boot of this machine, or another machine.
        return boot.is_some() && before_boot;
    }
    if its.next() != ours.next() {
        return false;
    }
    !lives || now.is_some_and(|now| now != process)
}

/// Whether the engine is on this machine.
fn is_local() -> bool {
    std::env::var("DOCKER_HOST").map_or(true, |host| host.starts_with("unix://"))
}

/// The second in which this machine was started.
fn boot() -> Option<i64> {
    let status = fs::read_to_string("/proc/stat").ok()?;
    let mut lines = status.lines();
    lines.find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
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

const LETTING_GO: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same_process("b/n/1", true, Some("b/n/1"), false, false)]
    #[case::number_used_again("b/n/1", true, Some("b/n/2"), false, true)]
    #[case::no_more("b/n/1", false, None, false, true)]
    #[case::other_namespace("b/m/1", false, None, true, false)]
    #[case::earlier_boot("a/n/1", true, Some("b/n/1"), true, true)]
    #[case::other_machine("a/n/1", false, None, false, false)]
    #[case::nobody("", false, None, true, false)]
    fn a_process_has_ended_only_if_we_can_know(
        #[case] process: &str,
        #[case] lives: bool,
        #[case] now: Option<&str>,
        #[case] before_boot: bool,
        #[case] expected: bool,
    ) {
        assert_eq!(ended(process, lives, now, "b/n/7", before_boot), expected);
    }

    #[test]
    fn we_are_no_leftover_of_ours() {
        let mut labels = ours().unwrap();
        assert!(!is_leftover(&labels, Some(0)));
        if cfg!(target_os = "linux") {
            assert_eq!(labels[PROCESS].split('/').count(), 3);
            assert!(boot().is_some());
        }
        // Linux has no process of this number: a bare number is no proof.
        labels.insert(PID.to_owned(), i32::MAX.to_string());
        labels.remove(PROCESS);
        assert!(!is_leftover(&labels, Some(0)));
    }

    #[test]
    fn one_failure_does_not_keep_the_others() {
        let mut removal = Removal::default();
        removal.count(Err(Error::Target("No such container".to_owned())));
        removal.count(Err(Error::Target("refused".to_owned())));
        removal.count(Ok(()));
        assert_eq!(removal.count, 1);
        assert_eq!(removal.outcome().unwrap_err().to_string(), "refused");
    }
}
