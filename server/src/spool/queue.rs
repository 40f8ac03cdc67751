//! Accepted mail in a folder, for its server and for a person who looks at it.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store::{self, Envelope, Lock};
use super::{Entry, Message, Recipient, SpoolError, at};

/// A folder of accepted mail. For each message there is `ID.msg` (one JSON line with the envelope,
/// then the content, never changed) and, once an attempt was made, `ID.state` (JSON, replaced
/// whole). Every change is a rename of a synced file. Files with other names are left alone.
#[derive(Debug, Clone)]
pub struct Queue {
    folder: PathBuf,
    /// Messages in place whose client has not been told 250 yet, and may be told 451.
    unacknowledged: Arc<Mutex<HashSet<String>>>,
}

impl Queue {
    /// Opens a spool, making the folder (readable by its owner only) if it is missing.
    ///
    /// # Errors
    /// [`SpoolError::Io`] if the folder can be neither found nor made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, SpoolError> {
        let folder = folder.as_ref().to_path_buf();
        store::make_folder(&folder).map_err(at(&folder))?;
        Ok(Queue {
            folder,
            unacknowledged: Arc::default(),
        })
    }

    /// All messages in order of arrival. A damaged one is left out with a warning in the log.
    ///
    /// # Errors
    /// [`SpoolError::Io`] if the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>, SpoolError> {
        let mut entries = Vec::new();
        for id in self.ids()? {
            match self.entry(&id) {
                Ok(entry) => entries.push(entry),
                Err(SpoolError::NoSuchMessage(_)) => {}
                Err(error) => tracing::warn!(%error, "left out of the list"),
            }
        }
        Ok(entries)
    }

    /// The ids of messages that were accepted and cannot be delivered, because their files are
    /// damaged; those that were set aside are called `ID.msg.damaged` and `ID.state.damaged`.
    ///
    /// # Errors
    /// [`SpoolError::Io`] if the folder cannot be read.
    pub fn damaged(&self) -> Result<Vec<String>, SpoolError> {
        let names = self.names()?;
        let aside = names.iter().filter_map(|name| {
            let name = name.strip_suffix(DAMAGED)?;
            id_before(name, &[".msg", ".state"])
        });
        let mut ids: BTreeSet<String> = aside.map(str::to_owned).collect();
        for id in self.ids()? {
            if matches!(self.entry(&id), Err(SpoolError::Damaged { .. })) {
                ids.insert(id);
            }
        }
        Ok(ids.into_iter().collect())
    }

    /// One message with its content, as it will be sent.
    ///
    /// # Errors
    /// [`SpoolError::NoSuchMessage`], [`SpoolError::Damaged`] or [`SpoolError::Io`].
    pub fn read(&self, id: &str) -> Result<Message, SpoolError> {
        let (envelope, content) = store::read(&self.message_path(id)?).map_err(named(id))?;
        let entry = self.entry_of(id, envelope)?;
        Ok(Message { entry, content })
    }

    /// Removes one message for good, whether delivered or not.
    ///
    /// # Errors
    /// [`SpoolError::NoSuchMessage`] or [`SpoolError::Io`].
    pub fn remove(&self, id: &str) -> Result<(), SpoolError> {
        let message = self.message_path(id)?;
        fs::remove_file(&message)
            .map_err(at(&message))
            .map_err(named(id))?;
        let state = self.state_path(id);
        match fs::remove_file(&state) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&state)(error)),
            _ => {}
        }
        store::sync_folder(&self.folder).map_err(at(&self.folder))
    }

    /// Takes the spool for one server, for as long as the lock lives.
    pub(super) fn lock(&self) -> Result<Lock, SpoolError> {
        Lock::take(&self.folder)
            .map_err(at(&self.folder))?
            .ok_or_else(|| SpoolError::InUse(self.folder.clone()))
    }

    /// Stores a new message durably: when this returns, it survives a crash. What could not be
    /// stored is not left to be found and delivered later.
    pub(super) fn store(
        &self,
        id: &str,
        envelope: &Envelope,
        content: &[&[u8]],
    ) -> Result<(), SpoolError> {
        let path = self.message_path(id)?;
        let line = store::envelope_line(envelope).map_err(at(&path))?;
        let pieces: Vec<&[u8]> = [line.as_slice()]
            .into_iter()
            .chain(content.iter().copied())
            .collect();
        self.unacknowledged().insert(id.to_owned());
        let stored = store::write(&path, &pieces).map_err(at(&path));
        if stored.is_err() && !self.withdraw(&path) {
            // Nobody delivers it as long as this server runs; its client was told 451.
            return stored;
        }
        self.unacknowledged().remove(id);
        stored
    }

    /// Removes what could not be stored for certain. False if it may still be there.
    fn withdraw(&self, path: &Path) -> bool {
        let gone = match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
            removed => removed.and_then(|()| store::sync_folder(&self.folder)),
        };
        if let Err(error) = &gone {
            tracing::error!(path = %path.display(), %error, "refused and cannot be removed");
        }
        !path.exists()
    }

    /// Replaces the recipients' progress durably, unless the message has been removed meanwhile.
    pub(super) fn record(&self, id: &str, recipients: &[Recipient]) -> Result<(), SpoolError> {
        if !self.message_path(id)?.exists() {
            return Err(SpoolError::NoSuchMessage(id.to_owned()));
        }
        let path = self.state_path(id);
        let json = serde_json::to_vec(recipients).map_err(|error| SpoolError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        store::write(&path, &[&json]).map_err(at(&path))
    }

    /// Removes what a crash left half written. Only for the one server that owns the spool.
    pub(super) fn recover(&self) -> Result<(), SpoolError> {
        for name in self.names()? {
            let orphan = id_before(&name, &[".state"])
                .is_some_and(|id| !self.folder.join(format!("{id}.msg")).exists());
            let unfinished = name
                .strip_suffix(store::UNFINISHED)
                .is_some_and(|name| id_before(name, &[".msg", ".state"]).is_some());
            if orphan || unfinished {
                let path = self.folder.join(&name);
                tracing::info!(path = %path.display(), "removed what was never acknowledged");
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    /// Renames a damaged message and its state aside, so that a person can look at them.
    pub(super) fn set_aside(&self, id: &str) {
        for path in [self.folder.join(format!("{id}.msg")), self.state_path(id)] {
            let mut aside = path.clone().into_os_string();
            aside.push(DAMAGED);
            match fs::rename(&path, &aside) {
                Ok(()) => {
                    tracing::warn!(path = %path.display(), "damaged, renamed to *.damaged; it will not be delivered")
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "damaged and cannot be renamed")
                }
            }
        }
    }

    /// The ids of all messages that were acknowledged, in order of arrival.
    pub(super) fn ids(&self) -> Result<BTreeSet<String>, SpoolError> {
        let names = self.names()?;
        // Looked at after the folder: what is refused meanwhile is removed before it is no longer
        // in the set.
        let unacknowledged = self.unacknowledged();
        Ok(names
            .iter()
            .filter_map(|name| id_before(name, &[".msg"]))
            .filter(|id| !unacknowledged.contains(*id))
            .map(str::to_owned)
            .collect())
    }

    /// One message without its content.
    pub(super) fn entry(&self, id: &str) -> Result<Entry, SpoolError> {
        let envelope = store::read_envelope(&self.message_path(id)?).map_err(named(id))?;
        self.entry_of(id, envelope)
    }

    fn entry_of(&self, id: &str, envelope: Envelope) -> Result<Entry, SpoolError> {
        let path = self.state_path(id);
        let recipients = match fs::read(&path) {
            Ok(json) => envelope
                .progress(&json)
                .map_err(|reason| SpoolError::Damaged { path, reason })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => envelope.untried(),
            Err(error) => return Err(at(&path)(error)),
        };
        Ok(envelope.entry(id, recipients))
    }

    /// The names of all files; folders are none of ours.
    fn names(&self) -> Result<Vec<String>, SpoolError> {
        let mut names = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(at(&self.folder))? {
            let file = file.map_err(at(&self.folder))?;
            if file.file_type().is_ok_and(|kind| kind.is_file()) {
                names.extend(file.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn message_path(&self, id: &str) -> Result<PathBuf, SpoolError> {
        if store::is_id(id) {
            Ok(self.folder.join(format!("{id}.msg")))
        } else {
            Err(SpoolError::NoSuchMessage(id.to_owned()))
        }
    }

    fn state_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.state"))
    }

    fn unacknowledged(&self) -> MutexGuard<'_, HashSet<String>> {
        self.unacknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the name of a file that was set aside.
const DAMAGED: &str = ".damaged";

/// The queue id in a file's name, if that is one of ours.
fn id_before<'a>(name: &'a str, endings: &[&str]) -> Option<&'a str> {
    endings
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .filter(|id| store::is_id(id))
}

/// A file that is not there means that there is no such message.
fn named(id: &str) -> impl FnOnce(SpoolError) -> SpoolError {
    let id = id.to_owned();
    move |error| match error {
        SpoolError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            SpoolError::NoSuchMessage(id)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
