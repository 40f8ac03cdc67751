//! The owner of a spool's folder: appends records, finds them again, gives their room back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::disk::{self, Disk};
use super::id::Id;
use super::record::{self, Draft, Found, HEADER, Kind, Mark};
use super::segment::{self, Index, Loaded, Lost, Place, Slot};
use super::{SpoolError, old};

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
/// Octets of dead records that may stay where no message lives.
const IDLE: u64 = 1024 * 1024;
/// Room for records of progress and removal, which no message may take: with them a full disk gets
/// empty again.
const RESERVE: u64 = 256 * 1024;
/// Octets reserved at a time.
const STRIDE: u64 = 4 * 1024 * 1024;
/// Octets that are written, or moved, at a time.
const BLOCK: usize = 256 * 1024;
/// How long a failed attempt to move messages is left alone.
const REST: Duration = Duration::from_secs(10);

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

    /// Gives back the room of what is done. Called after every commit.
    pub(super) fn tidy(&mut self) {
        if self.rest.is_some_and(|rest| Instant::now() < rest) {
            return;
        }
        self.rest = None;
        if let Err(error) = self.give_back() {
            tracing::warn!(folder = %self.disk.folder().display(), %error, "room not given back now");
            self.rest = Some(Instant::now() + REST);
        }
    }

    /// Copies a message that cannot be read aside, so that a person can look at it, and removes it.
    pub(super) fn set_aside(&mut self, id: Id) -> Result<(), SpoolError> {
        let place = self.lock().get(&id).cloned();
        let Some(place) = place else {
            return Err(SpoolError::NoSuchMessage(id.to_string()));
        };
        let octets = place.message.octets(&self.disk);
        octets
            .and_then(|octets| self.keep(&id.to_string(), &octets))
            .map_err(super::at(self.disk.folder()))?;
        let removed = Draft::new(Kind::Removed, id, Vec::new());
        self.commit(vec![removed]).pop().unwrap_or(Ok(()))
    }

    /// Looks whether all files are still there.
    pub(super) fn look(&mut self) {
        if let Err(error) = self.notice_loss() {
            tracing::warn!(folder = %self.disk.folder().display(), %error, "nobody can tell whether all files are there");
        }
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

    /// Makes sure that there is a segment to append to, and nothing behind its end.
    fn ready(&mut self) -> io::Result<()> {
        self.stay_alone()?;
        if let Some(segment) = self.current.and_then(|number| self.segments.get(&number))
            && !self.disk.has_name(&segment.file)?
        {
            self.notice_loss()?;
        }
        if self.doubt {
            self.cut()?;
        }
        let length = self.current.and_then(|number| self.segments.get(&number));
        match length.map(|segment| segment.length) {
            Some(length) if length < self.full => Ok(()),
            Some(_) => {
                // A segment that is too long is better than none.
                if let Err(error) = self.begin() {
                    tracing::warn!(folder = %self.disk.folder().display(), %error, "no new segment");
                }
                Ok(())
            }
            None => self.begin(),
        }
    }

    /// Takes the lock anew if somebody has removed its file: the one that we hold keeps nobody out.
    fn stay_alone(&mut self) -> io::Result<()> {
        if self.disk.has_name(&self.lock)? {
            return Ok(());
        }
        let lock = self.disk.lock()?;
        self.lock = lock.ok_or_else(|| io::Error::other("another server uses this spool"))?;
        // Whoever was here meanwhile may have left segments.
        let names = self.disk.names()?;
        let last = names.iter().filter_map(|name| segment::number(name)).max();
        self.next = self.next.max(last.map_or(0, |last| last + 1));
        Ok(())
    }

    /// Cuts off what was refused.
    fn cut(&mut self) -> io::Result<()> {
        if let Some(segment) = self.current.and_then(|number| self.segments.get(&number)) {
            self.disk.truncate(&segment.file, segment.length)?;
            self.disk.sync(&segment.file)?;
        }
        self.reserved = 0;
        self.doubt = false;
        Ok(())
    }

    /// Takes note of segments whose files somebody removed. What lives in them is written anew.
    fn notice_loss(&mut self) -> io::Result<()> {
        for (number, segment) in &mut self.segments {
            if !segment.lost && !self.disk.has_name(&segment.file)? {
                tracing::error!(path = %self.disk.path(&segment::name(*number)).display(), "somebody removed it");
                segment.lost = true;
            }
        }
        let current = self.current.and_then(|number| self.segments.get(&number));
        if current.is_some_and(|segment| segment.lost) {
            self.current = None;
            self.doubt = false;
            self.reserved = 0;
        }
        Ok(())
    }

    /// Begins a new segment, whose name is durable before anything is in it.
    fn begin(&mut self) -> io::Result<()> {
        let mut mark = Mark::default();
        getrandom::fill(&mut mark).map_err(|error| io::Error::other(error.to_string()))?;
        let (number, name) = (self.next, segment::name(self.next));
        self.next += 1;
        if let Some(full) = self.current.and_then(|number| self.segments.get(&number)) {
            // What was reserved for it may be all the room there is.
            self.disk.truncate(&full.file, full.length)?;
            self.reserved = 0;
        }
        let file = self.disk.create(&name)?;
        let made = self
            .disk
            .write_at(&file, 0, &record::header(mark))
            .and_then(|()| self.disk.sync(&file))
            .and_then(|()| self.disk.sync_folder());
        if let Err(error) = made {
            // If it stays it is empty, which is no harm.
            let _ = self.disk.remove(&name);
            return Err(error);
        }
        let segment = Segment {
            file: Arc::new(file),
            mark,
            length: HEADER as u64,
            messages: 0,
            live: 0,
            kept: false,
            lost: false,
        };
        self.segments.insert(number, segment);
        self.current = Some(number);
        self.reserved = 0;
        Ok(())
    }

    /// Has the disk promise room for messages and the reserve behind them, and for what lives in
    /// the oldest segment: one message that cannot be delivered must not keep the room of all
    /// others.
    fn reserve(&mut self, drafts: &[(usize, Draft)]) -> io::Result<()> {
        let Some(segment) = self.current.and_then(|number| self.segments.get(&number)) else {
            return Ok(());
        };
        let octets: u64 = drafts.iter().map(|(_, draft)| draft.length()).sum();
        let oldest = self.segments.values().next();
        let live = oldest.map_or(0, |oldest| oldest.live) + octets;
        let needed = segment.length + octets + RESERVE + live.min(self.full / 4);
        if needed <= self.reserved {
            return Ok(());
        }
        let (file, place) = (&segment.file, segment.length);
        let far = needed.max(place + STRIDE);
        if self.disk.reserve(file, place, far - place).is_ok() {
            self.reserved = far;
            return Ok(());
        }
        self.disk.reserve(file, place, needed - place)?;
        self.reserved = needed;
        Ok(())
    }

    /// Octets that are reserved behind the current segment's end.
    fn left(&self) -> u64 {
        let current = self.current.and_then(|number| self.segments.get(&number));
        self.reserved
            .saturating_sub(current.map_or(0, |segment| segment.length))
    }

    /// Writes records behind the current segment's end and syncs them.
    fn append(&mut self, drafts: &[(usize, Draft)]) -> io::Result<()> {
        let current = self.current.unwrap_or_default();
        let Some(segment) = self.segments.get(&current) else {
            return Err(io::Error::other("no segment"));
        };
        let written = write(&self.disk, segment, drafts);
        let slots = match written.and_then(|slots| self.disk.sync(&segment.file).map(|()| slots)) {
            Ok(slots) => slots,
            Err(error) => {
                self.doubt = true;
                if let Err(error) = self.cut() {
                    tracing::error!(folder = %self.disk.folder().display(), %error, "what was refused cannot be cut off now");
                }
                return Err(error);
            }
        };
        for ((_, draft), (start, length)) in drafts.iter().zip(slots) {
            let Some(segment) = self.segments.get_mut(&current) else {
                continue;
            };
            segment.length = start + length;
            let slot = Slot {
                segment: current,
                file: segment.file.clone(),
                start,
                length,
            };
            self.note(draft.kind, draft.id, slot);
        }
        Ok(())
    }

    /// Takes note of a record that is durable.
    fn note(&mut self, kind: Kind, id: Id, slot: Slot) {
        let index = self.index.clone();
        let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = index.get(&id) {
            self.weigh(place, -1);
        }
        segment::note(&mut index, kind, id, slot);
        if let Some(place) = index.get(&id) {
            self.weigh(place, 1);
        }
    }

    /// Adds a message to the counts of its segments, or takes it out.
    fn weigh(&mut self, place: &Place, sign: i64) {
        let slots = [Some(&place.message), place.progress.as_ref()];
        for slot in slots.into_iter().flatten() {
            if let Some(segment) = self.segments.get_mut(&slot.segment) {
                let octets = slot.length.cast_signed() * sign;
                segment.live = segment.live.saturating_add_signed(octets);
            }
        }
        if let Some(segment) = self.segments.get_mut(&place.message.segment) {
            segment.messages = segment.messages.saturating_add_signed(sign);
        }
    }

    fn count(&mut self) {
        let places: Vec<Place> = self.lock().values().cloned().collect();
        for place in places {
            self.weigh(&place, 1);
        }
    }

    fn give_back(&mut self) -> io::Result<()> {
        if self.doubt {
            return Ok(());
        }
        self.rescue()?;
        self.remove_dead()?;
        let length = |segment: &Segment| segment.length;
        let current = self.current.and_then(|number| self.segments.get(&number));
        if current.map_or(0, length) > IDLE && self.lock().is_empty() {
            return self.restart();
        }
        if self.tight {
            return self.squeeze();
        }
        let all: u64 = self.segments.values().map(length).sum();
        let live: u64 = self.segments.values().map(|segment| segment.live).sum();
        // As much again may be dead, and a little more, before messages are moved for it.
        if all > 2 * live + 4 * self.full
            && let Some((oldest, segment)) = self.segments.first_key_value()
            && Some(*oldest) != self.current
            && !segment.kept
        {
            self.empty(*oldest)?;
            self.remove_dead()?;
        }
        Ok(())
    }

    /// Begins the current segment anew, in which nothing lives.
    fn restart(&mut self) -> io::Result<()> {
        if self.segments.len() > 1 || self.segments.values().any(|segment| segment.kept) {
            // One has to stay as it is, and what an older one holds is removed in this one.
            self.begin()?;
            return self.remove_dead();
        }
        // That needs no room, which there may not be.
        if let Some(segment) = self.segments.values_mut().next() {
            segment.length = HEADER as u64;
            self.doubt = true;
            self.cut()?;
            self.tight = false;
        }
        Ok(())
    }

    /// Makes room on a full disk, where more of the oldest segment is dead than the reserve, and
    /// what lives fits into what is reserved.
    fn squeeze(&mut self) -> io::Result<()> {
        if let Some((oldest, segment)) = self.segments.first_key_value()
            && segment.length.saturating_sub(segment.live) > RESERVE
            && segment.live + RESERVE / 2 <= self.left()
            && !segment.kept
        {
            let oldest = *oldest;
            if Some(oldest) == self.current {
                self.begin()?;
            }
            self.empty(oldest)?;
            self.remove_dead()?;
            self.tight = false;
        }
        Ok(())
    }

    /// Writes anew what lives in files that are gone.
    fn rescue(&mut self) -> io::Result<()> {
        let lost = |(number, segment): (&u64, &Segment)| segment.lost.then_some(*number);
        let lost: Vec<u64> = self.segments.iter().filter_map(lost).collect();
        for number in lost {
            self.empty(number)?;
            self.segments.remove(&number);
        }
        Ok(())
    }

    /// Removes segments in which nothing lives. Oldest first, each for good before the next: what
    /// removes a message must not go before what makes it.
    fn remove_dead(&mut self) -> io::Result<()> {
        while let Some((number, segment)) = self.segments.first_key_value()
            && Some(*number) != self.current
            && segment.messages == 0
            && !segment.kept
        {
            let number = *number;
            self.disk.remove(&segment::name(number))?;
            self.disk.sync_folder()?;
            self.segments.remove(&number);
        }
        Ok(())
    }

    /// Moves all messages out of a segment.
    fn empty(&mut self, number: u64) -> io::Result<()> {
        let places: Vec<(Id, Place)> = self
            .lock()
            .iter()
            .filter(|(_, place)| place.message.segment == number)
            .map(|(id, place)| (*id, place.clone()))
            .collect();
        let mut drafts = Vec::new();
        for (id, place) in places {
            match self.copy(id, &place) {
                Ok(copies) => drafts.extend(copies),
                Err(SpoolError::Damaged { .. }) => self.set_aside(id).map_err(io::Error::other)?,
                Err(SpoolError::Io { source, .. }) if disk::is_unreadable(&source) => {
                    tracing::error!(%id, "cannot be read now; its segment stays");
                    if let Some(segment) = self.segments.get_mut(&number) {
                        segment.kept = true;
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
            if drafts.iter().map(Draft::length).sum::<u64>() > BLOCK as u64 {
                self.move_all(std::mem::take(&mut drafts))?;
            }
        }
        self.move_all(drafts)
    }

    /// Appends what is there already. It leaves the reserve as it is: soon there is more room.
    fn move_all(&mut self, drafts: Vec<Draft>) -> io::Result<()> {
        if drafts.is_empty() {
            return Ok(());
        }
        self.ready()?;
        let drafts: Vec<_> = drafts.into_iter().enumerate().collect();
        self.append(&drafts)
    }

    /// A message and its progress, to be written anew.
    fn copy(&self, id: Id, place: &Place) -> Result<Vec<Draft>, SpoolError> {
        let message = place.message.payload(id, &self.disk)?;
        let mut copies = vec![Draft::new(Kind::Message, id, message)];
        let progress = place.progress(id, &self.disk)?;
        copies.extend(progress.map(|json| Draft::new(Kind::Progress, id, json)));
        Ok(copies)
    }

    /// Takes a segment that was found. Behind the end of the last one a crash may have left half a
    /// record; whatever else is not sound is damage, and copied aside.
    fn take(&mut self, number: u64, loaded: Loaded, last: bool, lost: &mut Lost) -> io::Result<()> {
        let path = self.disk.path(&segment::name(number));
        let (end, whole) = (loaded.end(), loaded.octets.len());
        // Where something cannot be read, nothing is cut off or written over.
        let last = last && loaded.whole;
        let mut damage = Vec::new();
        for found in &loaded.scan.found {
            match found {
                Found::Damaged { span, about: None } => damage.push(span.clone()),
                Found::Damaged {
                    about: Some((Kind::Progress, id)),
                    ..
                } => {
                    tracing::error!(path = %path.display(), %id, "progress damaged; what was told before it counts");
                }
                // Whether a damaged message is lost is known when all has been read.
                _ => {}
            }
        }
        if !loaded.whole {
            tracing::error!(path = %path.display(), "cannot be read in part; it stays");
        } else if record::mark(&loaded.octets).is_none() {
            tracing::error!(path = %path.display(), "header damaged; written anew");
            self.disk
                .write_at(&loaded.file, 0, &record::header(loaded.mark))?;
        }
        if last {
            if end < whole {
                tracing::info!(path = %path.display(), octets = whole - end, "cut off what was never acknowledged");
                self.disk.truncate(&loaded.file, end as u64)?;
            }
            // What is found counts from now on.
            self.disk.sync(&loaded.file)?;
            self.current = Some(number);
        } else if end < whole {
            damage.push(end..whole);
        }
        let mut kept = !loaded.whole;
        for span in damage {
            let name = format!("{number:016x}-{}", span.start);
            if let Err(error) = self.keep(&name, &loaded.octets[span]) {
                tracing::error!(path = %path.display(), %error, "damaged, and cannot be copied aside");
                kept = true;
            }
        }
        segment::apply(&mut self.lock(), lost, number, &loaded);
        let segment = Segment {
            file: loaded.file,
            mark: loaded.mark,
            length: end as u64,
            messages: 0,
            live: 0,
            kept,
            lost: false,
        };
        self.segments.insert(number, segment);
        Ok(())
    }

    /// Copies damaged messages aside of which there is nothing else.
    fn keep_lost(&mut self, lost: &Lost) {
        for (id, slot) in lost {
            let octets = slot.octets(&self.disk);
            let kept = octets.and_then(|octets| self.keep(&id.to_string(), &octets));
            if let Err(error) = kept {
                tracing::error!(%id, %error, "damaged, and cannot be copied aside");
                if let Some(segment) = self.segments.get_mut(&slot.segment) {
                    segment.kept = true;
                }
            }
        }
    }

    /// A segment without a sound header: it was never begun, or it is damaged as a whole.
    fn reject(&self, number: u64, octets: &[u8]) -> io::Result<()> {
        let name = segment::name(number);
        if octets.len() < HEADER || octets.iter().all(|octet| *octet == 0) {
            return self.disk.remove(&name);
        }
        tracing::error!(path = %self.disk.path(&name).display(), "damaged, renamed to *.damaged; nothing in it will be delivered");
        self.disk.rename(&name, &format!("{name}{DAMAGED}"))?;
        self.disk.sync_folder()
    }

    /// Keeps damaged octets in a file of their own, unless these were kept before.
    fn keep(&self, stem: &str, octets: &[u8]) -> io::Result<()> {
        let mut name = format!("{stem}{DAMAGED}");
        for number in 1_u64.. {
            match self.disk.read(&name) {
                Ok(before) if before == octets => return Ok(()),
                Ok(_) => name = format!("{stem}.{number}{DAMAGED}"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        let unfinished = format!("{name}{UNFINISHED}");
        tracing::error!(path = %self.disk.path(&name).display(), "damaged, set aside here; it will not be delivered");
        let file = self.disk.create(&unfinished)?;
        self.disk.write_at(&file, 0, octets)?;
        self.disk.sync(&file)?;
        self.disk.rename(&unfinished, &name)?;
        self.disk.sync_folder()
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the name of a file that was set aside.
pub(super) const DAMAGED: &str = ".damaged";
/// The end of a name whose file is not finished.
pub(super) const UNFINISHED: &str = ".new";

/// Writes records; their places and lengths.
fn write(disk: &Disk, segment: &Segment, drafts: &[(usize, Draft)]) -> io::Result<Vec<(u64, u64)>> {
    let mut slots = Vec::with_capacity(drafts.len());
    let mut block = Vec::new();
    let (mut place, mut start) = (segment.length, segment.length);
    let mut flush = |block: &mut Vec<u8>| {
        let written = disk.write_at(&segment.file, place, block);
        place += block.len() as u64;
        block.clear();
        written
    };
    for (_, draft) in drafts {
        block.extend(draft.head(segment.mark));
        for piece in draft.payload.chunks(BLOCK) {
            block.extend(piece);
            if block.len() >= BLOCK {
                flush(&mut block)?;
            }
        }
        slots.push((start, draft.length()));
        start += draft.length();
    }
    flush(&mut block)?;
    Ok(slots)
}

/// The same error for another who waits.
pub(super) fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
