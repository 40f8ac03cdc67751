//! One configuration, built, started, asked: everything that is found out before it is compared.

use std::thread;

use msaspec_harness::{error::Error, report::Run, target::container::Options, verdict::Verdict};

use super::{
    advice::{self, Evidence},
    complaint,
    facts::{Area, Facts},
    findings::Findings,
    mc::Statement,
    order::{Hooks, Order, Problem},
    promise,
    provenance::Provenance,
    served::serve,
    site::Site,
    workshop::{Built, Workshop},
};

/// What was found out about a configuration.
pub struct Examination {
    /// What stands in the report.
    pub findings: Findings,
    /// What the cases said.
    pub run: Run,
    /// What m4 has made.
    pub built: Built,
}

/// Everything about one configuration.
///
/// # Errors
/// As [`serve`].
pub fn examine(
    workshop: &Workshop,
    site: &Site,
    order: &Order,
    hooks: &Hooks<'_>,
    options: &Options<'_>,
) -> Result<Examination, Problem> {
    let served = serve(workshop, site, options)?;
    (hooks.progress)("talking to sendmail");
    let (provenance, routes, asked) = thread::scope(|scope| {
        let behind = scope.spawn(|| {
            let provenance = Provenance::find(workshop, &site.mc);
            (provenance, served.routes(workshop, site))
        });
        let asked = served.hear(hooks).map(|heard| {
            (hooks.progress)("asking the cases");
            let (plan, not_run) = served.plan(order);
            (heard, served.judge(&plan, order.jobs, hooks), not_run)
        });
        let behind = behind.join();
        let failed = || Error::Target("the search for lines of the .mc failed".to_owned());
        match behind {
            Ok((provenance, routes)) => (provenance, routes, asked),
            Err(_) => (Err(failed()), Err(failed()), asked),
        }
    });
    if hooks.shared.interrupted() {
        return Err(Error::Interrupted.into());
    }
    let (provenance, (mut heard, run, not_run)) = (provenance?, asked?);
    heard.facts.extend(routes?);
    heard.facts.extend(verdicts(&run));
    let placed = |line: &str| provenance.of(line).cloned();
    let mut promises = promise::explained(&served.built.cf, &served.daemons);
    for promise in &mut promises {
        // A feature can take lines away and add none.
        let feature = |statement: &&Statement| statement.argument(0) == promise.subject;
        promise.place = placed(&promise.cf).or_else(|| {
            let statement = site.mc.find("FEATURE").find(feature)?;
            Some(site.mc.place(statement.first, statement.last))
        });
    }
    let listeners = served.findings();
    let advice = advice::advice(&Evidence {
        mc: &site.mc,
        cf: &served.built.cf,
        daemons: &served.daemons,
        facts: &heard.facts,
        listeners: &listeners,
        placed: &placed,
    });
    let warnings = complaint::advice(&served.built.warnings, &site.mc);
    let advice = warnings.into_iter().chain(advice).collect::<Vec<_>>();
    heard.not_run.extend(not_run);
    let mut supplied = served.supplied.clone();
    supplied.extend(SURROUNDINGS.iter().map(|&words| words.to_owned()));
    let left_out = site.left_out.iter();
    let findings = Findings {
        file: site.mc.name.clone(),
        supplied,
        left_out: left_out
            .map(|(name, why)| format!("{name}: {why}"))
            .collect(),
        promises,
        listeners,
        not_run: heard.not_run,
        dialogues: heard.dialogues,
        advice,
        facts: heard.facts,
        comparison: None,
        bisection: None,
    };
    Ok(Examination {
        findings,
        run,
        built: served.built,
    })
}

pub(super) fn verdicts(run: &Run) -> Facts {
    let mut facts = Facts::default();
    for case in &run.cases {
        if case.verdict != Verdict::Inconclusive {
            // What sendmail does otherwise, whoever configures it, is no word about this site.
            let words = match case.known {
                Some(_) => format!("known {}", case.verdict),
                None => case.verdict.to_string(),
            };
            facts.note(Area::Verdicts, "", case.id.as_str(), words);
        }
    }
    facts
}

/// What surrounds every configuration.
const SURROUNDINGS: [&str; 3] = [
    "accounts alice and bob, in saslauthd and in sasldb",
    "next hop for every domain, on port 25",
    "name of the client: client.example",
];
