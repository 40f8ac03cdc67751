//! The requirements by their ids, and the part of the catalogue that a run asks.

use std::{collections::BTreeMap, sync::LazyLock};

use msaspec_harness::{
    case::{Case, Chapter},
    report::RequirementReport,
    run::{Plan, Planned},
};
use serde::Deserialize;

use crate::CHAPTERS;

/// A requirement as the lists under `scenarios/requirements/` state it.
#[derive(Clone, Debug, Deserialize)]
pub struct Requirement {
    /// RFC, section, slug.
    pub id: String,
    /// Such as `RFC 4954`, or the name of a convention.
    pub rfc: String,
    /// The section, `-` for conventions.
    pub section: String,
    /// As in RFC 2119.
    pub level: String,
    /// `security`, `interop` or `hygiene`.
    pub severity: String,
    /// What has to be true.
    pub requirement: String,
    /// How it can be asked.
    pub probe: Vec<String>,
    /// What passes.
    pub pass: String,
    /// What a server does that fails.
    pub fail_example: String,
    /// Whether implementations read it differently.
    #[serde(default)]
    pub contested: bool,
    /// Who reads it how.
    pub contested_note: Option<String>,
    /// Who is known to differ without disputing it.
    pub known_deviation: Option<String>,
}

impl Requirement {
    /// The requirement by name and place.
    pub fn report(&self) -> RequirementReport {
        let rfc = self
            .rfc
            .strip_prefix("RFC ")
            .and_then(|number| number.parse().ok());
        let section = (rfc.is_some() && self.section != "-").then(|| self.section.clone());
        RequirementReport {
            id: self.id.clone(),
            rfc,
            section,
        }
    }
}

/// Every requirement that the project knows, tested or not, by id.
pub fn requirements() -> &'static BTreeMap<String, Requirement> {
    static REQUIREMENTS: LazyLock<BTreeMap<String, Requirement>> = LazyLock::new(|| {
        let lists = [
            include_str!("../requirements/core.jsonl"),
            include_str!("../requirements/extensions.jsonl"),
            include_str!("../requirements/relay.jsonl"),
        ];
        let lines = lists.into_iter().flat_map(str::lines);
        // A line that cannot be read is missing here, and `tests/catalogue.rs` counts the lines.
        let read = lines.filter_map(|line| serde_json::from_str::<Requirement>(line).ok());
        read.map(|requirement| (requirement.id.clone(), requirement))
            .collect()
    });
    &REQUIREMENTS
}

/// All cases with their chapters.
pub fn cases() -> impl Iterator<Item = (&'static Chapter, &'static Case)> {
    CHAPTERS
        .iter()
        .flat_map(|chapter| chapter.cases.iter().map(move |case| (chapter, case)))
}

/// The case with this id.
pub fn case(id: &str) -> Option<(&'static Chapter, &'static Case)> {
    cases().find(|(_, case)| case.id == id)
}

/// A part of the catalogue; everything where nothing is named.
#[derive(Clone, Debug, Default)]
pub struct Selection(Vec<Only>);

/// One `--only`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Only {
    Id(String),
    Chapter(String),
    Level(String),
    Severity(String),
}

impl Selection {
    /// Reads the values of `--only`.
    ///
    /// # Errors
    /// Names the first value that selects nothing, and what there is to select.
    pub fn parse<S: AsRef<str>>(values: &[S]) -> Result<Selection, String> {
        let mut selection = Selection::default();
        for value in values.iter().map(AsRef::as_ref) {
            let only = match value.split_once(':') {
                Some(("chapter", name)) => Only::Chapter(name.to_owned()),
                Some(("level", name)) => Only::Level(name.to_owned()),
                Some(("severity", name)) => Only::Severity(name.to_owned()),
                Some(_) => {
                    return Err(format!(
                        "--only {value}: write an id or its beginning, chapter:…, level:… or severity:…"
                    ));
                }
                None => Only::Id(value.to_owned()),
            };
            if !cases().any(|(chapter, case)| only.takes(chapter, case)) {
                return Err(format!("--only {value} matches no case{}", only.hint()));
            }
            selection.0.push(only);
        }
        Ok(selection)
    }

    /// Whether a case is selected.
    pub fn takes(&self, chapter: &Chapter, case: &Case) -> bool {
        self.0.is_empty() || self.0.iter().any(|only| only.takes(chapter, case))
    }

    /// Whether everything is.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }
}

impl Only {
    fn takes(&self, chapter: &Chapter, case: &Case) -> bool {
        match self {
            Only::Id(beginning) => begins_with(case.id, beginning),
            Only::Chapter(name) => chapter.name == name,
            Only::Level(level) => case.level.to_string() == *level,
            Only::Severity(severity) => case.severity.to_string() == *severity,
        }
    }

    fn hint(&self) -> String {
        match self {
            Only::Id(_) => ": `msaspec list` shows the ids".to_owned(),
            Only::Chapter(_) => {
                let names: Vec<_> = CHAPTERS.iter().map(|chapter| chapter.name).collect();
                format!(": the chapters are {}", names.join(", "))
            }
            Only::Level(_) => ": the levels are must, must-not, should, should-not, may".to_owned(),
            Only::Severity(_) => ": the severities are security, interop, hygiene".to_owned(),
        }
    }
}

/// Whole components from the beginning: `rfc5321-4.5` begins `rfc5321-4.5.3-x`, and not `rfc5321-4.50-x`.
fn begins_with(id: &str, beginning: &str) -> bool {
    id.strip_prefix(beginning)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
}

/// What a run asks.
pub fn plan(selection: &Selection) -> Plan {
    let planned = |(chapter, case): (&'static Chapter, &'static Case)| {
        let covered = case
            .covers()
            .iter()
            .filter_map(|id| requirements().get(*id));
        Planned {
            chapter: chapter.name,
            case,
            on: case.on,
            contested: covered.clone().any(|requirement| requirement.contested),
            requirements: covered.map(Requirement::report).collect(),
        }
    };
    let untested = CHAPTERS
        .iter()
        .flat_map(|chapter| chapter.untested)
        .filter(|_| selection.is_everything());
    Plan {
        cases: cases()
            .filter(|(chapter, case)| selection.takes(chapter, case))
            .map(planned)
            .collect(),
        untested: untested.copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_selected_by_whole_components() {
        assert!(begins_with("rfc5321-4.5.3-x", "rfc5321-4.5"));
        assert!(begins_with("rfc5321-4.5.3-x", "rfc5321"));
        assert!(begins_with("rfc5321-4.5.3-x", "rfc5321-4.5.3-x"));
        assert!(!begins_with("rfc5321-4.50-x", "rfc5321-4.5"));
        assert!(!begins_with("rfc5321-4.5.3-xy", "rfc5321-4.5.3-x"));
    }

    #[test]
    fn what_matches_nothing_is_named() {
        let error = Selection::parse(&["chapter:nothing"]).unwrap_err();
        assert!(
            error.contains("chapter:nothing") && error.contains("greeting"),
            "{error}"
        );
        assert!(Selection::parse(&["colour:red"]).is_err());
    }
}
