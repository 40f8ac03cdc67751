//! The run of a target that could not be judged: every case is inconclusive, for one reason.

use std::time::Duration;

use super::{Judged, Plan};
use crate::{
    error::Error,
    known::Known,
    report::{Run, Summary, TargetReport, UntestedReport},
    verdict::Verdict,
};

/// Reports that nothing could be judged of the target with this name, and why.
pub fn unjudged(name: &str, plan: &Plan, error: &Error) -> Run {
    let why = error.to_string();
    let nothing_is_known = Known::default();
    let cases: Vec<_> = plan
        .cases
        .iter()
        .map(|planned| {
            let judged = Judged::unasked(None, Verdict::Inconclusive, why.clone());
            let mut case = planned.report(&nothing_is_known, vec![(judged, Duration::ZERO)]);
            case.observations.clear();
            case.transcript = why.lines().map(|line| format!("== {line}")).collect();
            case
        })
        .collect();
    Run {
        target: TargetReport {
            name: name.to_owned(),
            ..TargetReport::default()
        },
        started: jiff::Timestamp::now().to_string(),
        duration_ms: 0,
        summary: Summary::of(&cases),
        cases,
        untested: plan.untested.iter().map(UntestedReport::from).collect(),
        unjudged: Some(why),
        stale_known: Vec::new(),
    }
}
