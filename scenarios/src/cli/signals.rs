//! SIGINT and SIGTERM: the first asks the run to end with its reports, the second ends the program.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
};

use msaspec_harness::{session::Shared, target::container};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

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
        let told = interruption.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                if told.signal.swap(signal, Ordering::SeqCst) != 0 {
                    told.clean_up();
                    std::process::exit(128 + signal);
                }
                if let Some(shared) = told.lock().as_ref() {
                    shared.interrupt();
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

    /// Nobody waits for what would remove the containers in its own time.
    fn clean_up(&self) {
        if self.has_containers.load(Ordering::SeqCst)
            && let Err(error) = container::remove_everything_of_this_process()
        {
            tracing::warn!("containers may be left: {error}");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Shared>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
