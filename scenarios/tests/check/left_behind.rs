//! Signals while a check does one thing or another: it ends soon, with its report, and leaves nothing.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Completion, Failed, Trial};

use super::program::{self, docker, ended_with, labelled, nothing_is_left};
use crate::{SEATS, trial};

/// What the check is doing, and how that is seen from outside.
type Phase = (
    &'static str,
    &'static str,
    fn(pid: u32) -> Result<bool, Failed>,
);

const PHASES: [Phase; 4] = [
    ("starting", ORIGIN, |pid| {
        Ok(!labelled("container", pid)?.is_empty())
    }),
    ("m4", ENDLESS, |pid| {
        Ok(server(pid)?.is_some_and(|server| runs(&server, "m4 ")))
    }),
    ("dialogues", SLOW, |pid| {
        Ok(server(pid)?.is_some_and(|server| logs(&server).contains("NOQUEUE: connect from")))
    }),
    // No dialogue uses a wrong password.
    ("cases", ORIGIN, |pid| {
        Ok(server(pid)?.is_some_and(|server| logs(&server).contains("AUTH failure")))
    }),
];

const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

const ORIGIN: &str = include_str!("../../../fixtures/sendmail/origin.mc");
/// Everything that m4 may take is taken.
const ENDLESS: &str = "OSTYPE(`debian')dnl\ndefine(`a', `a')a\n";
/// Lets every client wait a while, and tells the log of each.
const SLOW: &str = "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nOSTYPE(`debian')dnl\ndefine(`confLOG_LEVEL', `20')dnl\nFEATURE(`greet_pause', `3000')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n";

/// The longest wait for a phase; the image may have to be built.
const PATIENCE: Duration = Duration::from_secs(180);
/// The longest that it takes to end.
const SOON: Duration = Duration::from_secs(10);

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for phase in PHASES {
        for (signal, status) in SIGNALS {
            let name = format!("left-behind::{signal}-during-{}", phase.0);
            trials.push(trial(&name, SEATS, move || ends(phase, signal, status)));
        }
    }
    trials
}

fn ends((name, mc, has_come): Phase, signal: &str, status: i32) -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    let site = folder.path().join("site.mc");
    let json = folder.path().join("check.json");
    fs::write(&site, mc)?;
    let arguments = [site.as_os_str(), "--json".as_ref(), json.as_os_str()];
    let mut child = program::command(&arguments).spawn()?;
    let pid = child.id();
    wait_for(&mut child, name, has_come)?;
    let begin = Instant::now();
    Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .status()?;
    let output = child.wait_with_output()?;
    let took = begin.elapsed();
    ended_with(&output, status)?;
    nothing_is_left(pid)?;
    report_is_whole(&json)?;
    match took < SOON {
        true => Ok(Completion::Completed),
        false => Err(format!("it takes {took:?} to end").into()),
    }
}

fn report_is_whole(json: &Path) -> Result<(), Failed> {
    let report = program::report(json)?;
    match report["runs"]
        .as_array()
        .is_some_and(|runs| runs.len() == 1)
    {
        true => Ok(()),
        false => Err("the report has no run".into()),
    }
}

fn wait_for(
    child: &mut Child,
    name: &str,
    has_come: fn(u32) -> Result<bool, Failed>,
) -> Result<(), Failed> {
    let deadline = Instant::now() + PATIENCE;
    while !has_come(child.id())? {
        if let Some(status) = child.try_wait()? {
            return Err(format!("it ended before {name}: {status}").into());
        }
        if Instant::now() > deadline {
            child.kill()?;
            return Err(format!("{name} does not begin").into());
        }
        thread::yield_now();
    }
    Ok(())
}

/// The container that sendmail runs in.
fn server(pid: u32) -> Result<Option<String>, Failed> {
    let filter = format!("label=msaspec.pid={pid}");
    let names = docker(&["ps", "--filter", &filter, "--format", "{{.Names}}"])?;
    Ok(names
        .lines()
        .find(|name| name.ends_with("-server"))
        .map(str::to_owned))
}

fn runs(server: &str, command: &str) -> bool {
    let processes = docker(&["top", server, "-eo", "pid,args"]).unwrap_or_default();
    let mut commands = processes
        .lines()
        .filter_map(|line| line.trim().split_once(' '));
    commands.any(|(_, its)| its.trim().starts_with(command))
}

fn logs(server: &str) -> String {
    docker(&["logs", server]).unwrap_or_default()
}
