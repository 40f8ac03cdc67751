//! What fits into the time of a check: a server that lets its clients wait, or counts their connections,
//! is not asked everything.

use std::{
    cmp::Reverse,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use msaspec_harness::{
    case::Severity,
    promises::Family,
    run::{Plan, Planned},
    target::Target,
};

use super::{findings::NotRun, promise::Pace};

/// The connections that may still be made.
#[derive(Debug)]
pub struct Purse {
    /// One a family, since each comes from an address of its own; none: as many as needed.
    left: [Option<Mutex<u32>>; 2],
    rate: [Option<u32>; 2],
}

impl Purse {
    /// A purse for what the server grants each of our addresses within one of its windows; `spent` were
    /// made already.
    pub fn of(inet: &Pace, inet6: &Pace, spent: u32) -> Purse {
        let rate = [inet, inet6].map(|pace| pace.rate_per_minute);
        Purse {
            left: rate.map(|rate| rate.map(|rate| Mutex::new(rate.saturating_sub(spent)))),
            rate,
        }
    }

    /// Takes connections out.
    ///
    /// # Errors
    /// Why there are not enough left, in words.
    pub fn take(&self, family: Family, connections: u32) -> Result<(), String> {
        let place = usize::from(family == Family::Inet6);
        let (Some(left), Some(rate)) = (&self.left[place], self.rate[place]) else {
            return Ok(());
        };
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(connections) {
            Some(rest) => {
                *left = rest;
                Ok(())
            }
            None => Err(format!(
                "ratecontrol: the server takes {rate} connections of one address within its window"
            )),
        }
    }
}

/// The cases of a plan that fit, and those that do not. What endangers most is asked first.
pub fn fitting(
    plan: Plan,
    target: &Target,
    pace: &Pace,
    purse: &Purse,
    jobs: usize,
    budget: Duration,
) -> (Plan, Vec<NotRun>) {
    let mut order: Vec<usize> = (0..plan.cases.len()).collect();
    order.sort_by_key(|&index| (Reverse(weight(&plan.cases[index])), index));
    let connection = CONNECTION + pace.greet_pause.unwrap_or_default();
    let mut needed = Duration::ZERO;
    let mut reasons = vec![None; plan.cases.len()];
    for index in order {
        let planned = &plan.cases[index];
        let listeners = target.listeners_for(planned.on);
        let count = u32::try_from(listeners.len()).unwrap_or(u32::MAX);
        let connections = planned.case.connections.saturating_mul(count);
        let time = connection * connections / u32::try_from(jobs.max(1)).unwrap_or(1);
        if needed + time > budget {
            reasons[index] = Some(format!(
                "the budget of {} s is spent (a connection takes {:.1} s here): a larger --budget has room",
                budget.as_secs(),
                connection.as_secs_f64()
            ));
            continue;
        }
        let families = listeners.iter().map(|listener| listener.family());
        let taken = families.map(|family| purse.take(family, planned.case.connections));
        match taken.collect::<Result<Vec<()>, String>>() {
            Ok(_) => needed += time,
            Err(reason) => reasons[index] = Some(reason),
        }
    }
    let mut fitting = Plan {
        cases: Vec::new(),
        ..plan
    };
    let mut not_run = Vec::new();
    for (planned, reason) in plan.cases.into_iter().zip(reasons) {
        match reason {
            None => fitting.cases.push(planned),
            Some(reason) => not_run.push(NotRun {
                id: planned.case.id.to_owned(),
                reason,
            }),
        }
    }
    (fitting, not_run)
}

fn weight(planned: &Planned) -> u8 {
    match planned.case.severity {
        Severity::Security => 2,
        Severity::Interop => 1,
        Severity::Hygiene => 0,
    }
}

/// What a connection takes with a server that lets nobody wait: measured on sendmail.
const CONNECTION: Duration = Duration::from_millis(250);
