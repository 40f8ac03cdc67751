//! What all sessions of a run share.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::verdict::Deviation;

/// What all sessions of a run share.
#[derive(Debug, Default)]
pub struct Shared {
    interrupted: AtomicBool,
    /// Mail that was due did not come until the deadline, and nobody had promised that it would.
    waited_in_vain: AtomicBool,
    /// Faults of multi-line replies anywhere in the run.
    pub(super) multi_line: Mutex<Vec<Deviation>>,
}

impl Shared {
    /// Asks all sessions to end soon.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether the sessions were asked to end.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    pub(super) fn waited_in_vain(&self) -> bool {
        self.waited_in_vain.load(Ordering::Relaxed)
    }

    pub(super) fn wait_was_in_vain(&self) {
        self.waited_in_vain.store(true, Ordering::Relaxed);
    }

    pub(crate) fn multi_line_faults(&self) -> Vec<Deviation> {
        self.multi_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
