//! Asks the cases of a target, in parallel, and turns what their scripts return into verdicts.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    case::{Case, On, Proves, Untested},
    error::Error,
    known::Known,
    report::{
        CaseReport, Observation, RequirementReport, Run, StaleKnown, Summary, TargetReport,
        UntestedReport,
    },
    session::{Afterwards, Record, Session, Shared},
    target::{Listener, Target},
    verdict::{Halt, Outcome, Verdict},
};

mod afterwards;
mod judged;
mod survey;
mod unjudged;

pub use judged::Judged;
use judged::judge;
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
    /// The requirements that it covers.
    pub requirements: Vec<RequirementReport>,
    /// Whether implementations read it differently.
    pub contested: bool,
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
    let questions = Mutex::new(questions(target, plan, &survey));
    let answers: Mutex<Vec<Vec<(Judged, Duration)>>> =
        Mutex::new(vec![Vec::new(); plan.cases.len()]);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(mut question) = lock(&questions).pop_front() {
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

/// Asks one case on one listener, and once more where the server puts us off.
pub fn ask(target: &Target, listener: &Listener, case: &Case, shared: &Shared) -> Judged {
    match first_attempt(target, listener, case, shared) {
        Ok(judged) => judged,
        Err(before) => second_attempt(target, listener, case, shared, before),
    }
}

/// The verdict, or what is to be looked at afterwards of a session that the server has put off.
fn first_attempt(
    target: &Target,
    listener: &Listener,
    case: &Case,
    shared: &Shared,
) -> Result<Judged, Vec<Afterwards>> {
    let (record, outcome) = attempt(target, listener, case, shared);
    // Logins that fail are counted: they are not made twice.
    let may_repeat = case.failed_logins == 0 || !target.treatment.is_gentle();
    match outcome {
        Err(Halt::Temporary(_)) if may_repeat => Err(record.afterwards),
        outcome => Ok(judge(target, listener, case, record, outcome)),
    }
}

fn second_attempt(
    target: &Target,
    listener: &Listener,
    case: &Case,
    shared: &Shared,
    before: Vec<Afterwards>,
) -> Judged {
    let (mut record, outcome) = attempt(target, listener, case, shared);
    // What was sent the first time may still arrive.
    record.afterwards.extend(before);
    judge(target, listener, case, record, outcome)
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

/// One case on one listener, or what is known without asking.
struct Question<'t> {
    case: usize,
    listener: Option<&'t Listener>,
    answer: Option<Judged>,
    /// What a first attempt has left, that the server has put off.
    before: Option<Vec<Afterwards>>,
}

impl Question<'_> {
    /// The verdict; or what a first attempt has left, and the question is to be asked again when the
    /// others have been.
    fn ask(
        &mut self,
        target: &Target,
        case: &Case,
        shared: &Shared,
    ) -> Result<Judged, Vec<Afterwards>> {
        let interrupted = || Error::Interrupted.to_string();
        match (self.listener, self.answer.take(), self.before.take()) {
            (_, Some(answer), _) => Ok(answer),
            (Some(listener), None, None) if !shared.interrupted() => {
                first_attempt(target, listener, case, shared)
            }
            (Some(listener), None, Some(before)) if !shared.interrupted() => {
                Ok(second_attempt(target, listener, case, shared, before))
            }
            (listener, None, _) => Ok(Judged::unasked(
                listener,
                Verdict::Inconclusive,
                interrupted(),
            )),
        }
    }
}

fn questions<'t>(
    target: &'t Target,
    plan: &Plan,
    survey: &survey::Survey,
) -> VecDeque<Question<'t>> {
    let mut left = target.treatment.failed_logins;
    let mut questions = VecDeque::new();
    for (index, planned) in plan.cases.iter().enumerate() {
        let case = planned.case;
        let mut push = |listener, answer| {
            questions.push_back(Question {
                case: index,
                listener,
                answer,
                before: None,
            });
        };
        let proves_listeners = case.proves == Proves::Listeners;
        let promised = |listener: &Listener| target.promises.listeners.contains(&listener.name());
        // A host can have an address at which nobody promised that it listens.
        let asked = |listener: &&Listener| {
            survey.is_open(listener) || (proves_listeners && promised(listener))
        };
        let listeners: Vec<_> = target
            .listeners_for(case.on)
            .into_iter()
            .filter(asked)
            .collect();
        let absent: Vec<_> = target
            .absent_listeners()
            .filter(|_| proves_listeners)
            .collect();
        for name in &absent {
            push(None, Some(Judged::absent(*name)));
        }
        if listeners.is_empty() && absent.is_empty() {
            let reason = match case.on {
                On::ImplicitTls => "no listener with implicit TLS",
                _ => "no such listener",
            };
            push(
                None,
                Some(Judged::unasked(None, Verdict::Skip, reason.to_owned())),
            );
            continue;
        }
        let needed = case.failed_logins * u32::try_from(listeners.len()).unwrap_or(u32::MAX);
        let spent = match &mut left {
            Some(left) if *left < needed => Some(format!(
                "needs --strain: {needed} more failed logins, and {left} are left of those that a run may make"
            )),
            Some(left) => {
                *left -= needed;
                None
            }
            None => None,
        };
        for listener in listeners {
            let skip = |reason| Judged::unasked(Some(listener), Verdict::Skip, reason);
            push(Some(listener), spent.clone().map(skip));
        }
    }
    questions
}

fn attempt(
    target: &Target,
    listener: &Listener,
    case: &Case,
    shared: &Shared,
) -> (Record, Outcome) {
    let mut session = Session::new(target, listener, case, shared);
    let outcome =
        catch_unwind(AssertUnwindSafe(|| (case.script)(&mut session))).unwrap_or_else(|_| {
            Err(Error::Target(format!(
                "{}: the script panicked, which is a bug of the suite",
                case.id
            ))
            .into())
        });
    (session.into_record(), outcome)
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
