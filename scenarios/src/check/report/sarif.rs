//! SARIF 2.1.0, for sites that show findings at the lines of a change.

use msaspec_harness::report::{Run, terminal::copied};
use serde_json::{Value, json};

use super::{area, deviation, fails};
use crate::check::{
    difference::Difference,
    findings::{Advice, Findings, Kind, Side},
};

mod location;

use location::{first_line, location, mentioned};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The document as JSON, with a line end; without findings it says why there are none.
///
/// # Errors
/// Those of the serializer.
pub fn render(findings: Option<&Findings>, run: &Run) -> serde_json::Result<String> {
    let mut log = Log::default();
    let file = findings.map_or(&run.target.name, |findings| &findings.file);
    if let Some(why) = &run.unjudged {
        let rule = log.rule("not-judged", "The server could not be judged.", "error");
        log.result(rule, "error", why, &[mentioned(file, why)], &[]);
    }
    if let Some(findings) = findings {
        for advice in &findings.advice {
            log.advice(file, advice);
        }
        for difference in findings.comparison.iter().flat_map(|c| &c.differences) {
            log.difference(file, difference);
        }
    }
    for case in fails(run) {
        let rule = log.rule(&case.id, &case.requirement, "error");
        log.result(rule, "error", &deviation(case), &[first_line(file)], &[]);
    }
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "msaspec",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": log.rules,
            }},
            "invocations": [{ "executionSuccessful": run.unjudged.is_none() }],
            "columnKind": "unicodeCodePoints",
            "results": log.results,
        }],
    });
    serde_json::to_string_pretty(&document).map(|json| json + "\n")
}

/// Results, and the rules that they name by their place in the list.
#[derive(Default)]
struct Log {
    rules: Vec<Value>,
    results: Vec<Value>,
}

/// A rule's name and its place in the list.
struct Rule<'r> {
    id: &'r str,
    index: usize,
}

impl Log {
    fn advice(&mut self, file: &str, advice: &Advice) {
        let level = match advice.kind {
            Kind::Fault => "error",
            Kind::Hint => "note",
        };
        let why = match advice.source.is_empty() {
            true => advice.reason.clone(),
            false => format!("{} ({})", advice.reason, advice.source),
        };
        let rule = self.rule(&advice.id, &why, level);
        let mut message = format!("{} {why}", advice.what);
        if !advice.remedy.trim().is_empty() {
            let destination = super::destination(advice);
            message = format!("{message}\nPaste {destination}\n{}", advice.remedy);
        }
        let place = advice.place.as_ref();
        let place = place.map_or_else(|| first_line(file), location);
        self.result(rule, level, &message, &[place], &[]);
    }

    fn difference(&mut self, file: &str, difference: &Difference) {
        let id = format!("difference/{}", area(difference.area));
        let rule = self.rule(
            &id,
            "What a user of the server can observe has changed.",
            "warning",
        );
        // What came in stands in the file that is looked at.
        let mut causes: Vec<_> = difference.causes.iter().collect();
        causes.sort_by_key(|cause| cause.side == Side::TakenOut);
        let mut places = causes.into_iter().map(|cause| location(&cause.place));
        let first = places.next().unwrap_or_else(|| first_line(file));
        let others: Vec<_> = places.collect();
        self.result(rule, "warning", &difference.sentence, &[first], &others);
    }

    fn rule<'r>(&mut self, id: &'r str, why: &str, level: &str) -> Rule<'r> {
        let known = self.rules.iter().position(|rule| rule["id"] == id);
        let index = known.unwrap_or_else(|| {
            self.rules.push(json!({
                "id": id,
                "shortDescription": { "text": text(why) },
                "defaultConfiguration": { "level": level },
            }));
            self.rules.len() - 1
        });
        Rule { id, index }
    }

    fn result(
        &mut self,
        rule: Rule<'_>,
        level: &str,
        message: &str,
        places: &[Value],
        related: &[Value],
    ) {
        let mut result = json!({
            "ruleId": rule.id,
            "ruleIndex": rule.index,
            "level": level,
            "message": { "text": text(message) },
            "locations": places,
        });
        if !related.is_empty() {
            result["relatedLocations"] = related.into();
        }
        self.results.push(result);
    }
}

/// A message has at least one character, and none that commands.
fn text(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(copied).collect();
    match lines.join("\n") {
        empty if empty.is_empty() => "nothing was said about it".to_owned(),
        text => text,
    }
}

#[cfg(test)]
mod tests;
