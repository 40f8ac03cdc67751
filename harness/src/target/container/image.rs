//! Images: built from a context unless there is one of the same content.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use testcontainers::bollard::{
    body_full, models::BuildInfo, query_parameters::BuildImageOptionsBuilder,
};

use super::{
    Options,
    context::Context,
    dockerfile,
    engine::Engine,
    last_words::{hide, last_words},
};
use crate::error::Error;

/// A built image.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// Its name, without the tag.
    pub(super) name: String,
    /// Its tag, the beginning of the digest.
    pub(super) tag: String,
    /// The engine's id.
    pub(super) id: String,
    /// The SHA-256 of what it was built from.
    pub(super) digest: String,
}

/// Builds an image for `what`.
pub(super) fn build(what: &str, context: &Context, options: &Options) -> Result<Image, Error> {
    let engine = Engine::find()?;
    let digest = context.digest();
    let mut image = Image {
        // A registry is never asked for what is missing here: none has this name.
        name: format!("localhost/msaspec/{}", repository(what)),
        tag: digest.chars().take(16).collect(),
        id: String::new(),
        digest,
    };
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(id) = id(engine, &image.reference()) {
        image.id = id;
        return Ok(image);
    }
    (options.progress)(&format!("building the image of {what}"));
    let mut output = Vec::new();
    if let Err(problem) = stream(engine, &image, what, context, options, &mut output) {
        return Err(problem.unwrap_or(Error::Interrupted));
    }
    match id(engine, &image.reference()) {
        Some(id) => {
            image.id = id;
            Ok(image)
        }
        None => Err(failed(what, "the engine reports no image", &output)),
    }
}

impl Image {
    /// Name and tag.
    pub(super) fn reference(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }
}

/// The classic builder is asked because every engine has it and it says in words what went wrong.
/// No error: the build was interrupted.
fn stream(
    engine: &Engine,
    image: &Image,
    what: &str,
    context: &Context,
    options: &Options,
    output: &mut Vec<String>,
) -> Result<(), Option<Error>> {
    let archive = context
        .archive()
        .map_err(|e| Error::Target(format!("cannot pack the context of {what}: {e}")))?;
    let asked = BuildImageOptionsBuilder::new()
        .dockerfile("Dockerfile")
        .t(&image.reference())
        .labels(&HashMap::from([("msaspec.image", image.digest.as_str())]))
        .rm(true)
        .forcerm(true)
        .build();
    let build = engine
        .docker()
        .build_image(asked, None, Some(body_full(archive.into())));
    let outcome = engine.wait(async {
        let mut build = std::pin::pin!(build);
        while !(options.interrupted)() {
            match tokio::time::timeout(GLANCE, build.next()).await {
                Err(_) => {}
                Ok(None) => return Ok(()),
                Ok(Some(Ok(said))) => take(said, output)?,
                Ok(Some(Err(e))) => return Err(Some(e.to_string())),
            }
        }
        Err(None)
    });
    outcome.map_err(|problem| {
        let problem = problem?;
        let bases = dockerfile::bases(context.dockerfile().unwrap_or_default());
        let missing = bases.into_iter().find(|base| id(engine, base).is_none());
        Some(match missing.filter(|_| is_about_a_pull(&problem)) {
            Some(base) => Error::Target(format!(
                "{what} is built from the image {base}, which is missing and cannot be pulled: run ci/base-image (for debian:bookworm-slim), or load it into the engine ({problem})\n{}",
                end_of(output)
            )),
            None => failed(what, &problem, output),
        })
    })
}

/// Whether the engine failed to get an image, and not a command to do its work.
fn is_about_a_pull(problem: &str) -> bool {
    let words = [
        "pull access denied",
        "manifest unknown",
        "manifest for",
        "dial ",
        "lookup ",
        "/v2/",
    ];
    !problem.contains("returned a non-zero code") && words.iter().any(|word| problem.contains(word))
}

fn take(said: BuildInfo, output: &mut Vec<String>) -> Result<(), Option<String>> {
    if let Some(text) = said.stream {
        output.extend(text.lines().map(str::to_owned));
    }
    match said.error_detail {
        Some(error) => Err(Some(error.message.unwrap_or_default())),
        None => Ok(()),
    }
}

fn failed(what: &str, problem: &str, output: &[String]) -> Error {
    let problem = hide(problem);
    Error::Target(format!(
        "the image of {what} cannot be built: {problem}\n{}",
        end_of(output)
    ))
}

fn end_of(output: &[String]) -> String {
    last_words(output.iter().map(String::as_str), 20)
}

fn id(engine: &Engine, reference: &str) -> Option<String> {
    let image = engine.wait(engine.docker().inspect_image(reference));
    image.ok().and_then(|image| image.id)
}

/// What may stand in the name of an image: lower case, digits, and single separators within.
fn repository(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return "target".to_owned();
    }
    words.join("-")
}

const GLANCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sendmail", "sendmail")]
    #[case("My Server_2.0", "my-server-2-0")]
    #[case("..", "target")]
    fn folders_become_names_of_images(#[case] folder: &str, #[case] expected: &str) {
        assert_eq!(repository(folder), expected);
    }

    #[test]
    fn a_failure_shows_the_last_lines() {
        let output: Vec<_> = (0..50).map(|n| format!("line {n}")).collect();
        let error = failed("x", "exit 100", &output).to_string();
        assert!(error.contains("exit 100") && error.ends_with("line 49"));
        assert!(!error.contains("line 29\n") && error.contains("line 30\n"));
    }

    #[rstest]
    #[case("pull access denied for x, repository does not exist", true)]
    #[case("manifest for debian:x not found: manifest unknown", true)]
    #[case(
        "Get \"https://r.example/v2/\": dial tcp: lookup r.example: no such host",
        true
    )]
    #[case(
        "The command '/bin/sh -c git pull; dial x' returned a non-zero code: 1",
        false
    )]
    #[case("COPY failed: file not found in build context", false)]
    fn a_missing_image_is_to_blame_only_for_a_failed_pull(
        #[case] problem: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(is_about_a_pull(problem), expected);
    }
}
