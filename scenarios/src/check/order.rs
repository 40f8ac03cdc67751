//! What is to be checked, and what comes of it.

use std::{path::PathBuf, time::Duration};

use msaspec_harness::{error::Error, report::Run, session::Shared};

use super::findings::Findings;

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
    /// How long the cases may take.
    pub budget: Duration,
    /// Sessions at a time.
    pub jobs: usize,
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
/// Those of the files, of m4, and of the container.
pub fn check(_order: &Order, _hooks: &Hooks<'_>) -> Result<Outcome, Problem> {
    Err(Problem::Usage("not built yet".to_owned()))
}
