//! A target as it is written on the command line.

use std::{fmt, path::PathBuf};

use msaspec_harness::{
    error::Error,
    session::Shared,
    target::{
        Target,
        container::{self, Source},
        embedded::{self, Profile},
        remote::{Place, Remote},
    },
};

use super::Failure;

/// The name of a target that is not understood: what stands before an @ may be a password.
pub(super) fn without_secret(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://[...]@{host}"),
        _ => text.to_owned(),
    }
}

/// Whom to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The reference server in this process.
    Embedded(Profile),
    /// A folder that is built and started as containers.
    Containers(Source),
    /// A running server, with the name that the user gave it.
    Remote(String, Place),
}

impl Wanted {
    /// Reads one target; looks for folders, and connects to nothing.
    pub(super) fn parse(text: &str) -> Result<Wanted, Failure> {
        for profile in [Profile::Modern, Profile::Origin] {
            if text == profile.target_name() {
                return Ok(Wanted::Embedded(profile));
            }
        }
        if text.contains("://") {
            let place = text.parse().map_err(Failure::Usage)?;
            return Ok(Wanted::Remote(text.to_owned(), place));
        }
        if text.starts_with('.') || text.contains(std::path::is_separator) {
            return folder(text);
        }
        container::find(text)
            .map(Wanted::Containers)
            .map_err(|_| unknown(text))
    }

    /// Starts what has to be started, and looks up what has to be looked up. `progress` is told what
    /// takes long.
    pub(super) fn start(
        &self,
        remote: &Remote,
        shared: &Shared,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Target, Error> {
        match self {
            Wanted::Embedded(profile) => embedded::start(*profile),
            Wanted::Remote(name, place) => place.target(remote.clone()).map(|target| Target {
                name: name.clone(),
                ..target
            }),
            Wanted::Containers(source) => {
                let interrupted = || shared.interrupted();
                let options = container::Options {
                    interrupted: &interrupted,
                    progress,
                };
                container::start(source, &options)
            }
        }
    }

    pub(super) fn has_containers(&self) -> bool {
        matches!(self, Wanted::Containers(_))
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Wanted::Remote(..))
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Embedded(profile) => f.write_str(profile.target_name()),
            Wanted::Containers(source) => f.write_str(&source.name()),
            Wanted::Remote(name, _) => f.write_str(name),
        }
    }
}

fn folder(text: &str) -> Result<Wanted, Failure> {
    let path = PathBuf::from(text);
    let why = match path.is_dir() {
        false => "there is no such folder".to_owned(),
        true if !path.join(TARGET_FILE).is_file() => {
            format!("the folder holds no {TARGET_FILE}, which says what the server promises")
        }
        true => return Ok(Wanted::Containers(Source::Folder(path))),
    };
    Err(Failure::Usage(format!("{text}: {why}")))
}

fn unknown(text: &str) -> Failure {
    let names: Vec<_> = [Profile::Modern, Profile::Origin]
        .map(Profile::target_name)
        .into_iter()
        .chain(msaspec_fixtures::servers())
        .collect();
    let near = msaspec_server::did_you_mean(text, names.iter().copied());
    Failure::Usage(format!(
        "there is no target {text:?}: there are {}, a ./FOLDER, smtp://HOST and smtps://HOST{near}",
        names.join(", ")
    ))
}

const TARGET_FILE: &str = "target.toml";
