//! Asks the cases of a target, in parallel, and turns what their scripts return into verdicts.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    case::{Case, Hop, On, Untested},
    error::Error,
    known::Known,
    report::{
        CaseReport, Observation, RequirementReport, Run, StaleKnown, Summary, TargetReport,
        UntestedReport,
    },
    session::Shared,
    target::{Listener, Target},
    verdict::Verdict,
};

mod afterwards;
mod judged;
mod question;
mod survey;
mod unjudged;

pub use judged::Judged;
pub use question::ask;
use question::questions;
pub use unjudged::unjudged;

/// What is to be asked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cases with their chapters, in the order of the report.
    pub cases: Vec<Planned>,
    /// What no client can observe.
    pub untested: Vec<Untested>,
}

/// A case with what the report says about it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its chapter.
    pub chapter: &'static str,
    /// The case.
    pub case: &'static Case,
    /// The listeners on which it is asked: the case's own, unless a plan wants more.
    pub on: On,
    /// The requirements that it covers.
    pub requirements: Vec<RequirementReport>,
    /// Whether implementations read it differently.
    pub contested: bool,
}

impl Plan {
    /// The same, where what is otherwise asked on one submission listener is asked on all of them.
    pub fn on_every_submission_listener(mut self) -> Plan {
        for planned in &mut self.cases {
            if planned.on == On::Any {
                planned.on = On::Submission;
            }
        }
        self
    }
}

/// Who wants to know how far a run is.
pub trait Progress: Sync {
    /// A case has its verdict.
    fn judged(&self, id: &str, verdict: Verdict);
}

impl Progress for () {
    fn judged(&self, _: &str, _: Verdict) {}
}

/// Judges a target.
///
/// # Errors
/// Why it cannot be judged at all: unreachable, no greeting, no handshake, login refused.
pub fn run(
    target: &Target,
    plan: &Plan,
    jobs: usize,
    shared: &Shared,
    progress: &dyn Progress,
) -> Result<Run, Error> {
    let started = jiff::Timestamp::now();
    let clock = Instant::now();
    let survey = survey::survey(target, shared)?;
    let answers: Mutex<Vec<Vec<(Judged, Duration)>>> =
        Mutex::new(vec![Vec::new(); plan.cases.len()]);
    let (alone, together) = questions(target, plan, &survey)
        .into_iter()
        .partition::<VecDeque<_>, _>(|question| plan.cases[question.case].case.hop == Hop::Alone);
    for (questions, jobs) in [(together, jobs.max(1)), (alone, 1)] {
        let questions = Mutex::new(questions);
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    // Taken in a statement of its own: the lock must not be held while the question is asked.
                    let next = || lock(&questions).pop_front();
                    while let Some(mut question) = next() {
                        let clock = Instant::now();
                        let index = question.case;
                        let planned = &plan.cases[index];
                        let judged = match question.ask(target, planned.case, shared) {
                            Ok(judged) => judged,
                            Err(before) => {
                                question.before = Some(before);
                                lock(&questions).push_back(question);
                                continue;
                            }
                        };
                        progress.judged(planned.case.id, judged.observation.verdict);
                        lock(&answers)[index].push((judged, clock.elapsed()));
                    }
                });
            }
        });
    }
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut all: Vec<_> = plan
        .cases
        .iter()
        .zip(&mut answers)
        .map(|(planned, answers)| {
            // Threads finish in any order; a report has the order of the listeners.
            answers.sort_by_key(|(judged, _)| listener_order(target, &judged.observation));
            (planned.case, answers)
        })
        .collect();
    afterwards::look_again(target, &mut all, shared);
    let cases: Vec<_> = plan
        .cases
        .iter()
        .zip(answers)
        .map(|(planned, answers)| planned.report(&target.known, answers))
        .collect();
    let elapsed = clock.elapsed();
    Ok(Run {
        target: TargetReport {
            name: target.name.clone(),
            ..survey.report
        },
        started: started.to_string(),
        duration_ms: millis(elapsed),
        summary: Summary::of(&cases),
        unjudged: None,
        stale_known: stale_known(&target.known, &cases),
        cases,
        untested: plan.untested.iter().map(UntestedReport::from).collect(),
    })
}

/// Asks one case on every listener that it is meant for, and looks again afterwards, as a run does.
pub fn ask_everywhere(target: &Target, case: &Case, shared: &Shared) -> Vec<Judged> {
    let listeners = target.listeners_for(case.on);
    let mut judged: Vec<_> = listeners
        .into_iter()
        .map(|listener| (ask(target, listener, case, shared), Duration::ZERO))
        .collect();
    afterwards::look_again(target, &mut [(case, &mut judged)], shared);
    judged.into_iter().map(|(judged, _)| judged).collect()
}

impl Planned {
    fn report(&self, known: &Known, answers: Vec<(Judged, Duration)>) -> CaseReport {
        let duration = answers.iter().map(|(_, duration)| *duration).sum();
        let mut observations: Vec<_> = answers
            .into_iter()
            .map(|(judged, _)| judged.observation)
            .collect();
        // The first of the worst, in the order of the listeners.
        let worst = observations
            .iter()
            .rev()
            .max_by_key(|observation| observation.verdict)
            .cloned();
        let worst = worst.unwrap_or_else(|| {
            Judged::unasked(None, Verdict::Skip, "nothing was asked".to_owned()).observation
        });
        // What was asked nowhere was observed nowhere.
        observations.retain(|observation| observation.port != 0);
        // A known deviation hides nothing that another listener does.
        let deviates = |observation: &&Observation| observation.verdict >= Verdict::Warn;
        let covers = |observation: &Observation| {
            let observed = observation.observed.as_deref().unwrap_or_default();
            known.covers(self.case.id, observation.verdict, observed)
        };
        let all_known = observations
            .iter()
            .filter(deviates)
            .all(|observation| covers(observation).is_some());
        let known = covers(&worst).filter(|_| all_known).cloned();
        CaseReport {
            id: self.case.id.to_owned(),
            chapter: self.chapter.to_owned(),
            requirement: self.case.requirement.to_owned(),
            requirements: self.requirements.clone(),
            level: self.case.level.to_string(),
            severity: self.case.severity.to_string(),
            contested: self.contested,
            verdict: worst.verdict,
            reason: worst.reason,
            known,
            expected: worst.expected,
            observed: worst.observed,
            duration_ms: millis(duration),
            transcript: worst.transcript,
            decisive: worst.decisive,
            observations,
        }
    }
}

impl From<&Untested> for UntestedReport {
    fn from(untested: &Untested) -> UntestedReport {
        UntestedReport {
            id: untested.id.to_owned(),
            requirement: untested.requirement.to_owned(),
            why: untested.why.to_owned(),
        }
    }
}

fn stale_known(known: &Known, cases: &[CaseReport]) -> Vec<StaleKnown> {
    let passed = cases.iter().filter(|case| case.verdict == Verdict::Pass);
    passed
        .filter_map(|case| {
            known.entry(&case.id).map(|deviates| StaleKnown {
                id: case.id.clone(),
                reason: deviates.reason.clone(),
            })
        })
        .collect()
}

fn listener_order(target: &Target, observation: &Observation) -> usize {
    let same = |listener: &Listener| {
        listener.port == observation.port && listener.family() == observation.family
    };
    target.listeners.iter().position(same).unwrap_or(usize::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
