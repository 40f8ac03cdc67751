//! The search for the changed lines that make a difference, on real servers.

use std::collections::BTreeMap;

use msaspec_harness::{run::Plan, target::container::Options};

use super::{
    bisect::{End, Outcome, apply, minimal},
    difference::{
        Difference, differences,
        lines::{Source, hunks},
    },
    examination::verdicts,
    facts::{Area, Facts},
    findings::{Bisection, Change},
    order::{Hooks, Order, Problem},
    served::serve,
    site::Site,
    workshop::Workshop,
};
use crate::catalogue::{self, Selection};

/// What a search needs.
pub struct Search<'a> {
    /// Where configurations are built and served.
    pub workshop: &'a Workshop,
    /// The older configuration.
    pub old: &'a Site,
    /// The newer one.
    pub new: &'a Site,
    /// What a user of the older one observes.
    pub before: &'a Facts,
    /// How it is asked.
    pub order: &'a Order,
    /// Who may end it.
    pub hooks: &'a Hooks<'a>,
    /// For containers.
    pub options: &'a Options<'a>,
}

impl Search<'_> {
    /// The changed lines that make this difference.
    ///
    /// # Errors
    /// [`Problem::Usage`] where the `.mc` alone does not make it, [`Problem::Target`].
    pub fn lines_behind(&self, wanted: &Difference) -> Result<Bisection, Problem> {
        let hunks = hunks(
            Source {
                file: &self.old.mc.name,
                octets: &self.old.mc.octets,
            },
            Source {
                file: &self.new.mc.name,
                octets: &self.new.mc.octets,
            },
        );
        let among = hunks.iter().map(Vec::len).sum();
        let mut seen: BTreeMap<String, Outcome> = BTreeMap::new();
        let (mut built, mut started) = (0, 0);
        let found = minimal(&hunks, MOST_TRIALS, |subset| -> Result<Outcome, Problem> {
            let chosen: Vec<Change> = subset.iter().flatten().cloned().collect();
            let octets = apply(&self.old.mc.octets, &self.new.mc.octets, &chosen);
            let site = self.new.with_mc(octets).map_err(Problem::Usage)?;
            built += 1;
            (self.hooks.progress)(&format!(
                "looking for the lines: {} of {among} changed lines",
                chosen.len()
            ));
            let cf = match self.built(&site)? {
                Some(cf) => cf,
                None => return Ok(Outcome::Unbuildable),
            };
            if let Some(outcome) = seen.get(&cf) {
                return Ok(*outcome);
            }
            started += 1;
            let outcome = self.shows(&site, wanted)?;
            seen.insert(cf, outcome);
            Ok(outcome)
        })?;
        if found.end == End::NotShown {
            return Err(Problem::Usage(format!(
                "\"{}\" does not come from the .mc: it comes from the files beside it",
                wanted.sentence
            )));
        }
        Ok(Bisection {
            difference: wanted.sentence.clone(),
            lines: found.changes.into_iter().flatten().collect(),
            minimal: found.end == End::Minimal,
            among,
            built,
            started,
        })
    }

    /// The `.cf` of a variant as it is compared; none where it cannot be built.
    fn built(&self, site: &Site) -> Result<Option<String>, Problem> {
        self.workshop.install(site)?;
        match self.workshop.build(site) {
            Ok(built) => Ok(Some(built.cf.comparable().join("\n"))),
            Err(Problem::Usage(_)) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Whether a server with this variant shows the difference.
    fn shows(&self, site: &Site, wanted: &Difference) -> Result<Outcome, Problem> {
        let served = match serve(self.workshop, site, self.options) {
            Ok(served) => served,
            Err(Problem::Usage(_)) => return Ok(Outcome::Unbuildable),
            Err(problem) => return Err(problem),
        };
        let mut facts = served.hear(self.hooks)?.facts;
        if wanted.area == Area::Routes {
            facts.extend(served.routes(self.workshop, site)?);
        }
        if wanted.area == Area::Verdicts {
            let plan = catalogue::plan(&Selection::default()).on_every_submission_listener();
            let mut cases = plan.cases;
            cases.retain(|planned| planned.case.id == wanted.question);
            let plan = Plan {
                cases,
                untested: Vec::new(),
            };
            facts.extend(verdicts(&served.judge(&plan, self.order.jobs, self.hooks)));
        }
        match wanted.is_among(&differences(self.before, &facts)) {
            true => Ok(Outcome::Shows),
            false => Ok(Outcome::DoesNotShow),
        }
    }
}

/// A trial that starts a server takes three seconds.
const MOST_TRIALS: usize = 200;
