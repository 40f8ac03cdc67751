//! One case on one listener: asked, asked again where the server puts us off, or answered without asking.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{Judged, Plan, judged::judge, survey};
use crate::{
    case::{Case, Hop, On, Proves},
    error::Error,
    next_hop::NextHop,
    session::{Afterwards, Record, Session, Shared},
    target::{Listener, Target},
    verdict::{Halt, Outcome, Verdict},
};

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

/// One case on one listener, or what is known without asking.
pub(super) struct Question<'t> {
    pub(super) case: usize,
    listener: Option<&'t Listener>,
    answer: Option<Judged>,
    /// What a first attempt has left, that the server has put off.
    pub(super) before: Option<Vec<Afterwards>>,
}

impl Question<'_> {
    /// The verdict; or what a first attempt has left, and the question is to be asked again when the
    /// others have been.
    pub(super) fn ask(
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

/// All questions of a run, in the order of the plan.
pub(super) fn questions<'t>(
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
            .listeners_for(planned.on)
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
            let reason = match planned.on {
                On::ImplicitTls => "no listener with implicit TLS",
                On::ClearText => "no submission listener that begins in clear text",
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

/// Runs the script once; a panic in it is ours.
pub(super) fn attempt(
    target: &Target,
    listener: &Listener,
    case: &Case,
    shared: &Shared,
) -> (Record, Outcome) {
    let hop = target.next_hop.as_ref().filter(|_| case.hop == Hop::Alone);
    // Neither meets the other: this case the connections of others, nor others its rules.
    let hush = || hop.into_iter().for_each(NextHop::hush);
    hush();
    let mut session = Session::new(target, listener, case, shared);
    let outcome =
        catch_unwind(AssertUnwindSafe(|| (case.script)(&mut session))).unwrap_or_else(|_| {
            Err(Error::Target(format!(
                "{}: the script panicked, which is a bug of the suite",
                case.id
            ))
            .into())
        });
    hush();
    let outcome = session.redacted(outcome);
    (session.into_record(), outcome)
}
