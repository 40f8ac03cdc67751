//! The end of the log: what is appended there, and the room for it.

use std::io;
use std::sync::Arc;

use super::{BLOCK, Log, RESERVE, Segment};
use crate::spool::disk::Disk;
use crate::spool::record::{self, Draft, HEADER, Mark};
use crate::spool::segment::{self, Slot};

/// Octets reserved at a time.
const STRIDE: u64 = 4 * 1024 * 1024;

impl Log {
    /// Makes sure that there is a segment to append to, and nothing behind its end.
    pub(super) fn ready(&mut self) -> io::Result<()> {
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

    /// Cuts off what was refused.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        if let Some(segment) = self.current.and_then(|number| self.segments.get(&number)) {
            self.disk.truncate(&segment.file, segment.length)?;
            self.disk.sync(&segment.file)?;
        }
        self.reserved = 0;
        self.doubt = false;
        Ok(())
    }

    /// Begins a new segment, whose name is durable before anything is in it.
    pub(super) fn begin(&mut self) -> io::Result<()> {
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
    pub(super) fn reserve(&mut self, drafts: &[(usize, Draft)]) -> io::Result<()> {
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
    pub(super) fn left(&self) -> u64 {
        let current = self.current.and_then(|number| self.segments.get(&number));
        self.reserved
            .saturating_sub(current.map_or(0, |segment| segment.length))
    }

    /// Writes records behind the current segment's end and syncs them.
    pub(super) fn append(&mut self, drafts: &[(usize, Draft)]) -> io::Result<()> {
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
}

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
