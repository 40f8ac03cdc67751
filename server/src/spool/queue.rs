//! What a spool's folder holds, for a person who looks at it, whether its server runs or not.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::id::Id;
use super::log::{DAMAGED, FULL, Log};
use super::record::{Draft, Found, Kind};
use super::segment::{self, Index, Lost};
use super::writer::REMOVE;
use super::{Entry, Message, SpoolError, at, old};

/// A spool's folder, seen by another than its server. It may change at any time.
#[derive(Debug, Clone)]
pub struct Queue {
    disk: Disk,
}

/// How long a running server may take to remove a message.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one looks whether it has.
const LOOK: Duration = Duration::from_millis(20);
/// Attempts to read a folder whose files change meanwhile.
const ATTEMPTS: usize = 100;

impl Queue {
    /// Opens a folder, making it (readable by its owner only) if it is missing.
    ///
    /// # Errors
    /// [`SpoolError::Io`] if it can be neither found nor made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, SpoolError> {
        let folder = folder.as_ref();
        let disk = Disk::make(folder).map_err(at(folder))?;
        Ok(Queue { disk })
    }

    /// All messages in order of arrival. A damaged one is left out with a warning in the log.
    ///
    /// # Errors
    /// [`SpoolError::Io`] if the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, SpoolError> {
        let mut entries = BTreeMap::new();
        let mut add = |id, message: Result<Option<Message>, SpoolError>| match message {
            Ok(message) => {
                entries.extend(message.map(|message| (id, message.entry)));
                Ok(())
            }
            Err(error @ SpoolError::Damaged { .. }) => {
                tracing::warn!(%error, "left out of the list");
                Ok(())
            }
            Err(error) => Err(error),
        };
        // The older form first: what a server takes over meanwhile is in a segment before its file
        // goes.
        for id in old::ids(&self.names()?) {
            add(id, old::read(&self.disk, id))?;
        }
        for (id, place) in self.load()?.0 {
            add(id, place.read(id, &self.disk).map(Some))?;
        }
        Ok(entries.into_values().collect())
    }

    /// What was accepted and cannot be delivered, because the disk has spoilt it: a queue id, or the
    /// place where nobody can tell any more. What the server has set aside is in the file with this
    /// name and `.damaged`.
    ///
    /// # Errors
    /// [`SpoolError::Io`] if the folder cannot be read.
    pub fn damaged(&self) -> Result<Vec<String>, SpoolError> {
        let (_, mut damaged) = self.load()?;
        let names = self.names()?;
        for id in old::ids(&names) {
            if let Err(SpoolError::Damaged { .. }) = old::read(&self.disk, id) {
                damaged.insert(id.to_string());
            }
        }
        for name in names {
            if let Some(name) = name.strip_suffix(DAMAGED) {
                let id = name.strip_suffix(".msg").or(name.strip_suffix(".state"));
                damaged.insert(id.unwrap_or(name).to_owned());
            }
        }
        Ok(damaged.into_iter().collect())
    }

    /// One message with its content, as it will be sent.
    ///
    /// # Errors
    /// [`SpoolError::NoSuchMessage`], [`SpoolError::Damaged`] or [`SpoolError::Io`].
    pub fn read(&self, id: &str) -> Result<Message, SpoolError> {
        let none = || SpoolError::NoSuchMessage(id.to_owned());
        let known = Id::parse(id).ok_or_else(none)?;
        let old = match old::ids(&self.names()?).any(|id| id == known) {
            true => old::read(&self.disk, known),
            false => Ok(None),
        };
        match self.load()?.0.remove(&known) {
            Some(place) => place.read(known, &self.disk),
            None => old?.ok_or_else(none),
        }
    }

    /// Removes one message for good, whether delivered or not. A running server is asked to do it
    /// and has ten seconds for that.
    ///
    /// # Errors
    /// [`SpoolError::NoSuchMessage`] or [`SpoolError::Io`].
    pub fn remove(&self, id: &str) -> Result<(), SpoolError> {
        let none = || SpoolError::NoSuchMessage(id.to_owned());
        let known = Id::parse(id).ok_or_else(none)?;
        let old = old::ids(&self.names()?).any(|id| id == known);
        if !old && !self.load()?.0.contains_key(&known) {
            return Err(none());
        }
        let name = format!("{known}{REMOVE}");
        let path = self.disk.path(&name);
        let clock = Instant::now();
        let mut asked = false;
        loop {
            if let Some(lock) = self.disk.lock().map_err(at(self.disk.folder()))? {
                self.disk.remove(&name).map_err(at(&path))?;
                let mut log =
                    Log::open(self.disk.clone(), lock, FULL).map_err(at(self.disk.folder()))?;
                let removed = log
                    .commit(vec![Draft::new(Kind::Removed, known, Vec::new())])
                    .pop();
                log.tidy();
                log.close();
                // The server may have removed it before it ended.
                return match removed {
                    Some(Err(SpoolError::NoSuchMessage(_))) if asked => Ok(()),
                    removed => removed.unwrap_or_else(|| Err(none())),
                };
            }
            if !asked {
                self.disk.create(&name).map_err(at(&path))?;
                asked = true;
            }
            thread::sleep(LOOK);
            if !path.exists() {
                return Ok(());
            }
            if clock.elapsed() > PATIENCE {
                self.disk.remove(&name).map_err(at(&path))?;
                return Err(at(&path)(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the server that uses this spool does not remove it",
                )));
            }
        }
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> Result<Vec<segment::Place>, SpoolError> {
        Ok(self.load()?.0.into_values().collect())
    }

    fn names(&self) -> Result<Vec<String>, SpoolError> {
        self.disk.names().map_err(at(self.disk.folder()))
    }

    /// Reads all segments, again if one of them vanished meanwhile: what lived in it has been
    /// written anew behind the others.
    fn load(&self) -> Result<(Index, BTreeSet<String>), SpoolError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.try_load() {
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS => {}
                loaded => return loaded.map_err(at(self.disk.folder())),
            }
        }
    }

    fn try_load(&self) -> io::Result<(Index, BTreeSet<String>)> {
        let (mut index, mut lost, mut damaged) = (Index::new(), Lost::new(), BTreeSet::new());
        let names = self.disk.names()?;
        let numbers: BTreeSet<u64> = names
            .iter()
            .filter_map(|name| segment::number(name))
            .collect();
        for number in &numbers {
            let file = self.disk.open_to_read(&segment::name(*number))?;
            let Ok(loaded) = segment::load(&self.disk, *number, file)? else {
                // Just begun, or set aside at the next start.
                continue;
            };
            for found in &loaded.scan.found {
                if let Found::Damaged { span, about: None } = found {
                    damaged.insert(format!("{number:016x}-{}", span.start));
                }
            }
            segment::apply(&mut index, &mut lost, *number, &loaded);
        }
        damaged.extend(lost.keys().map(ToString::to_string));
        Ok((index, damaged))
    }
}
