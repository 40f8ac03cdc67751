//! Every case three times on the reference server: as it is, behind a proxy that changes nothing,
//! and behind a proxy that tells the lie which the case has to catch. And every case on every
//! server in containers, where a run judges them all at once.

mod stage;

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use msaspec::catalogue::{self, Selection};
use msaspec_harness::{
    case::{Case, Level, Mutant},
    lie::{At, Certificate, Lie},
    report::{Observation, Run},
    run::{Judged, ask_everywhere, run},
    session::Shared,
    target::{
        embedded::{self, Profile},
        proxied::Proxied,
    },
    verdict::Verdict,
};
use stage::{SERVERS, Stage, Told};

/// How long a lied run waits for mail that a lie keeps back.
const LIED_DELIVERY: Duration = Duration::from_secs(2);

/// Further lies: what a script checks beside that which its own mutant breaks.
const MORE_LIES: &[(&str, &str, &[Lie])] = &[
    (
        "rfc5321-2.1-deliver-or-report-after-250",
        "twice",
        &[Lie::Repeat],
    ),
    (
        "rfc8314-4.4-certificate-valid",
        "expired",
        &[Lie::Certificate(Certificate::Expired)],
    ),
    (
        "rfc8314-4.4-certificate-valid",
        "other-name",
        &[Lie::Certificate(Certificate::OtherName)],
    ),
    (
        "rfc4954-4-cancel-501",
        "hangs-up",
        &[Lie::Close(At::Response(1))],
    ),
    (
        "rfc4954-4-retry-after-failure",
        "hangs-up",
        &[Lie::Close(At::Command("AUTH", 2))],
    ),
    (
        "rfc4954-4-second-auth-503",
        "forgets-the-login",
        &[Lie::Reply(At::Command("MAIL", 1), "530 5.7.0 Log in first")],
    ),
    (
        "rfc4954-4-unknown-mechanism-504",
        "with-initial-response",
        &[Lie::Reply(At::Command("AUTH", 2), "235 2.7.0 Hello")],
    ),
    (
        "rfc5321-4.1.1.5-rset-discards-transaction",
        "data",
        &[Lie::Answer(At::Command("DATA", 1), "354 Go on")],
    ),
    (
        "rfc5321-4.1.1.5-rset-discards-transaction",
        "keeps-recipients",
        &[Lie::Answer(At::Command("DATA", 2), "354 Go on")],
    ),
    (
        "rfc5321-4.2.1-multiline-same-code",
        "blanks-everywhere",
        &[Lie::Edit(At::Command("EHLO", 1), "250-", "250 ")],
    ),
    (
        "rfc2831-2.1.3-success-and-rspauth",
        "wrong-rspauth",
        &[Lie::Reply(
            At::Response(1),
            "334 cnNwYXV0aD0wMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA==",
        )],
    ),
    (
        "rfc6409-3.1-port-587-is-esmtp-submission",
        "no-keywords",
        &[Lie::Reply(At::Command("EHLO", 1), "250 submission.example")],
    ),
];

/// Advice, but a mutant that loses the mail fails it all the same.
const LOSES_MAIL: [&str; 1] = ["rfc5321-3.8-lost-after-dot-tried-again"];

/// Sessions at a time with a server in containers.
const JOBS: usize = 8;

fn main() -> io::Result<()> {
    let arguments = Arguments::from_args();
    stage::end_on_signals()?;
    let servers: Vec<_> = SERVERS
        .into_iter()
        .map(|name| Arc::new(Judgement::of(name)))
        .collect();
    let mut trials = Vec::new();
    for (_, case) in catalogue::cases() {
        trials.push(Trial::test(format!("truthful::{}", case.id), move || {
            truthful(case)
        }));
        trials.push(Trial::test(format!("proxied::{}", case.id), move || {
            proxied(case)
        }));
        trials.push(Trial::test(format!("lied::{}", case.id), move || {
            lied(case, case.mutant.lies())
        }));
        for (_, name, lies) in MORE_LIES.iter().filter(|(id, ..)| *id == case.id) {
            trials.push(Trial::test(
                format!("lied::{}::{name}", case.id),
                move || lied(case, lies),
            ));
        }
        for server in &servers {
            let judgement = server.clone();
            let name = format!("{}::{}", server.stage.name, case.id);
            trials.push(stage::trial(name, move || judgement.about(case)));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Containers go before the process does.
    drop(servers);
    conclusion.exit();
}

/// What a run finds about a server in containers: made once, looked up by every trial.
struct Judgement {
    stage: Arc<Stage>,
    run: OnceLock<Result<Run, String>>,
}

impl Judgement {
    fn of(name: &'static str) -> Judgement {
        Judgement {
            stage: Stage::new(name),
            run: OnceLock::new(),
        }
    }

    /// The case passes, or deviates in a way that is known. A skip is said with its reason.
    fn about(&self, case: &Case) -> Told {
        self.stage.shared(|running| {
            let judge = || {
                let plan = catalogue::plan(&Selection::default());
                run(&running.target, &plan, JOBS, &Shared::default(), &())
                    .map_err(|e| e.to_string())
            };
            let run = self
                .run
                .get_or_init(judge)
                .as_ref()
                .map_err(|reason| reason.as_str())?;
            let found = run
                .cases
                .iter()
                .find(|found| found.id == case.id)
                .ok_or("the case was not asked")?;
            let known = running.target.known.entry(case.id).is_some();
            match (found.verdict, &found.reason) {
                (Verdict::Pass, _) if known => {
                    Err("a known deviation is no more: strike it out of known.toml".into())
                }
                (Verdict::Pass, _) => Ok(Completion::Completed),
                (Verdict::Skip, Some(reason)) => Ok(Completion::ignored_with(reason.clone())),
                _ if found.known.is_some() => Ok(Completion::Completed),
                _ => Err(format!(
                    "{} {:?} expected {:?}, observed {:?}\n{}",
                    found.verdict,
                    found.reason,
                    found.expected,
                    found.observed,
                    found.transcript.join("\n")
                )
                .into()),
            }
        })
    }
}

/// The server keeps the requirement, in both profiles, except where the origin's is known to deviate.
fn truthful(case: &'static Case) -> Result<(), Failed> {
    let mut passed = false;
    for profile in [Profile::Modern, Profile::Origin] {
        let target = embedded::start(profile)?;
        let judged = ask_everywhere(&target, case, &Shared::default());
        let worst = worst(&judged)?;
        let known = target.known.entry(case.id).is_some();
        match worst.verdict {
            Verdict::Pass if !known => passed = true,
            Verdict::Skip => {}
            Verdict::Warn if known => {}
            _ => {
                return Err(because(
                    &format!("{} on {}", worst.verdict, target.name),
                    worst,
                ));
            }
        }
    }
    if passed {
        Ok(())
    } else {
        Err("neither profile was judged".into())
    }
}

/// A proxy that changes nothing changes no verdict.
fn proxied(case: &'static Case) -> Result<(), Failed> {
    let proxied = Proxied::new(embedded::start(profile_for(case)?)?, &[])?;
    let judged = ask_everywhere(&proxied.target, case, &Shared::default());
    let worst = worst(&judged)?;
    match worst.verdict {
        Verdict::Pass => Ok(()),
        verdict => Err(because(&format!("{verdict} behind an honest proxy"), worst)),
    }
}

/// The lie is caught, at a step that it touched, and weighs what the requirement's level says.
fn lied(case: &'static Case, lies: &[Lie]) -> Result<(), Failed> {
    if let Mutant::None(why) = case.mutant {
        return if why.len() > 20 {
            Ok(())
        } else {
            Err(format!("no mutant, and no reason: {why}").into())
        };
    }
    let mut target = embedded::start(profile_for(case)?)?;
    target.treatment.delivery_deadline = LIED_DELIVERY;
    let proxied = Proxied::new(target, lies)?;
    let judged = ask_everywhere(&proxied.target, case, &Shared::default());
    let worst = worst(&judged)?;
    let expected = match case.level {
        _ if LOSES_MAIL.contains(&case.id) => Verdict::Fail,
        Level::Must | Level::MustNot => Verdict::Fail,
        Level::Should | Level::ShouldNot | Level::May => Verdict::Warn,
    };
    if worst.verdict != expected {
        return Err(because(
            &format!(
                "the mutant survives: {} instead of {expected}",
                worst.verdict
            ),
            worst,
        ));
    }
    let caught = judged
        .iter()
        .filter(|judged| judged.observation.verdict == expected);
    match caught
        .filter_map(|judged| judged.step)
        .all(|step| proxied.touched(&step))
    {
        true => Ok(()),
        false => Err(because("judged at a step that no lie has touched", worst)),
    }
}

/// The modern profile, unless the case needs what only the origin's has.
fn profile_for(case: &'static Case) -> Result<Profile, Failed> {
    let target = embedded::start(Profile::Modern)?;
    let judged = ask_everywhere(&target, case, &Shared::default());
    Ok(if worst(&judged)?.verdict == Verdict::Skip {
        Profile::Origin
    } else {
        Profile::Modern
    })
}

fn worst(judged: &[Judged]) -> Result<&Observation, Failed> {
    let observations = judged.iter().map(|judged| &judged.observation);
    observations
        .rev()
        .max_by_key(|observation| observation.verdict)
        .ok_or_else(|| "no listener was asked".into())
}

fn because(what: &str, observation: &Observation) -> Failed {
    let Observation {
        reason,
        expected,
        observed,
        transcript,
        ..
    } = observation;
    let line = |name: &str, text: &Option<String>| {
        text.as_ref()
            .map(|text| format!("\n{name}: {text}"))
            .unwrap_or_default()
    };
    format!(
        "{what}{}{}{}\n{}",
        line("reason", reason),
        line("expected", expected),
        line("observed", observed),
        transcript.join("\n")
    )
    .into()
}
