//! The evening in order, as one transcript, and the certificate.

use libtest_mimic::{Completion, Failed};
use msaspec_harness::{
    case::Case,
    line::visible,
    message::{Delivered, Received},
    promises::Family,
    session::{Session, Shared},
    target::{Listener, Target, container::Running},
    transcript::is_host,
    verdict::{Halt, Outcome},
};

use crate::{logins::FAMILIES, stage::Told};

const STORY: Case = Case {
    id: "evening",
    ..Case::DEFAULT
};

/// Listeners, refusal, EHLO, four logins, a wrong password, a message, and what arrived.
pub(crate) fn told(running: &Running) -> Told {
    let target = &running.target;
    let mut told = vec![listeners(running)?];
    for family in FAMILIES {
        told.push(dialogue(target, family, |s| {
            s.greeted()?;
            let sender = s.sender().to_owned();
            s.mail_from(&sender, "sender")?.expect(530)
        })?);
    }
    told.push(dialogue(target, Family::Inet6, |s| s.inside_tls())?);
    for name in &target.promises.mechanisms {
        let mechanism = name.parse().map_err(|e| format!("{e}"))?;
        told.push(dialogue(target, Family::Inet, move |s| {
            s.mechanism_offered(mechanism)?;
            let alice = s.credentials()?;
            s.authenticate(mechanism, &alice)?.expect(235)
        })?);
    }
    told.push(dialogue(target, Family::Inet, |s| {
        let (mechanism, alice) = s.login_possible()?;
        let wrong = msaspec_harness::mechanism::Credentials::new(&alice.user, "not-the-password");
        s.authenticate(mechanism, &wrong)?.expect(535)
    })?);
    let mut arrived = None;
    told.push(dialogue(target, Family::Inet, |s| {
        let mail = s.submit()?;
        arrived = Some(s.delivered(&mail)?);
        Ok(())
    })?);
    told.push(arrival(&arrived.ok_or("nothing arrived")?));
    crate::snapshot(format!("evening-{}", target.name), told.join("\n\n"));
    Ok(Completion::Completed)
}

/// The chain leads to the authority that the client was given, and both names are in it.
pub(crate) fn certificate(running: &Running) -> Told {
    let target = &running.target;
    let host = target.host.clone().ok_or("the target has no name")?;
    let mut names = Vec::new();
    for listener in target
        .listeners
        .iter()
        .filter(|listener| listener.is_submission())
    {
        let shared = Shared::default();
        let mut session = Session::new(target, listener, &STORY, &shared);
        session.inside_tls().map_err(|halt| format!("{halt:?}"))?;
        let verified = session.verification().ok_or("nothing was verified")?;
        verified.chain.clone()?;
        verified.name.clone()?;
        names = verified.dns_names.clone();
        if !names.contains(&host) {
            return Err(format!("{host} is not among {names:?}").into());
        }
    }
    if names.is_empty() {
        Err("no listener was asked".into())
    } else {
        Ok(Completion::Completed)
    }
}

/// What was promised really listens, as seen from inside the container.
fn listeners(running: &Running) -> Result<String, Failed> {
    let mut promised = running.target.promises.listeners.clone();
    let mut listening = running.really_listening().map_err(|e| e.to_string())?;
    promised.sort();
    listening.sort();
    let list = |names: &[msaspec_harness::promises::ListenerName]| {
        names
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if promised != listening {
        return Err(format!(
            "promised {}, listening {}",
            list(&promised),
            list(&listening)
        )
        .into());
    }
    Ok(format!(
        "== promised  {}\n== listening {}",
        list(&promised),
        list(&listening)
    ))
}

fn dialogue(
    target: &Target,
    family: Family,
    script: impl FnOnce(&mut Session<'_>) -> Outcome,
) -> Result<String, Failed> {
    let submission = |listener: &&Listener| listener.port == 587 && listener.family() == family;
    let listener = target
        .listeners
        .iter()
        .find(submission)
        .ok_or("no submission listener")?;
    let shared = Shared::default();
    let mut session = Session::new(target, listener, &STORY, &shared);
    let outcome = script(&mut session);
    let transcript = session.into_record().transcript.into_lines().join("\n");
    match outcome {
        Ok(()) => Ok(transcript),
        Err(Halt::Deviation(deviation)) => Err(format!(
            "expected {}, observed {}\n{transcript}",
            deviation.expected, deviation.observed
        )
        .into()),
        Err(halt) => Err(format!("{halt:?}\n{transcript}").into()),
    }
}

/// Envelope, the field that the server has put on top, the names of the others, and the body.
fn arrival(delivered: &Delivered) -> String {
    let fields = delivered.fields();
    let top = delivered
        .all("Received")
        .into_iter()
        .next()
        .unwrap_or_default();
    let clauses = Received::parse(&top);
    let host = |host: &Option<String>| match host.as_deref() {
        Some(host) if host.starts_with("client.example") => host.to_owned(),
        Some(host) if is_host(host) => "[host]".to_owned(),
        other => format!("{other:?}"),
    };
    let tls = ["TLSv1.3", "TLS1.3"]
        .iter()
        .any(|version| top.contains(version));
    let mut lines = vec![format!(
        "Received: from {} by {} with {} id {} ({}) for {}",
        host(&clauses.from),
        host(&clauses.by),
        clauses.with.as_deref().unwrap_or("nothing"),
        clauses.id.map_or("none", |_| "[id]"),
        if tls { "TLS 1.3" } else { "no TLS version" },
        clauses.for_.map_or("nobody", |_| "[recipient]"),
    )];
    // Which fields there are, not where servers put those that they add themselves.
    let mut others: Vec<_> = fields
        .iter()
        .skip(1)
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    others.sort();
    lines.push(format!("and {}", others.join(", ")));
    lines.push(String::new());
    lines.extend(
        delivered
            .body()
            .split_inclusive(|&octet| octet == b'\n')
            .map(visible),
    );
    lines
        .iter()
        .map(|line| format!("== {line}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}
