//! The one versioned document that every report is rendered from (`run.json`).

use serde::{Deserialize, Serialize};

use crate::{known::Deviates, verdict::Verdict};

pub mod junit;
pub mod terminal;

/// The version of the document's format.
pub const FORMAT: u32 = 1;

/// What `--json` writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Document {
    /// [`FORMAT`].
    pub format: u32,
    /// Who judged.
    pub suite: Suite,
    /// One run a target, in the order given.
    pub runs: Vec<Run>,
}

/// Who judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Suite {
    /// `msaspec`.
    pub name: String,
    /// The package's version.
    pub version: String,
}

/// What was found about one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Who was judged.
    pub target: TargetReport,
    /// When it began (RFC 3339).
    pub started: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// One case an id.
    pub cases: Vec<CaseReport>,
    /// Requirements that no client can observe.
    pub untested: Vec<UntestedReport>,
    /// The verdicts, counted.
    pub summary: Summary,
    /// Why the target could not be judged at all: then every case is inconclusive for this reason.
    #[serde(default)]
    pub unjudged: Option<String>,
    /// Known deviations whose cases were judged and passed: the list of what is known is out of date.
    #[serde(default)]
    pub stale_known: Vec<StaleKnown>,
}

/// A known deviation that is none any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleKnown {
    /// The id of the case.
    pub id: String,
    /// The reason that was given for it.
    pub reason: String,
}

/// Who was judged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TargetReport {
    /// Its name on the command line.
    pub name: String,
    /// Where the first listener was reached.
    pub address: String,
    /// Its greeting.
    pub greeting: String,
    /// What is installed, where it is known.
    pub versions: serde_json::Map<String, serde_json::Value>,
    /// What EHLO offers in each state.
    pub keywords: KeywordReport,
    /// The image's id, for containers.
    pub image: Option<String>,
    /// A digest of the configuration, for containers.
    pub configuration: Option<String>,
}

/// What EHLO offers in each state; empty where the state was not reached.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeywordReport {
    /// Before TLS.
    pub clear: Vec<String>,
    /// Inside TLS.
    pub tls: Vec<String>,
    /// After authentication.
    pub authenticated: Vec<String>,
}

/// What was found about one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseReport {
    /// Its id.
    pub id: String,
    /// Its chapter.
    pub chapter: String,
    /// The requirement in a sentence.
    pub requirement: String,
    /// Every requirement that it covers.
    pub requirements: Vec<RequirementReport>,
    /// As in RFC 2119: `must`, `must-not`, `should`, `should-not`, `may`.
    pub level: String,
    /// `security`, `interop`, `hygiene`.
    pub severity: String,
    /// Whether implementations read the requirement differently.
    pub contested: bool,
    /// The worst of the observations.
    pub verdict: Verdict,
    /// Why it was skipped, or is inconclusive.
    pub reason: Option<String>,
    /// The known deviation that covers the verdict.
    pub known: Option<Deviates>,
    /// What the requirement asks for, where that was not seen.
    pub expected: Option<String>,
    /// What was seen instead.
    pub observed: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The dialogue of the observation that decided.
    pub transcript: Vec<String>,
    /// The line of the transcript that decided, counted from 0.
    pub decisive: Option<usize>,
    /// One for each listener that was asked.
    pub observations: Vec<Observation>,
}

/// A requirement by name and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementReport {
    /// Its id.
    pub id: String,
    /// The RFC's number; none for conventions.
    pub rfc: Option<u32>,
    /// The RFC's section; none for conventions.
    pub section: Option<String>,
}

/// What one listener did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// The port.
    pub port: u16,
    /// `inet` or `inet6`.
    pub family: crate::promises::Family,
    /// How the session was encrypted.
    pub tls: TlsState,
    /// The verdict about this listener.
    pub verdict: Verdict,
    /// Why it was skipped, or is inconclusive.
    pub reason: Option<String>,
    /// What the requirement asks for, where that was not seen.
    pub expected: Option<String>,
    /// What was seen instead.
    pub observed: Option<String>,
    /// The dialogue.
    pub transcript: Vec<String>,
    /// The line of the transcript that decided, counted from 0.
    pub decisive: Option<usize>,
}

/// How a session was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsState {
    /// Not at all.
    Clear,
    /// By STARTTLS (RFC 3207).
    Starttls,
    /// From the beginning (RFC 8314 section 3.3).
    Implicit,
}

/// A requirement that no client can observe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UntestedReport {
    /// Its id.
    pub id: String,
    /// The requirement in a sentence.
    pub requirement: String,
    /// Why it is not tested.
    pub why: String,
}

/// Verdicts, counted. Known deviations are counted in `known` and in their verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Cases that hold.
    pub pass: usize,
    /// Cases with a warning.
    pub warn: usize,
    /// Cases that fail.
    pub fail: usize,
    /// Cases that were not asked.
    pub skip: usize,
    /// Cases of which nothing is known.
    pub inconclusive: usize,
    /// Deviations that are known.
    pub known: usize,
}

impl Document {
    /// A document about these runs.
    pub fn new(runs: Vec<Run>) -> Document {
        let suite = Suite {
            name: "msaspec".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Document {
            format: FORMAT,
            suite,
            runs,
        }
    }

    /// The document as JSON, with a line end.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    /// How many cases were judged, and how many there are.
    pub fn judged(&self) -> (usize, usize) {
        let cases = || self.runs.iter().flat_map(|run| &run.cases);
        (
            cases().filter(|case| case.is_judged()).count(),
            cases().count(),
        )
    }
}

impl CaseReport {
    /// Whether there is a verdict about the target.
    pub fn is_judged(&self) -> bool {
        matches!(self.verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail)
    }

    /// Whether it deviates in a way that nobody knew.
    pub fn is_news(&self) -> bool {
        self.verdict >= Verdict::Warn && self.known.is_none()
    }
}

impl Summary {
    /// Counts the verdicts of `cases`.
    pub fn of(cases: &[CaseReport]) -> Summary {
        let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
        Summary {
            pass: count(Verdict::Pass),
            warn: count(Verdict::Warn),
            fail: count(Verdict::Fail),
            skip: count(Verdict::Skip),
            inconclusive: count(Verdict::Inconclusive),
            known: cases.iter().filter(|case| case.known.is_some()).count(),
        }
    }
}
