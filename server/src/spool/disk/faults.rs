//! Calls that fail, for tests.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What is to fail, and what was asked.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: Mutex<Plan>,
    folder_syncs: AtomicU64,
    /// Octets that all files may have; 0 for any number.
    room: AtomicU64,
    /// The octet that cannot be read in any file; 0 for none.
    unreadable: AtomicU64,
}

#[derive(Debug, Default)]
struct Plan {
    calls: u64,
    first: u64,
    number: u64,
    errno: i32,
}

impl Faults {
    /// From now on, the call with this number (from 1) fails and so many after it.
    pub(crate) fn plan(&self, first: u64, number: u64, errno: i32) {
        *self.lock() = Plan {
            calls: 0,
            first,
            number,
            errno,
        };
    }

    /// How often the folder was synced.
    pub(crate) fn folder_syncs(&self) -> u64 {
        self.folder_syncs.load(Ordering::Relaxed)
    }

    pub(super) fn folder_is_synced(&self) {
        self.folder_syncs.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on the disk has room for so many octets.
    pub(crate) fn room(&self, octets: u64) {
        self.room.store(octets, Ordering::Relaxed);
    }

    /// Whether there is room for a file with this end, beside all others.
    pub(super) fn fits(&self, file: &File, end: u64, folder: &Path) -> io::Result<()> {
        let room = self.room.load(Ordering::Relaxed);
        if room == 0 {
            return Ok(());
        }
        let mut all = end;
        let own = file.metadata()?.ino();
        for other in fs::read_dir(folder)? {
            let other = other?.metadata()?;
            if other.ino() != own {
                all += other.len();
            }
        }
        match all <= room {
            true => Ok(()),
            false => Err(io::Error::from_raw_os_error(28)),
        }
    }

    /// From now on no file can be read at this octet.
    pub(crate) fn unreadable(&self, place: u64) {
        self.unreadable.store(place, Ordering::Relaxed);
    }

    pub(super) fn reads(&self, start: u64, end: u64) -> io::Result<()> {
        let place = self.unreadable.load(Ordering::Relaxed);
        match place > 0 && (start..end).contains(&place) {
            true => Err(io::Error::from_raw_os_error(5)),
            false => Ok(()),
        }
    }

    /// Calls since the plan was made.
    pub(crate) fn calls(&self) -> u64 {
        self.lock().calls
    }

    pub(super) fn step(&self) -> io::Result<()> {
        let mut plan = self.lock();
        plan.calls += 1;
        let fails = plan.first > 0
            && (plan.first..plan.first.saturating_add(plan.number)).contains(&plan.calls);
        match fails {
            true => Err(io::Error::from_raw_os_error(plan.errno)),
            false => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
