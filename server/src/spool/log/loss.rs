//! Files that somebody has removed while the server runs.

use std::io;

use super::{Log, Segment};
use crate::spool::segment;

impl Log {
    /// Looks whether all files are still there.
    pub(in crate::spool) fn look(&mut self) {
        if let Err(error) = self.notice_loss() {
            tracing::warn!(folder = %self.disk.folder().display(), %error, "nobody can tell whether all files are there");
        }
    }

    /// Takes the lock anew if somebody has removed its file: the one that we hold keeps nobody out.
    pub(super) fn stay_alone(&mut self) -> io::Result<()> {
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

    /// Takes note of segments whose files somebody removed. What lives in them is written anew.
    pub(super) fn notice_loss(&mut self) -> io::Result<()> {
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

    /// Writes anew what lives in files that are gone.
    pub(super) fn rescue(&mut self) -> io::Result<()> {
        let lost = |(number, segment): (&u64, &Segment)| segment.lost.then_some(*number);
        let lost: Vec<u64> = self.segments.iter().filter_map(lost).collect();
        for number in lost {
            self.empty(number)?;
            self.segments.remove(&number);
        }
        Ok(())
    }
}
