//! What a script returned becomes a verdict; only here.

use crate::{
    case::{Case, Proves},
    promises::{Family, ListenerName},
    report::{Observation, TlsState},
    session::{Afterwards, Record},
    target::{Listener, Target},
    verdict::{Deviation, Halt, Outcome, Step, Verdict, Weight},
};

/// What one listener did in one case, with what a report does not show.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What the report shows.
    pub observation: Observation,
    /// Where the verdict was decided, where there was a deviation.
    pub step: Option<Step>,
    pub(super) afterwards: Vec<Afterwards>,
}

pub(super) fn judge(
    target: &Target,
    listener: &Listener,
    case: &Case,
    mut record: Record,
    outcome: Outcome,
) -> Judged {
    let (verdict, reason, deviation) = match outcome {
        Ok(()) => match merged(record.notes) {
            None => (Verdict::Pass, None, None),
            Some(note) => (Verdict::Warn, None, Some(note)),
        },
        Err(Halt::Deviation(deviation)) => {
            (deviation.weight.verdict(case.level), None, Some(*deviation))
        }
        Err(Halt::Skip(reason)) => (Verdict::Skip, Some(reason), None),
        Err(Halt::Temporary(reply)) => match promised_for_ever_later(target, case, &reply) {
            None => (Verdict::Skip, Some(format!("temporary: {reply}")), None),
            Some(deviation) => (Verdict::Fail, None, Some(deviation)),
        },
        Err(Halt::Error(error)) => (Verdict::Inconclusive, Some(error.to_string()), None),
    };
    record.transcript.note(verdict.to_string());
    Judged {
        observation: Observation {
            port: listener.port,
            family: listener.family(),
            tls: match (listener.implicit_tls, record.started_tls) {
                (true, _) => TlsState::Implicit,
                (false, true) => TlsState::Starttls,
                (false, false) => TlsState::Clear,
            },
            verdict,
            reason,
            expected: deviation
                .as_ref()
                .map(|deviation| deviation.expected.clone()),
            observed: deviation
                .as_ref()
                .map(|deviation| deviation.observed.clone()),
            decisive: deviation.as_ref().map(|deviation| deviation.line),
            transcript: record.transcript.into_lines(),
        },
        step: deviation.map(|deviation| deviation.step),
        afterwards: record.afterwards,
    }
}

/// What was promised and is put off each time (a key that is missing, a password server that is gone) is
/// absent; only 421, which may be about our address, says nothing.
fn promised_for_ever_later(target: &Target, case: &Case, reply: &str) -> Option<Deviation> {
    let promise = match case.proves {
        Proves::Starttls if target.promises.starttls => "STARTTLS".to_owned(),
        Proves::Mechanism(name) if target.promises.mechanism(name) => format!("AUTH {name}"),
        _ => return None,
    };
    let later = reply.starts_with('4') && !reply.starts_with("421");
    later.then(|| Deviation {
        weight: Weight::Fail,
        expected: format!("{promise}, as promised"),
        observed: format!("{reply}, twice"),
        step: Step::Listener,
        line: 0,
    })
}

/// Several warnings are one verdict; the first one's place is shown, and nothing is said twice.
fn merged(notes: Vec<Deviation>) -> Option<Deviation> {
    let together = |part: fn(&Deviation) -> &str| {
        let mut parts: Vec<&str> = Vec::new();
        for text in notes.iter().map(part) {
            if !parts.contains(&text) {
                parts.push(text);
            }
        }
        parts.join("; ")
    };
    let (expected, observed) = (
        together(|note| &note.expected),
        together(|note| &note.observed),
    );
    let first = notes.into_iter().next()?;
    Some(Deviation {
        expected,
        observed,
        ..first
    })
}

impl Judged {
    /// A promised listener at an address that the host does not have.
    pub(super) fn absent(name: ListenerName) -> Judged {
        let observed = format!("the host has no {} address", name.family.ip());
        Judged {
            observation: Observation {
                port: name.port,
                family: name.family,
                tls: TlsState::Clear,
                verdict: Verdict::Fail,
                reason: None,
                expected: Some(format!("a listener at {name}, as promised")),
                transcript: vec![format!("== {observed}"), format!("== {}", Verdict::Fail)],
                observed: Some(observed),
                decisive: Some(0),
            },
            step: Some(Step::Listener),
            afterwards: Vec::new(),
        }
    }

    pub(super) fn unasked(listener: Option<&Listener>, verdict: Verdict, reason: String) -> Judged {
        Judged {
            observation: Observation {
                port: listener.map_or(0, |listener| listener.port),
                family: listener.map_or(Family::Inet, Listener::family),
                tls: TlsState::Clear,
                verdict,
                transcript: vec![format!("== {verdict}: {reason}")],
                reason: Some(reason),
                expected: None,
                observed: None,
                decisive: None,
            },
            step: None,
            afterwards: Vec::new(),
        }
    }

    /// A pass that could not be seen through is none.
    pub(super) fn withdraw(&mut self, reason: &str) {
        let observation = &mut self.observation;
        if observation.verdict == Verdict::Pass {
            observation.verdict = Verdict::Inconclusive;
            observation.reason = Some(reason.to_owned());
            if let Some(line) = observation.transcript.last_mut() {
                *line = format!("== {}: {reason}", Verdict::Inconclusive);
            }
        }
    }

    /// Something that was seen later makes the verdict worse, never better.
    pub(super) fn worsen(&mut self, case: &Case, deviation: Deviation) {
        let verdict = deviation.weight.verdict(case.level);
        let observation = &mut self.observation;
        if verdict <= observation.verdict {
            return;
        }
        let last = observation.transcript.len().saturating_sub(1);
        observation
            .transcript
            .insert(last, format!("== {}", deviation.observed));
        if let Some(line) = observation.transcript.last_mut() {
            *line = format!("== {verdict}");
        }
        observation.verdict = verdict;
        observation.reason = None;
        observation.expected = Some(deviation.expected);
        observation.observed = Some(deviation.observed);
        observation.decisive = Some(last);
        self.step = Some(deviation.step);
    }
}

/// A deviation that was seen apart from any session.
pub(super) fn seen_apart(
    expected: impl Into<String>,
    observed: impl Into<String>,
    step: Step,
) -> Deviation {
    Deviation {
        weight: Weight::Level,
        expected: expected.into(),
        observed: observed.into(),
        step,
        line: 0,
    }
}
