//! One container: started, asked, read, removed.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    net::IpAddr,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use testcontainers::{
    Container, CopyTargetOptions, GenericImage, ImageExt,
    bollard::{
        body_full,
        query_parameters::{
            DownloadFromContainerOptionsBuilder, LogsOptionsBuilder,
            UploadToContainerOptionsBuilder,
        },
    },
    runners::SyncRunner,
};

use super::{Options, engine::Engine, image::Image, last_words::last_words, network::Network};
use crate::{error::Error, runtime::aside};

/// A running container. It is removed with its volumes when it is dropped.
pub struct Member {
    pub(super) role: String,
    pub(super) id: String,
    pub(super) engine: &'static Engine,
    container: Option<Container<GenericImage>>,
}

/// What a container is started with.
#[derive(Default)]
pub(super) struct Recipe {
    pub(super) hostname: Option<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) files: Vec<(String, Vec<u8>, u32)>,
    pub(super) sysctls: BTreeMap<String, String>,
    pub(super) dns: Option<IpAddr>,
    pub(super) volumes_from: Vec<String>,
    /// Empty: the image's own.
    pub(super) command: Vec<String>,
    /// The most memory, in octets, and the most processes.
    pub(super) limits: Option<(i64, i64)>,
}

impl Member {
    pub(super) fn start(
        role: &str,
        image: &Image,
        network: &Network,
        recipe: Recipe,
    ) -> Result<Member, Error> {
        let engine = Engine::find()?;
        let mut request = GenericImage::new(image.name.as_str(), image.tag.as_str())
            .with_container_name(format!("{}-{role}", network.name))
            .with_network(&network.name)
            .with_labels(network.labels()?)
            .with_startup_timeout(START);
        if let Some(hostname) = &recipe.hostname {
            request = request.with_hostname(hostname);
        }
        for (name, value) in &recipe.environment {
            request = request.with_env_var(name, value);
        }
        for (path, contents, mode) in recipe.files {
            let target = CopyTargetOptions::new(path).with_mode(mode);
            request = request.with_copy_to(target, contents);
        }
        let sysctls: HashMap<_, _> = recipe.sysctls.into_iter().collect();
        request = request.with_host_config_modifier(move |host| {
            host.publish_all_ports = Some(false);
            host.sysctls = Some(sysctls.clone());
            host.dns = recipe.dns.map(|address| vec![address.to_string()]);
            host.volumes_from = Some(recipe.volumes_from.clone());
            if let Some((memory, processes)) = recipe.limits {
                host.memory = Some(memory);
                // No swap besides.
                host.memory_swap = Some(memory);
                host.pids_limit = Some(processes);
                // Whatever is written there counts as memory, and not on this machine's disk.
                let tmp = ("/tmp".to_owned(), "size=64m,mode=1777".to_owned());
                host.tmpfs = Some(HashMap::from([tmp]));
            }
        });
        if !recipe.command.is_empty() {
            request = request.with_cmd(recipe.command);
        }
        let container = aside(|| request.start())
            .map_err(|e| Error::Target(format!("the container {role} does not start: {e}")))?;
        Ok(Member {
            role: role.to_owned(),
            id: container.id().to_owned(),
            engine,
            container: Some(container),
        })
    }

    /// The engine's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the container has written to its standard output and error until now; of that the last mebibyte.
    ///
    /// # Errors
    /// [`Error::Target`] where the engine does not give it.
    pub fn logs(&self) -> Result<String, Error> {
        self.last_of_log("all")
    }

    fn last_of_log(&self, lines: &str) -> Result<String, Error> {
        let asked = LogsOptionsBuilder::new().stdout(true).stderr(true);
        let asked = asked.tail(lines).build();
        let logs = self.engine.docker().logs(&self.id, Some(asked));
        let what = format!("cannot read the log of the container {}", self.role);
        self.engine.ask(&what, async {
            let mut logs = std::pin::pin!(logs);
            let mut text = Vec::new();
            while let Some(part) = logs.next().await {
                text.extend_from_slice(part?.as_ref());
                if text.len() > 2 * MOST {
                    text.drain(..text.len() - MOST);
                }
            }
            text.drain(..text.len().saturating_sub(MOST));
            Ok(String::from_utf8_lossy(&text).into_owned())
        })
    }

    /// Puts files into the container, readable for everybody, with the folders that they need.
    ///
    /// # Errors
    /// [`Error::Target`] where the engine does not take them.
    pub fn put<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), Error> {
        let archive = packed(files).map_err(|e| {
            Error::Target(format!(
                "cannot pack files for the container {}: {e}",
                self.role
            ))
        })?;
        let what = format!("cannot copy files into the container {}", self.role);
        let to = UploadToContainerOptionsBuilder::new().path("/").build();
        let upload =
            self.engine
                .docker()
                .upload_to_container(&self.id, Some(to), body_full(archive.into()));
        self.engine.ask(&what, upload)
    }

    /// A file in the container; none where it cannot be read yet, or is larger than a mebibyte.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        let asked = DownloadFromContainerOptionsBuilder::new().path(path);
        let docker = self.engine.docker();
        let parts = docker.download_from_container(&self.id, Some(asked.build()));
        let archive = self.engine.wait(async {
            let mut parts = std::pin::pin!(parts);
            let mut archive = Vec::new();
            while let Some(part) = parts.next().await {
                archive.extend_from_slice(&part.ok()?);
                if archive.len() > MOST {
                    return None;
                }
            }
            Some(archive)
        })?;
        let mut archive = tar::Archive::new(archive.as_slice());
        let mut file = archive.entries().ok()?.next()?.ok()?;
        let mut contents = Vec::new();
        file.read_to_end(&mut contents).ok()?;
        Some(contents)
    }

    /// Ends what runs in it, as a shutdown of a machine does; its files stay.
    pub(super) fn stop(&self) -> Result<(), Error> {
        let what = format!("cannot stop the container {}", self.role);
        let stop = self.engine.docker().stop_container(&self.id, None);
        self.engine.ask(&what, stop)
    }

    /// Starts it again.
    pub(super) fn start_again(&self) -> Result<(), Error> {
        let what = format!("cannot start the container {} again", self.role);
        let start = self.engine.docker().start_container(&self.id, None);
        self.engine.ask(&what, start)
    }

    /// An error where the container has ended, or the start is interrupted.
    pub(super) fn check(&self, options: &Options) -> Result<(), Error> {
        if (options.interrupted)() {
            return Err(Error::Interrupted);
        }
        let inspect = self.engine.docker().inspect_container(&self.id, None);
        let state = self
            .engine
            .ask("cannot inspect a container", inspect)?
            .state;
        let state = state.unwrap_or_default();
        match state.running {
            Some(true) => Ok(()),
            _ => {
                let status = state.exit_code.unwrap_or_default();
                Err(self.complaint(&format!("has ended with status {status}")))
            }
        }
    }

    /// Waits for a line in the log.
    pub(super) fn wait_for(&self, line: &str, options: &Options) -> Result<(), Error> {
        let deadline = Instant::now() + START;
        loop {
            // Looked at before the log, so that last words are not missed.
            let check = self.check(options);
            if self.logs()?.lines().any(|said| said.trim_end() == line) {
                return Ok(());
            }
            check?;
            if Instant::now() > deadline {
                let waited = START.as_secs();
                return Err(self.complaint(&format!("did not say \"{line}\" within {waited} s")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// An error about this container, with its last words.
    pub(super) fn complaint(&self, problem: &str) -> Error {
        let log = self.last_of_log("30").unwrap_or_else(|e| e.to_string());
        Error::Target(format!(
            "the container {} {problem}; the end of its log:\n{}",
            self.role,
            last_words(log.lines(), 30)
        ))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(container) = self.container.take() {
            aside(|| drop(container));
        }
    }
}

fn packed<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(contents.len() as u64);
        archive.append_data(&mut header, path.trim_start_matches('/'), contents)?;
    }
    archive.into_inner()
}

/// As much as is kept of what a container says.
pub(super) const MOST: usize = 1 << 20;
const START: Duration = Duration::from_secs(60);
