//! What was accepted of a configuration, kept in a folder beside the `.mc`: `origin.expect/`.

mod digest;
mod folder;
pub mod tables;
mod transcripts;

use std::{collections::BTreeSet, path::Path};

use msaspec_harness::report::Run;
use serde::{Deserialize, Serialize};

use super::{
    cf::Cf,
    difference::{
        Comparison, TextDifference, differences,
        lines::{cf_difference, text_difference},
    },
    facts::Facts,
    findings::{Dialogue, Findings, Kind},
};

pub use digest::digest;
use tables::Tables;

/// What is expected of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The version of sendmail that it was seen with; nothing is made of it.
    pub sendmail: String,
    /// What a user of the server can observe.
    pub facts: Facts,
    /// The ids of the faults that were accepted.
    pub accepted: BTreeSet<String>,
    /// What was said on the wire.
    pub transcripts: Vec<Dialogue>,
    /// The `.mc`, octet for octet: changed lines are named by it.
    pub mc: Vec<u8>,
    /// The `.cf`, as [`digest`] makes it.
    pub cf: Vec<String>,
    /// The files beside the `.mc`; none where they were not kept.
    pub tables: Option<Tables>,
}

impl Baseline {
    /// What was found, to be expected from now on.
    pub fn of(findings: &Findings, run: &Run, mc: &[u8], cf: &Cf) -> Baseline {
        let faults = findings
            .advice
            .iter()
            .filter(|advice| advice.kind == Kind::Fault);
        let version = run.target.versions.get("sendmail-bin");
        Baseline {
            sendmail: version
                .and_then(|version| version.as_str())
                .unwrap_or_default()
                .to_owned(),
            facts: findings.facts.clone(),
            accepted: faults.map(|advice| advice.id.clone()).collect(),
            transcripts: transcripts::kept(&findings.dialogues),
            mc: mc.to_vec(),
            cf: digest(&cf.comparable()),
            tables: None,
        }
    }

    /// Reads `SITE.expect`; none where there is no such folder.
    ///
    /// # Errors
    ///
    /// A sentence that names the file, what is wrong with it, and what to do.
    pub fn read(path: &Path) -> Result<Option<Baseline>, String> {
        if !folder::exists(path)? {
            return Ok(None);
        }
        let text = |name| folder::text(path, name);
        let kept = text(FACTS)?;
        let facts = read_facts(&kept).map_err(|(line, problem)| {
            let line = line.map_or(String::new(), |line| format!(", line {line}"));
            format!("{}{line}: {problem}", path.join(FACTS).display())
        })?;
        Ok(Some(Baseline {
            sendmail: facts.sendmail,
            facts: facts.facts,
            accepted: facts.accepted,
            transcripts: transcripts::read(&text(TRANSCRIPTS)?),
            mc: folder::octets(path, MC)?,
            cf: text(CF)?.lines().map(str::to_owned).collect(),
            tables: Some(tables::read(&text(TABLES)?)),
        }))
    }

    /// Writes `SITE.expect`, and nothing outside of it.
    ///
    /// # Errors
    ///
    /// A sentence that names the file, what is wrong with it, and what to do.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let facts = Kept {
            format: FORMAT,
            sendmail: self.sendmail.clone(),
            accepted: self.accepted.clone(),
            facts: self.facts.clone(),
        };
        let facts = toml::to_string(&facts)
            .map_err(|error| format!("{}: {error}", path.join(FACTS).display()))?;
        let tables = tables::written(self.tables.as_ref().unwrap_or(&Tables::new()));
        let cf: String = self.cf.iter().map(|line| format!("{line}\n")).collect();
        folder::write(
            path,
            &[
                (
                    TRANSCRIPTS,
                    transcripts::written(&self.transcripts).as_bytes(),
                ),
                (TABLES, tables.as_bytes()),
                (MC, &self.mc),
                (CF, cf.as_bytes()),
                // The last one: with it the others are complete.
                (FACTS, format!("{INTRODUCTION}{facts}").as_bytes()),
            ],
        )
    }
}

/// How `after` differs from `before`. Whoever asks knows the names of both, the places of changed lines
/// and their effects: `with`, `mc` and causes are empty.
pub fn compare(before: &Baseline, after: &Baseline) -> Comparison {
    Comparison {
        with: String::new(),
        differences: differences(&before.facts, &after.facts),
        accepted: before.accepted.clone(),
        transcripts: transcript_differences(&before.transcripts, &after.transcripts),
        mc: Vec::new(),
        cf: cf_difference(&before.cf, &after.cf),
    }
}

const FACTS: &str = "facts.toml";
const TRANSCRIPTS: &str = "transcripts.txt";
const TABLES: &str = "tables.txt";
const MC: &str = "site.mc";
const CF: &str = "sendmail.cf";

/// The format that is written, and the newest that is read.
const FORMAT: u32 = 1;

const INTRODUCTION: &str =
    "# Written by msaspec check --accept: what is expected of this configuration.\n\n";

/// `facts.toml`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    #[serde(default)]
    sendmail: String,
    #[serde(default)]
    accepted: BTreeSet<String>,
    #[serde(default)]
    facts: Facts,
}

/// What every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn read_facts(text: &str) -> Result<Kept, (Option<usize>, String)> {
    let problem = |error: toml::de::Error| {
        let line = |position| 1 + text[..position].matches('\n').count();
        let message = error.message().trim_end();
        (
            error.span().map(|span| line(span.start)),
            format!("{message}; correct it, or write it anew with --accept"),
        )
    };
    let Format { format } = toml::from_str(text).map_err(problem)?;
    if format > FORMAT {
        let newer =
            format!("format {format} was written by a newer msaspec; use that one, or --accept");
        return Err((None, newer));
    }
    toml::from_str(text).map_err(problem)
}

/// Dialogues that differ, in the order of the newer ones.
fn transcript_differences(before: &[Dialogue], after: &[Dialogue]) -> Vec<TextDifference> {
    let lines = |dialogues: &[Dialogue], name: &str| {
        dialogues
            .iter()
            .find(|dialogue| dialogue.name == name)
            .map_or(Vec::new(), |dialogue| dialogue.transcript.clone())
    };
    let is_gone = |old: &&Dialogue| after.iter().all(|new| new.name != old.name);
    after
        .iter()
        .chain(before.iter().filter(is_gone))
        .filter_map(|dialogue| {
            let name = dialogue.name.as_str();
            text_difference(name, &lines(before, name), &lines(after, name))
        })
        .collect()
}

#[cfg(test)]
mod tests;
