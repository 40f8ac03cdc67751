//! A folder that is built and started as containers in a closed network of its own.

use std::sync::Once;

use super::{Target, Treatment};
use crate::{error::Error, known::Known, runtime::aside};

mod binary;
mod containers;
mod context;
mod dockerfile;
mod engine;
mod exec;
mod folder;
mod host;
mod image;
mod label;
mod last_words;
mod member;
mod network;
mod ready;
mod running;
mod settings;
mod sockets;
mod source;
mod trust;
mod versions;

pub use binary::BINARY;
pub use engine::{NO_CONTAINERS, engine};
pub use exec::Output;
pub use host::{Blueprint, Host};
pub use label::{PID, PROCESS, RUN, remove_everything_of_this_process, sweep};
pub use member::Member;
pub use running::{Client, Running};
pub use source::{Source, find};

use settings::Settings;

/// How a target is started.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether to give up.
    pub interrupted: &'a (dyn Fn() -> bool + Sync),
    /// Is told what takes long.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            interrupted: &|| false,
            progress: &|_| {},
        }
    }
}

/// Builds and starts a target.
///
/// # Errors
/// [`Error::File`] where one of its files cannot be used, [`Error::Interrupted`], and [`Error::Target`] where
/// it does not start: then nothing of it is left.
pub fn start(source: &Source, options: &Options) -> Result<Target, Error> {
    Running::start(source, options).map(|running| running.target)
}

impl Running {
    /// Builds and starts a target, and keeps access to its containers.
    ///
    /// # Errors
    /// As [`start`].
    pub fn start(source: &Source, options: &Options) -> Result<Running, Error> {
        aside(|| Running::started(source, options))
    }

    fn started(source: &Source, options: &Options) -> Result<Running, Error> {
        // What is wrong with the files is said first: it needs no engine.
        let settings = Settings::of(source)?;
        let known = known(source)?;
        let mut context = source.context()?;
        let mut program = None;
        if let Some(name) = &settings.container.binary {
            let binary::Program { contents, made } = binary::read(name)?;
            context.insert(name, contents, true);
            program = Some((name, made));
        }
        let host = Host::of(&source.name(), &context, &settings, options)?;
        let listeners = host.listeners(&settings.promises);
        if !host.await_greetings(&listeners, ready::PATIENCE, options)? {
            let waited = ready::PATIENCE.as_secs();
            let problem = format!("greets on no promised listener within {waited} s");
            return Err(host.server().complaint(&problem));
        }
        let mut versions = host.versions(&settings.container.packages);
        if let Some((name, made)) = program {
            versions.extend(versions::of_program(host.server(), name, made));
        }
        let treatment = Treatment {
            untrusted: settings.untrusted(),
            clear_login: settings.allow_clear_login,
            delivery_deadline: settings.delivery_deadline(),
            ..host::treatment()
        };
        let target = Target {
            known,
            versions,
            treatment: treatment.as_patient_as(&settings.promises),
            ..host.target(source.name(), settings.promises)
        };
        Ok(Running { target, host })
    }
}

fn known(source: &Source) -> Result<Known, Error> {
    let text = source.text(source::KNOWN)?.unwrap_or_default();
    Known::parse(&text).map_err(|problem| Error::file(source.path(source::KNOWN), problem))
}

/// Leftovers are looked for once: what dies meanwhile is the next run's.
fn sweep_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| match sweep() {
        Ok(0) => {}
        Ok(count) => tracing::info!("removed {count} leftovers of earlier runs"),
        Err(e) => tracing::warn!("leftovers of earlier runs remain: {e}"),
    });
}
