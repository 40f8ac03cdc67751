//! The container engine, and a way to ask it from any thread.

use std::{
    env,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use testcontainers::bollard::{Docker, errors::Error as EngineError};
use tokio::runtime::{Builder, Runtime};

use super::network;
use crate::{error::Error, runtime::aside};

/// The engine with a runtime of its own: its connections live there and nobody else's do.
pub(super) struct Engine {
    docker: Docker,
    runtime: Runtime,
    address: String,
}

/// Says why no containers are to be used, in the environment, where somebody has found that out already.
pub const NO_CONTAINERS: &str = "MSASPEC_NO_CONTAINERS";

/// Whether an engine answers that can make the networks we need, and its version.
///
/// # Errors
/// Why not, in words for a test that is ignored.
pub fn engine() -> Result<String, String> {
    let told = env::var(NO_CONTAINERS).ok().filter(|why| !why.is_empty());
    if let Some(why) = told {
        return Err(format!("no containers are to be used: {why}"));
    }
    let version = answering()?;
    network::probe()?;
    Ok(version)
}

fn answering() -> Result<String, String> {
    let engine = Engine::find().map_err(|e| e.to_string())?;
    let answer = async { tokio::time::timeout(PATIENCE, engine.docker.version()).await };
    let problem = match engine.wait(answer) {
        Ok(Ok(version)) => return Ok(version.version.unwrap_or_default()),
        Ok(Err(e)) => cause(&e),
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Err(nobody(&engine.address, &problem))
}

impl Engine {
    /// The engine, where testcontainers looks for it too.
    pub(super) fn find() -> Result<&'static Engine, Error> {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        static FINDING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = FINDING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = ENGINE.get() {
            return Ok(engine);
        }
        let address = address();
        let docker = Docker::connect_with_host(&address)
            .map_err(|e| Error::Target(nobody(&address, &cause(&e))))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("msaspec-engine")
            .enable_all()
            .build()
            .map_err(|e| Error::Target(format!("no threads to ask the engine from: {e}")))?;
        Ok(ENGINE.get_or_init(|| Engine {
            docker,
            runtime,
            address,
        }))
    }

    /// What to ask.
    pub(super) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Waits for an answer, from whatever thread.
    pub(super) fn wait<T: Send>(&self, answer: impl Future<Output = T> + Send) -> T {
        aside(|| self.runtime.block_on(answer))
    }

    /// Waits for an answer that may be a refusal; `what` was asked.
    pub(super) fn ask<T: Send>(
        &self,
        what: &str,
        answer: impl Future<Output = Result<T, EngineError>> + Send,
    ) -> Result<T, Error> {
        self.wait(answer).map_err(|e| self.failed(what, &e))
    }

    /// The error that `what` met.
    pub(super) fn failed(&self, what: &str, error: &EngineError) -> Error {
        Error::Target(match error {
            EngineError::DockerResponseServerError { message, .. } => format!("{what}: {message}"),
            EngineError::HyperLegacyError { .. } | EngineError::HyperResponseError { .. } => {
                nobody(&self.address, &cause(error))
            }
            _ => format!("{what}: {error}"),
        })
    }
}

/// What the operating system said, beneath the layers that passed it on.
fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}

fn nobody(address: &str, problem: &str) -> String {
    format!("no Docker engine answers at {address}: {problem}")
}

fn address() -> String {
    if let Ok(address) = env::var("DOCKER_HOST") {
        return address;
    }
    let folder = |name| env::var_os(name).map(PathBuf::from);
    let home = || folder("HOME");
    let sockets = [
        Some(PathBuf::from("/var/run/docker.sock")),
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join(".docker/run/docker.sock")),
        home().map(|home| home.join(".docker/run/docker.sock")),
        home().map(|home| home.join(".docker/desktop/docker.sock")),
    ];
    let found = sockets.into_iter().flatten().find(|path| path.exists());
    let socket = found.unwrap_or_else(|| "/var/run/docker.sock".into());
    format!("unix://{}", socket.display())
}

const PATIENCE: Duration = Duration::from_secs(10);
