//! The catalogue is whole: every id is known, unique, and accounted for.

use std::collections::{BTreeMap, BTreeSet};

use msaspec::{CHAPTERS, catalogue};
use msaspec_harness::case::Mutant;

const LISTS: [&str; 3] = [
    include_str!("../requirements/core.jsonl"),
    include_str!("../requirements/extensions.jsonl"),
    include_str!("../requirements/relay.jsonl"),
];

#[test]
fn every_line_of_the_lists_is_a_requirement() {
    let lines = LISTS
        .iter()
        .flat_map(|list| list.lines())
        .filter(|line| !line.trim().is_empty())
        .count();
    assert_eq!(
        catalogue::requirements().len(),
        lines,
        "a line cannot be read, or an id stands twice"
    );
}

#[test]
fn ids_are_unique() {
    let mut seen = BTreeSet::new();
    for (_, case) in catalogue::cases() {
        assert!(seen.insert(case.id), "{} stands twice", case.id);
    }
    let names: BTreeSet<_> = CHAPTERS.iter().map(|chapter| chapter.name).collect();
    assert_eq!(names.len(), CHAPTERS.len(), "two chapters have one name");
}

#[test]
fn cases_cover_requirements_that_exist() {
    for (_, case) in catalogue::cases() {
        let own = catalogue::requirements()
            .keys()
            .any(|id| case.id == id || case.id.starts_with(&format!("{id}-")));
        assert!(own, "{} is not in the lists", case.id);
        for id in case.covers() {
            assert!(
                catalogue::requirements().contains_key(*id),
                "{}: {id} is not in the lists",
                case.id
            );
        }
    }
}

#[test]
fn cases_weigh_what_the_lists_say() {
    for (_, case) in catalogue::cases() {
        let Some(requirement) = catalogue::requirements().get(case.id) else {
            continue;
        };
        assert_eq!(case.level.to_string(), requirement.level, "{}", case.id);
        assert_eq!(
            case.severity.to_string(),
            requirement.severity,
            "{}",
            case.id
        );
    }
}

#[test]
fn sentences_are_sentences_and_reasons_are_reasons() {
    for (_, case) in catalogue::cases() {
        assert!(
            case.requirement.ends_with('.') && case.requirement.len() > 20,
            "{}",
            case.id
        );
        if let Mutant::None(why) = case.mutant {
            assert!(why.len() > 20, "{}: why is there no mutant?", case.id);
        }
    }
    for untested in CHAPTERS.iter().flat_map(|chapter| chapter.untested) {
        assert!(
            untested.why.len() > 20,
            "{}: why is it untested?",
            untested.id
        );
    }
}

#[test]
fn no_requirement_is_both_tested_and_untested() {
    let mut covered: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, case) in catalogue::cases() {
        covered.extend(case.covers().iter().map(|id| (*id, case.id)));
    }
    for untested in CHAPTERS.iter().flat_map(|chapter| chapter.untested) {
        assert!(
            !covered.contains_key(untested.id),
            "{} is tested by {}",
            untested.id,
            covered[untested.id]
        );
        assert!(
            catalogue::requirements().contains_key(untested.id),
            "{} is not in the lists",
            untested.id
        );
    }
}
