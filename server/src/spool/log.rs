//! The owner of a spool's folder: the log as a whole, opened, written to and closed.

mod append;
mod aside;
mod live;
mod loss;
mod reclaim;
mod recovery;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::disk::Disk;
use super::id::Id;
use super::record::{Draft, Kind, Mark};
use super::segment::{self, Index, Lost, Place};
use super::{SpoolError, old};

pub(super) use aside::{DAMAGED, UNFINISHED};

/// The log, for the one thread that writes.
pub(super) struct Log {
    disk: Disk,
    index: Arc<Mutex<Index>>,
    segments: BTreeMap<u64, Segment>,
    /// Where records are appended; nothing until the first of them, or if the file is gone.
    current: Option<u64>,
    next: u64,
    /// Whether there may be octets behind the current segment's end that were refused. Nothing is
    /// appended before they are cut off.
    doubt: bool,
    /// Up to where the disk has promised room in the current segment.
    reserved: u64,
    /// Whether the disk has no room for more messages.
    tight: bool,
    /// No attempt to give room back before.
    rest: Option<Instant>,
    /// Octets from which a segment is full.
    full: u64,
    lock: File,
}

struct Segment {
    file: Arc<File>,
    mark: Mark,
    /// Octets that are synced and sound.
    length: u64,
    /// Messages whose place it is.
    messages: u64,
    /// Octets of records that still tell something.
    live: u64,
    /// Whether it holds damage that could not be set aside, so that it has to stay.
    kept: bool,
    /// Whether somebody has removed its file.
    lost: bool,
}

/// Octets from which a segment is full.
pub(super) const FULL: u64 = 16 * 1024 * 1024;
/// Room for records of progress and removal, which no message may take: with them a full disk gets
/// empty again.
const RESERVE: u64 = 256 * 1024;
/// Octets that are written, or moved, at a time.
const BLOCK: usize = 256 * 1024;

impl Log {
    /// Finds what is in the folder, and makes what is found durable.
    pub(super) fn open(disk: Disk, lock: File, full: u64) -> io::Result<Self> {
        let names = disk.names()?;
        let numbers: BTreeSet<u64> = names
            .iter()
            .filter_map(|name| segment::number(name))
            .collect();
        let last = numbers.last().copied();
        let mut lost = Lost::new();
        let mut log = Log {
            disk,
            index: Arc::default(),
            segments: BTreeMap::new(),
            current: None,
            next: last.map_or(0, |last| last + 1),
            doubt: false,
            reserved: 0,
            tight: false,
            rest: None,
            full,
            lock,
        };
        for number in numbers {
            let file = log.disk.open(&segment::name(number))?;
            match segment::load(&log.disk, number, file)? {
                Ok(loaded) => log.take(number, loaded, Some(number) == last, &mut lost)?,
                Err(octets) => log.reject(number, &octets)?,
            }
        }
        if last.is_some() {
            // A crash may have come before a name was durable.
            log.disk.sync_folder()?;
        }
        log.keep_lost(&lost);
        log.count();
        old::convert(&mut log, &names)?;
        Ok(log)
    }

    pub(super) fn index(&self) -> Arc<Mutex<Index>> {
        self.index.clone()
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Appends records and syncs once for all of them. An answer for each, in their order.
    pub(super) fn commit(&mut self, drafts: Vec<Draft>) -> Vec<Result<(), SpoolError>> {
        let mut answers: Vec<Result<(), SpoolError>> = Vec::with_capacity(drafts.len());
        let mut useful = Vec::with_capacity(drafts.len());
        for (number, draft) in drafts.into_iter().enumerate() {
            let known = self.knows(&useful, draft.kind, draft.id);
            answers.push(match known {
                true => Ok(()),
                false => Err(SpoolError::NoSuchMessage(draft.id.to_string())),
            });
            if known {
                useful.push((number, draft));
            }
        }
        for (number, error) in self.write(useful) {
            answers[number] = Err(super::at(self.disk.folder())(error));
        }
        answers
    }

    /// Writes what it can; the numbers and errors of what it cannot.
    fn write(&mut self, mut drafts: Vec<(usize, Draft)>) -> Vec<(usize, io::Error)> {
        let all = |drafts: &[(usize, Draft)], error: &io::Error| {
            let failure = |(number, _): &(usize, Draft)| (*number, again(error));
            drafts.iter().map(failure).collect::<Vec<_>>()
        };
        if drafts.is_empty() {
            return Vec::new();
        }
        if let Err(error) = self.ready() {
            return all(&drafts, &error);
        }
        let mut failures = Vec::new();
        let promised = self.reserve(&drafts);
        self.tight = promised.is_err();
        if let Err(error) = promised {
            // The reserve is for the others, and its last half for removals alone: an attempt that
            // is not written down is made again.
            let scarce = self.left() < RESERVE / 2;
            let refused: Vec<_> = drafts
                .extract_if(.., |(_, draft)| match draft.kind {
                    Kind::Message => true,
                    Kind::Progress => scarce,
                    Kind::Removed => false,
                })
                .collect();
            failures = all(&refused, &error);
        }
        if !drafts.is_empty()
            && let Err(error) = self.append(&drafts)
        {
            failures.extend(all(&drafts, &error));
        }
        failures
    }

    /// Leaves the folder as it may be found: without what was refused, and empty if nothing is left
    /// to do.
    pub(super) fn close(mut self) {
        self.look();
        if let Err(error) = self.rescue() {
            let gone = |place: &Place| {
                let segment = self.segments.get(&place.message.segment);
                segment.is_none_or(|segment| segment.lost)
            };
            let index = self.lock();
            let ids = index.iter().filter(|(_, place)| gone(place));
            let ids: Vec<_> = ids.map(|(id, _)| id.to_string()).collect();
            tracing::error!(folder = %self.disk.folder().display(), %error, ?ids, "accepted and lost: somebody removed their files, and they cannot be written anew");
        }
        let closed = match self.doubt {
            true => self.cut(),
            false => Ok(()),
        };
        let empty = self.lock().is_empty();
        let closed = closed.and_then(|()| match empty {
            true => {
                self.current = None;
                self.remove_dead()
            }
            false => Ok(()),
        });
        if let Err(error) = closed {
            tracing::warn!(folder = %self.disk.folder().display(), %error, "not tidied at the end");
        }
    }

    /// Whether a record is about a message that is there, or makes it.
    fn knows(&self, before: &[(usize, Draft)], kind: Kind, id: Id) -> bool {
        if kind == Kind::Message {
            return true;
        }
        let earlier = before
            .iter()
            .rev()
            .find(|(_, draft)| draft.id == id && draft.kind != Kind::Progress);
        match earlier {
            Some((_, draft)) => draft.kind == Kind::Message,
            None => self.lock().contains_key(&id),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same error for another who waits.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
