use msaspec_harness::verdict::Verdict;

use super::*;
use crate::check::{findings::Findings, report::sample};

fn rendered(findings: Option<&Findings>, run: &Run) -> Value {
    let document: Value = serde_json::from_str(&render(findings, run).unwrap()).unwrap();
    demands(&document);
    document
}

/// What the schema demands of the parts that we write.
fn demands(document: &Value) {
    assert_eq!(document["version"], "2.1.0");
    assert!(
        document["$schema"]
            .as_str()
            .unwrap()
            .contains("sarif-2.1.0")
    );
    let run = &document["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "msaspec");
    assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
    let rules = driver["rules"].as_array().unwrap();
    let mut ids: Vec<_> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "{rules:?}");
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"], "{result}");
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let level = result["level"].as_str().unwrap();
        assert!(["error", "warning", "note"].contains(&level), "{result}");
        assert_eq!(result["locations"].as_array().unwrap().len(), 1);
        let related = result["relatedLocations"].as_array();
        let related = related.into_iter().flatten();
        for location in result["locations"]
            .as_array()
            .unwrap()
            .iter()
            .chain(related)
        {
            let place = &location["physicalLocation"];
            assert!(
                !place["artifactLocation"]["uri"]
                    .as_str()
                    .unwrap()
                    .is_empty()
            );
            let (first, last) = (&place["region"]["startLine"], &place["region"]["endLine"]);
            assert!(first.as_u64().unwrap() >= 1 && last.as_u64() >= first.as_u64());
        }
    }
}

/// Rule, level and first line of each result.
fn results(document: &Value) -> Vec<(&str, &str, u64)> {
    let results = document["runs"][0]["results"].as_array().unwrap();
    let result = |result: &'_ Value| {
        let region = &result["locations"][0]["physicalLocation"]["region"];
        region["startLine"].as_u64().unwrap()
    };
    results
        .iter()
        .map(|r| {
            let (rule, level) = (r["ruleId"].as_str().unwrap(), r["level"].as_str().unwrap());
            (rule, level, result(r))
        })
        .collect()
}

#[test]
fn advice_differences_and_failed_cases_are_results() {
    let run = sample::run_of(vec![sample::case("rfc5321-3.6.2-relay", Verdict::Fail)]);
    let document = rendered(Some(&sample::compared()), &run);
    let expected = [
        ("password-in-clear", "error", 41),
        ("no-dnl", "note", 1),
        ("difference/answers", "warning", 41),
        ("difference/keywords", "warning", 1),
        ("difference/mechanisms", "warning", 41),
        ("rfc5321-3.6.2-relay", "error", 1),
    ];
    assert_eq!(results(&document), expected);
}

#[test]
fn the_line_that_came_in_is_the_place_and_the_other_is_related() {
    let document = rendered(Some(&sample::compared()), &sample::run());
    let result = &document["runs"][0]["results"][2];
    let snippet = |place: &Value| place["physicalLocation"]["region"]["snippet"]["text"].clone();
    assert_eq!(
        snippet(&result["locations"][0]),
        "DAEMON_OPTIONS(`Port=587, M=Ea')dnl"
    );
    assert_eq!(
        snippet(&result["relatedLocations"][0]),
        "DAEMON_OPTIONS(`Port=587, M=E')dnl"
    );
}

#[test]
fn an_error_of_m4_is_a_result_at_its_line() {
    let document = rendered(
        None,
        &sample::unjudged("origin.mc:17: end of file in string"),
    );
    assert_eq!(results(&document), [("not-judged", "error", 17)]);
    assert_eq!(
        document["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
}

#[test]
fn hostile_text_stays_within_the_demands() {
    let document = rendered(Some(&sample::hostile()), &sample::run());
    assert!(!document.to_string().contains(['\u{202e}', '\u{9b}']));
}
