//! What is to be checked, and what comes of it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use msaspec_harness::{error::Error, report::Run, session::Shared, target::container::Options};

use super::{
    baseline::{Baseline, tables},
    comparison,
    examination::{self, Examination},
    findings::Findings,
    search,
    site::Site,
    workshop::Workshop,
};

/// What is to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The `.mc`.
    pub site: PathBuf,
    /// Whether to write down what is so as what is expected from now on.
    pub accept: bool,
    /// Another `.mc`, to compare with instead of what was accepted.
    pub against: Option<PathBuf>,
    /// Another `.mc`: which of the changed lines make a difference is to be found.
    pub bisect: Option<PathBuf>,
    /// Words of the difference that is looked for; none: the most important one.
    pub difference: Option<String>,
    /// Kernel parameters of the machine, as the site's has them.
    pub sysctls: Vec<(String, String)>,
    /// How long the cases may take.
    pub budget: Duration,
    /// Sessions at a time.
    pub jobs: usize,
}

impl Order {
    /// Compares an `.mc` with what was accepted of it.
    pub fn of(site: PathBuf) -> Order {
        Order {
            site,
            accept: false,
            against: None,
            bisect: None,
            difference: None,
            sysctls: Vec::new(),
            budget: Duration::from_secs(60),
            jobs: 8,
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// About the configuration.
    pub findings: Findings,
    /// About the server.
    pub run: Run,
}

/// Why nothing was found.
#[derive(Debug)]
pub enum Problem {
    /// The files that were named cannot be meant: what is wrong with them, and what to do.
    Usage(String),
    /// The server could not be judged.
    Target(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        Problem::Target(error)
    }
}

/// Whom a check tells what it does, and who may end it.
#[derive(Clone, Copy)]
pub struct Hooks<'a> {
    /// What its sessions share.
    pub shared: &'a Shared,
    /// Told what is waited for.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// Builds, starts, judges, compares.
///
/// # Errors
/// [`Problem::Usage`] where a file cannot be used or m4 or sendmail does not take the configuration,
/// [`Problem::Target`] where the container fails or the check is interrupted.
pub fn check(order: &Order, hooks: &Hooks<'_>) -> Result<Outcome, Problem> {
    // What is wrong with the files is said first: it needs no container.
    let site = read(&order.site)?;
    let other = order.against.as_ref().or(order.bisect.as_ref());
    let other = other.map(|path| read(path)).transpose()?;
    let expectation = expectation(&order.site);
    let baseline = match other {
        // What is going to be replaced may be damaged.
        None if !order.accept => Baseline::read(&expectation).map_err(Problem::Usage)?,
        _ => None,
    };
    let interrupted = || hooks.shared.interrupted();
    let options = Options {
        interrupted: &interrupted,
        progress: hooks.progress,
    };
    let workshop = Workshop::open(&order.sysctls, &options)?;
    let compared = workshop.unless_interrupted(&options, || {
        compared(&workshop, order, hooks, &options, site, other, baseline)
    });
    match hooks.shared.interrupted() {
        true => Err(Error::Interrupted.into()),
        false => compared,
    }
}

fn compared(
    workshop: &Workshop,
    order: &Order,
    hooks: &Hooks<'_>,
    options: &Options<'_>,
    site: Site,
    other: Option<Site>,
    baseline: Option<Baseline>,
) -> Result<Outcome, Problem> {
    let expectation = expectation(&order.site);
    let examine = |site: &Site| {
        (hooks.progress)(&format!("building {}", site.mc.name));
        examination::examine(workshop, site, order, hooks, options)
    };
    let before = other
        .map(|other| examine(&other).map(|examination| (other, examination)))
        .transpose()?;
    let mut after = examine(&site)?;
    let kept = kept(&site, &after);
    if let Some((other, before)) = &before {
        let with = self::kept(other, before);
        let found = comparison::of(workshop, &site, Some(other), &with, &kept, &other.mc.name)?;
        if order.bisect.is_some() {
            (hooks.progress)("looking for the lines");
            let wanted = comparison::chosen(&found, order.difference.as_deref());
            let wanted = wanted.map_err(Problem::Usage)?;
            let search = search::Search {
                workshop,
                old: other,
                new: &site,
                before: &before.findings.facts,
                order,
                hooks,
                options,
            };
            after.findings.bisection = Some(search.lines_behind(wanted)?);
        }
        after.findings.comparison = Some(found);
    } else if order.accept {
        kept.write(&expectation).map_err(Problem::Usage)?;
    } else if let Some(baseline) = &baseline {
        let name = expectation.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        let found = comparison::of(workshop, &site, None, baseline, &kept, &name)?;
        after.findings.comparison = Some(found);
    }
    Ok(Outcome {
        findings: after.findings,
        run: after.run,
    })
}

/// Where what was accepted is kept: `SITE.expect` beside `SITE.mc`.
fn expectation(mc: &Path) -> PathBuf {
    mc.with_extension("expect")
}

fn read(path: &Path) -> Result<Site, Problem> {
    Site::read(path).map_err(Problem::Usage)
}

fn kept(site: &Site, examination: &Examination) -> Baseline {
    let Examination {
        findings,
        run,
        built,
    } = examination;
    Baseline {
        tables: Some(tables::of(site)),
        ..Baseline::of(findings, run, &site.mc.octets, &built.cf)
    }
}
