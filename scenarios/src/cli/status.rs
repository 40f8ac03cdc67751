//! The exit status: what a script learns without reading a report.

use msaspec_harness::{error::Error, report::Run, verdict::Verdict};

/// Everything is as expected.
pub(super) const AS_EXPECTED: u8 = 0;
/// A deviation that is not known, or a known one that is none any more.
pub(super) const DEVIATES: u8 = 1;
/// Usage, or an unreadable file, or a selection that matches nothing.
pub(super) const USAGE: u8 = 2;
/// The target could not be judged.
pub(super) const NOT_JUDGED: u8 = 3;

/// The status for several targets: the first of 2, 1, 3, 0 that one of them has.
pub(super) fn of_all(statuses: &[u8]) -> u8 {
    let order = [USAGE, DEVIATES, NOT_JUDGED];
    let first = order.into_iter().find(|status| statuses.contains(status));
    first.unwrap_or(AS_EXPECTED)
}

/// The status for one target.
pub(super) fn of(judged: &Result<Run, Error>, strict: bool) -> u8 {
    match judged {
        Ok(run) => of_run(run, strict),
        Err(Error::File { .. }) => USAGE,
        Err(_) => NOT_JUDGED,
    }
}

fn of_run(run: &Run, strict: bool) -> u8 {
    let deviates = run.cases.iter().any(|case| {
        case.is_news() && (case.verdict == Verdict::Fail || strict && case.verdict == Verdict::Warn)
    });
    let judged = run.cases.iter().any(|case| case.is_judged());
    if deviates || !run.stale_known.is_empty() {
        DEVIATES
    } else if !judged || run.summary.inconclusive > 0 {
        NOT_JUDGED
    } else {
        AS_EXPECTED
    }
}
