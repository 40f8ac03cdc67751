//! The servers in their containers: started by the first trial that needs them, removed when the last one is over.

use std::{
    io, process,
    sync::{
        Arc, LazyLock, OnceLock, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use libtest_mimic::{Completion, Failed, Trial};
use msaspec_harness::target::container::{self, Options, Running};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// The folders under fixtures/ that the stories and the catalogue are told with.
pub(crate) const SERVERS: [&str; 2] = ["msaspec", "sendmail"];

/// One server in its containers.
pub(crate) struct Stage {
    /// The folder's name.
    pub(crate) name: &'static str,
    set: OnceLock<Result<RwLock<Running>, Absent>>,
}

/// Why a stage is empty.
pub(crate) enum Absent {
    /// Something that a script makes is not there: no failure, but to be said.
    Missing(String),
    /// The server does not start.
    Broken(String),
}

/// Why there can be no containers here, where that is so.
pub(crate) static WITHOUT_ENGINE: LazyLock<Option<String>> =
    LazyLock::new(|| container::engine().err());

impl Stage {
    /// A server that nobody has started yet.
    pub(crate) fn new(name: &'static str) -> Arc<Stage> {
        Arc::new(Stage {
            name,
            set: OnceLock::new(),
        })
    }

    /// For trials that leave the server as it is: they run side by side.
    pub(crate) fn shared(&self, story: impl FnOnce(&Running) -> Told) -> Told {
        match self.set() {
            Ok(running) => story(
                &*running
                    .read()
                    .map_err(|_| "a story before this one panicked")?,
            ),
            Err(absent) => absent.told(),
        }
    }

    /// The server, started if it is not.
    pub(crate) fn set(&self) -> &Result<RwLock<Running>, Absent> {
        self.set.get_or_init(|| {
            let source = container::find(self.name).map_err(|e| Absent::Broken(e.to_string()))?;
            match Running::start(&source, &Options::default()) {
                Ok(running) => Ok(RwLock::new(running)),
                Err(error) if error.to_string().contains("ci/container-binary") => {
                    Err(Absent::Missing(error.to_string()))
                }
                Err(error) => Err(Absent::Broken(error.to_string())),
            }
        })
    }
}

impl Absent {
    pub(crate) fn told(&self) -> Told {
        match self {
            Absent::Missing(what) => Ok(Completion::ignored_with(what.clone())),
            Absent::Broken(why) => Err(why.as_str().into()),
        }
    }
}

/// No other story begins.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Ctrl-C and SIGTERM end the program once everything that it has started is gone.
pub(crate) fn end_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            ENDING.store(true, Ordering::SeqCst);
            // What trials under way still start is found when it is listed again, and what they remove
            // themselves meanwhile is an error here. What remains is swept by the next program.
            for _ in 0..20 {
                if let Ok(0) = container::remove_everything_of_this_process() {
                    break;
                }
            }
            process::exit(128 + signal);
        }
    });
    Ok(())
}

/// How a story ends.
pub(crate) type Told = Result<Completion, Failed>;

/// A trial that needs containers: without an engine it is reported as ignored, with the reason.
pub(crate) fn trial(name: String, story: impl FnOnce() -> Told + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || match &*WITHOUT_ENGINE {
        Some(reason) => Ok(Completion::ignored_with(reason.clone())),
        None if ENDING.load(Ordering::SeqCst) => Err("a signal has ended the program".into()),
        None => story(),
    })
}
