//! Every configuration of the fixtures against what was accepted of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use libtest_mimic::{Completion, Failed, Trial};
use msaspec::check::{Hooks, Order, Outcome, Problem, check, difference::Comparison};
use msaspec_harness::session::Shared;

use super::program::{self, ended_with, nothing_is_left, said};
use crate::trial;

/// All but the one that m4 does not build.
const SITES: [&str; 13] = [
    "access",
    "auth-options",
    "debian",
    "freebsd",
    "implicit-tls",
    "masquerade",
    "milter",
    "open-relay",
    "origin-before",
    "red-hat",
    "slackware",
    "smart-host",
    "virtual-hosting",
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = SITES
        .iter()
        .map(|site| {
            trial(&format!("site::{site}"), 1, move || {
                as_accepted(&path(site), Duration::ZERO)
            })
        })
        .collect();
    trials.push(trial("site::origin", 1, || {
        let origin = program::root().join("fixtures/sendmail/origin.mc");
        as_accepted(&origin, FULL)?;
        as_accepted(&origin, FULL)
    }));
    trials.push(trial("site::open-relay-is-found", 1, open_relay));
    trials.push(trial("site::syntax-error-is-refused", 1, syntax_error));
    trials.push(Trial::test("site::all-are-here", all_are_here));
    trials
}

/// Nothing differs, and no file of the site was touched.
fn as_accepted(site: &Path, budget: Duration) -> Result<Completion, Failed> {
    let folder = site.parent().ok_or("a site without a folder")?;
    let before = contents(folder)?;
    let outcome = checked(site, budget)?;
    if contents(folder)? != before {
        return Err(format!("{} was changed", folder.display()).into());
    }
    match outcome.findings.comparison {
        Some(found) if is_empty(&found) => Ok(Completion::Completed),
        Some(found) => Err(format!("{}: {found:#?}", site.display()).into()),
        None => Err(format!("nothing was accepted of {}", site.display()).into()),
    }
}

fn is_empty(found: &Comparison) -> bool {
    found.differences.is_empty()
        && found.transcripts.is_empty()
        && found.mc.is_empty()
        && found.cf.is_empty()
}

/// It was accepted, and is a fault all the same; where nothing was accepted the status says so.
fn open_relay() -> Result<Completion, Failed> {
    let copy = tempfile::tempdir()?;
    let mc = copy.path().join("open-relay.mc");
    fs::copy(path("open-relay"), &mc)?;
    let json = copy.path().join("check.json");
    let arguments = [mc.as_os_str(), "--budget".as_ref(), "0".as_ref()];
    let report = ["--json".as_ref(), json.as_os_str()];
    let (pid, output) = program::run(&[&arguments[..], &report[..]].concat())?;
    ended_with(&output, 1)?;
    nothing_is_left(pid)?;
    let document = program::report(&json)?;
    let advice = document["check"]["advice"].as_array();
    let found = advice
        .into_iter()
        .flatten()
        .find(|it| it["id"] == "open-relay");
    let found = found.ok_or_else(|| format!("no open relay is found: {}", said(&output)))?;
    let (kind, line) = (&found["kind"], &found["place"]["first"]);
    match *kind == "fault" && *line == 19 {
        true => Ok(Completion::Completed),
        false => Err(format!("it is a {kind} in line {line}").into()),
    }
}

fn syntax_error() -> Result<Completion, Failed> {
    let (pid, output) = program::run(&["fixtures/sendmail/sites/syntax-error/syntax-error.mc"])?;
    ended_with(&output, 2)?;
    nothing_is_left(pid)?;
    let said = said(&output);
    match said.contains("syntax-error.mc:17: ") && said.contains("`p y')dnl") {
        true => Ok(Completion::Completed),
        false => Err(format!("line 17 is not named: {said}").into()),
    }
}

/// A site that is added is tested, and has something accepted.
fn all_are_here() -> Result<(), Failed> {
    for folder in fs::read_dir(program::root().join("fixtures/sendmail/sites"))? {
        let folder = folder?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let known = SITES.contains(&&*name) || name == "syntax-error";
        if folder.is_dir() && !known {
            return Err(format!("{name} is not among the tested sites").into());
        }
    }
    Ok(())
}

fn path(site: &str) -> PathBuf {
    let folder = program::root().join("fixtures/sendmail/sites").join(site);
    folder.join(format!("{site}.mc"))
}

fn checked(site: &Path, budget: Duration) -> Result<Outcome, Failed> {
    let shared = Shared::default();
    let hooks = Hooks {
        shared: &shared,
        progress: &|_| {},
    };
    let order = Order {
        budget,
        ..Order::of(site.to_owned())
    };
    check(&order, &hooks).map_err(|problem| match problem {
        Problem::Usage(why) => why.into(),
        Problem::Target(error) => error.to_string().into(),
    })
}

/// Every file beneath a folder.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Failed> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => all.extend(contents(&path)?),
            false => drop(all.insert(path.clone(), fs::read(&path)?)),
        }
    }
    Ok(all)
}

/// What the program gives the cases.
const FULL: Duration = Duration::from_secs(60);
