//! Room given back: segments in which nothing lives are removed, and what is in the way is moved.

use std::io;
use std::time::{Duration, Instant};

use super::{BLOCK, Log, RESERVE, Segment};
use crate::spool::id::Id;
use crate::spool::record::{Draft, HEADER, Kind};
use crate::spool::segment::{self, Place};
use crate::spool::{SpoolError, disk};

/// Octets of dead records that may stay where no message lives.
const IDLE: u64 = 1024 * 1024;
/// How long a failed attempt to move messages is left alone.
const REST: Duration = Duration::from_secs(10);

impl Log {
    /// Gives back the room of what is done. Called after every commit.
    pub(in crate::spool) fn tidy(&mut self) {
        if self.rest.is_some_and(|rest| Instant::now() < rest) {
            return;
        }
        self.rest = None;
        if let Err(error) = self.give_back() {
            tracing::warn!(folder = %self.disk.folder().display(), %error, "room not given back now");
            self.rest = Some(Instant::now() + REST);
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

    /// Removes segments in which nothing lives. Oldest first, each for good before the next: what
    /// removes a message must not go before what makes it.
    pub(super) fn remove_dead(&mut self) -> io::Result<()> {
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
    pub(super) fn empty(&mut self, number: u64) -> io::Result<()> {
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
                Err(SpoolError::Io { error, .. }) if disk::is_unreadable(&error) => {
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
}
