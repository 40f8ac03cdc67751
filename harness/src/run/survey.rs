//! The first look at a target: which listeners are open, what EHLO offers, whether the login works.

use crate::{
    case::Case,
    error::Error,
    reply::Fault,
    report::{KeywordReport, TargetReport},
    session::{Session, Shared},
    target::{Listener, Target},
    verdict::{Halt, Outcome},
    wire::Wire,
};

/// What was found.
pub(super) struct Survey {
    open: Vec<Listener>,
    pub(super) report: TargetReport,
}

impl Survey {
    pub(super) fn is_open(&self, listener: &Listener) -> bool {
        self.open.contains(listener)
    }
}

/// The survey is no case: it has nobody's verdict.
const SURVEY: Case = Case {
    id: "survey",
    ..Case::DEFAULT
};

/// Looks at all listeners, and once through a whole login.
pub(super) fn survey(target: &Target, shared: &Shared) -> Result<Survey, Error> {
    let mut open = Vec::new();
    let mut closed = Vec::new();
    for listener in &target.listeners {
        match Wire::connect(listener.address, target.treatment.timeout) {
            Ok(_) => open.push(listener.clone()),
            Err(error) => {
                let address = listener.address;
                closed.push((listener.name(), Error::Connect { address, error }));
            }
        }
    }
    let Some(first) = open
        .iter()
        .find(|listener| listener.is_submission())
        .or(open.first())
    else {
        let no_listener = || Error::Target(format!("{} has no listener", target.name));
        let first = closed.into_iter().next();
        return Err(first.map_or_else(no_listener, |(_, error)| error));
    };
    // Those that are promised have a case that says so.
    for (_, error) in closed
        .iter()
        .filter(|(name, _)| !target.promises.listeners.contains(name))
    {
        tracing::warn!("this listener is left out: {error}");
    }
    let mut session = Session::new(target, first, &SURVEY, shared);
    let address = first.address;
    let greeting = session
        .connect()
        .or_else(|halt| match halt {
            Halt::Temporary(_) => session.connect(),
            other => Err(other),
        })
        .map_err(|halt| unjudgeable(address, "no greeting", halt))?;
    if greeting.code() != 220 || greeting.reply.faults.contains(&Fault::Endless) {
        let observed = greeting.observed();
        return Err(Error::Target(format!(
            "{address} does not greet as a mail server does (220): {observed:.120}"
        )));
    }
    let mut report = TargetReport {
        address: address.to_string(),
        greeting: greeting
            .observed()
            .trim_start_matches("220")
            .trim_start_matches(['-', ' '])
            .to_owned(),
        versions: target
            .versions
            .iter()
            .map(|(name, version)| (name.clone(), version.clone().into()))
            .collect(),
        image: target.image.clone(),
        configuration: target.configuration.clone(),
        ..TargetReport::default()
    };
    keywords(&mut session, &mut report.keywords)
        .map_err(|halt| unjudgeable(address, "the first dialogue failed", halt))?;
    Ok(Survey { open, report })
}

/// EHLO in every state that can be reached. What goes wrong on the way is for the cases to judge,
/// except a login that is refused.
fn keywords(session: &mut Session<'_>, keywords: &mut KeywordReport) -> Outcome {
    let words = |session: &Session<'_>| session.keywords().lines().to_vec();
    if session.ehlo()?.code() != 250 {
        return Ok(());
    }
    match session.encrypted() {
        true => keywords.tls = words(session),
        false => keywords.clear = words(session),
    }
    if session.keywords().offers("STARTTLS") {
        if session.start_tls().is_err() || session.ehlo()?.code() != 250 {
            return Ok(());
        }
        keywords.tls = words(session);
    }
    let gentle = session.target().treatment.is_gentle();
    let (Ok(credentials), Ok(mechanism)) = (session.credentials(), session.usable_mechanism())
    else {
        return Ok(());
    };
    // One mechanism may be broken, which its own case says; a login is refused when all are.
    let mut refusal = None;
    for mechanism in std::iter::once(mechanism).chain(session.other_mechanisms(mechanism)) {
        match session.authenticate(mechanism, &credentials) {
            Ok(answer) if answer.accepted() => {
                refusal = None;
                break;
            }
            Ok(answer) if answer.reply.class() == 5 => {
                let refused = format!(
                    "the login of {} by {mechanism} was refused: {}",
                    credentials.user,
                    answer.observed()
                );
                refusal.get_or_insert(refused);
            }
            // Put off, or broken: for the cases to judge.
            Ok(_) | Err(Halt::Deviation(_) | Halt::Skip(_) | Halt::Temporary(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        if gentle {
            break;
        }
    }
    if let Some(refused) = refusal {
        return Err(Error::Target(refused).into());
    }
    if session.ehlo()?.code() == 250 {
        keywords.authenticated = words(session);
    }
    Ok(())
}

fn unjudgeable(address: std::net::SocketAddr, what: &str, halt: Halt) -> Error {
    match halt {
        Halt::Error(error) => *error,
        Halt::Deviation(deviation) => Error::Target(format!(
            "{address}: {what}: expected {}, observed {}",
            deviation.expected, deviation.observed
        )),
        Halt::Skip(reason) | Halt::Temporary(reason) => {
            Error::Target(format!("{address}: {what}: {reason}"))
        }
    }
}
