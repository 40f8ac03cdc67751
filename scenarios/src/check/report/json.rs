//! The document of `msaspec run --json`, with what was found about the configuration as its `check`.

use msaspec_harness::report::{Document, Run};
use serde::Serialize;

use crate::check::findings::Findings;

#[derive(Serialize)]
struct Checked<'f> {
    #[serde(flatten)]
    document: Document,
    /// None: it could not be checked, and the run says why.
    check: Option<&'f Findings>,
}

/// The document as JSON, with a line end.
///
/// # Errors
/// Those of the serializer.
pub fn render(findings: Option<&Findings>, run: &Run) -> serde_json::Result<String> {
    let document = Document::new(vec![run.clone()]);
    let checked = Checked {
        document,
        check: findings,
    };
    serde_json::to_string_pretty(&checked).map(|json| json + "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::check::report::sample;

    #[test]
    fn it_is_the_document_of_a_run_and_one_key_more() {
        let text = render(Some(&sample::findings()), &sample::run()).unwrap();
        let run: Document = serde_json::from_str(&text).unwrap();
        assert_eq!((run.format, run.runs.len()), (1, 1));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["check"]["file"], "origin.mc");
        assert_eq!(document["check"]["facts"]["listeners"]["587/inet"], "open");
        assert!(text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn without_findings_the_key_is_there_and_the_run_says_why() {
        let run = sample::unjudged("origin.mc:2: no such thing");
        let document: Value = serde_json::from_str(&render(None, &run).unwrap()).unwrap();
        assert_eq!(document.get("check"), Some(&Value::Null));
        assert_eq!(
            document["runs"][0]["unjudged"],
            "origin.mc:2: no such thing"
        );
    }
}
