//! What is damaged, copied aside for a person to look at.

use std::io;

use super::Log;
use crate::spool::id::Id;
use crate::spool::record::{Draft, Kind};
use crate::spool::segment::Lost;
use crate::spool::{SpoolError, at};

/// The end of the name of a file that was set aside.
pub(in crate::spool) const DAMAGED: &str = ".damaged";
/// The end of a name whose file is not finished.
pub(in crate::spool) const UNFINISHED: &str = ".new";

impl Log {
    /// Copies a message that cannot be read aside, so that a person can look at it, and removes it.
    pub(in crate::spool) fn set_aside(&mut self, id: Id) -> Result<(), SpoolError> {
        let place = self.lock().get(&id).cloned();
        let Some(place) = place else {
            return Err(SpoolError::NoSuchMessage(id.to_string()));
        };
        let octets = place.message.octets(&self.disk);
        octets
            .and_then(|octets| self.keep(&id.to_string(), &octets))
            .map_err(at(self.disk.folder()))?;
        let removed = Draft::new(Kind::Removed, id, Vec::new());
        self.commit(vec![removed]).pop().unwrap_or(Ok(()))
    }

    /// Copies damaged messages aside of which there is nothing else.
    pub(super) fn keep_lost(&mut self, lost: &Lost) {
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

    /// Keeps damaged octets in a file of their own, unless these were kept before.
    pub(super) fn keep(&self, stem: &str, octets: &[u8]) -> io::Result<()> {
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
}
