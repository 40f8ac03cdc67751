//! SIGINT, SIGTERM and SIGHUP: the first asks the run to end with its reports, the second ends the program
//! as soon as its containers are removed, and the third at once.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use msaspec_harness::{error::Error, session::Shared, target::container};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// The longest that the second signal waits for containers to be removed.
const CLEAN_UP: Duration = Duration::from_secs(10);
/// How often an engine that does not obey is asked again.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Who is told when a signal comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Interruption {
    signal: Arc<AtomicI32>,
    has_containers: Arc<AtomicBool>,
    current: Arc<Mutex<Option<Arc<Shared>>>>,
}

impl Interruption {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Interruption> {
        let interruption = Interruption::default();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        if !hang_up_is_ignored() {
            signals.add_signal(SIGHUP)?;
        }
        let told = interruption.clone();
        thread::spawn(move || {
            for (index, signal) in signals.forever().enumerate() {
                match index {
                    0 => told.interrupt(signal),
                    1 => told.end(signal),
                    _ => std::process::exit(128 + signal),
                }
            }
        });
        Ok(interruption)
    }

    /// What the sessions of the next target share; told to end at once where a signal has come.
    pub(super) fn shared(&self, has_containers: bool) -> Arc<Shared> {
        self.has_containers
            .fetch_or(has_containers, Ordering::SeqCst);
        let shared = Arc::new(Shared::default());
        *self.lock() = Some(shared.clone());
        if self.status().is_some() {
            shared.interrupt();
        }
        shared
    }

    /// The exit status, where a signal has come.
    pub(super) fn status(&self) -> Option<u8> {
        let signal = self.signal.load(Ordering::SeqCst);
        u8::try_from(128 + signal).ok().filter(|_| signal != 0)
    }

    fn interrupt(&self, signal: i32) {
        self.signal.store(signal, Ordering::SeqCst);
        if let Some(shared) = self.lock().as_ref() {
            shared.interrupt();
        }
    }

    /// Nobody waits for what would remove the containers in its own time.
    fn end(&self, signal: i32) {
        let has_containers = self.has_containers.load(Ordering::SeqCst);
        thread::spawn(move || {
            if has_containers {
                let (removed, removal) = mpsc::channel();
                thread::spawn(move || removed.send(remove_containers()));
                let problem = match removal.recv_timeout(CLEAN_UP) {
                    Ok(removed) => removed.err().map(|error| error.to_string()),
                    Err(_) => Some(format!(
                        "the engine needs more than {} s",
                        CLEAN_UP.as_secs()
                    )),
                };
                if let Some(problem) = problem {
                    tracing::warn!("containers may be left: {problem}");
                }
            }
            std::process::exit(128 + signal);
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Shared>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being created meanwhile is found when they are listed again.
fn remove_containers() -> Result<(), Error> {
    let mut failed = 0;
    loop {
        match container::remove_everything_of_this_process() {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                failed += 1;
                if failed == ATTEMPTS {
                    return Err(error);
                }
                thread::sleep(PAUSE);
            }
        }
    }
}

/// As `nohup` wants it: then it stays ignored.
fn hang_up_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}
