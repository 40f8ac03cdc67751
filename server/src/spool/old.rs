//! Spools of earlier versions, a file a message: taken over when the server starts.
//!
//! For each message there was `ID.msg` (one JSON line with the envelope, then the content) and, once
//! an attempt was made, `ID.state` (the recipients as JSON).

use std::io;

use super::disk::Disk;
use super::id::Id;
use super::log::{DAMAGED, Log, UNFINISHED};
use super::record::{Draft, Kind};
use super::{Message, SpoolError, at};

/// Appends every message that is found in a file of its own, and then removes the file. What a
/// crash left unfinished goes too; what is damaged is renamed. Other files are left alone.
pub(super) fn convert(log: &mut Log, names: &[String]) -> io::Result<()> {
    for name in names {
        if let Some(id) = id_before(name, ".msg") {
            take(log, id)?;
        } else if let Some(start) = name.strip_suffix(UNFINISHED)
            && (id_before(start, ".msg").is_some()
                || id_before(start, ".state").is_some()
                || start.ends_with(DAMAGED))
        {
            log.disk().remove(name)?;
        }
    }
    for name in names {
        // Its message went before.
        if id_before(name, ".state").is_some() {
            log.disk().remove(name)?;
        }
    }
    Ok(())
}

/// The messages that have a file of their own among these.
pub(super) fn ids(names: &[String]) -> impl Iterator<Item = Id> {
    names.iter().filter_map(|name| id_before(name, ".msg"))
}

/// A message in a file of its own, unless a server has taken it over meanwhile.
pub(super) fn read(disk: &Disk, id: Id) -> Result<Option<Message>, SpoolError> {
    let path = disk.path(&message(id));
    let Some(files) = files(disk, id).map_err(at(&path))? else {
        return Ok(None);
    };
    match Message::parse(id, files.stored, files.progress.as_deref()) {
        Ok(message) => Ok(Some(message)),
        Err(reason) => Err(SpoolError::Damaged { path, reason }),
    }
}

fn take(log: &mut Log, id: Id) -> io::Result<()> {
    let (message, state) = (message(id), state(id));
    let Some(Files { stored, progress }) = files(log.disk(), id)? else {
        return Ok(());
    };
    if let Err(reason) = Message::parse(id, stored.clone(), progress.as_deref()) {
        let path = log.disk().path(&message);
        tracing::error!(path = %path.display(), reason, "damaged, renamed to *.damaged; it will not be delivered");
        if progress.is_some() {
            log.disk().rename(&state, &format!("{state}{DAMAGED}"))?;
        }
        log.disk()
            .rename(&message, &format!("{message}{DAMAGED}"))?;
        return log.disk().sync_folder();
    }
    let mut drafts = vec![Draft::new(Kind::Message, id, stored)];
    drafts.extend(progress.map(|json| Draft::new(Kind::Progress, id, json)));
    let written: Result<(), _> = log.commit(drafts).into_iter().collect();
    written.map_err(io::Error::other)?;
    // In this order: without its state the message would be sent again to everybody.
    log.disk().remove(&message)?;
    log.disk().sync_folder()?;
    log.disk().remove(&state)
}

/// What the files of a message hold.
struct Files {
    /// Envelope and content.
    stored: Vec<u8>,
    progress: Option<Vec<u8>>,
}

fn files(disk: &Disk, id: Id) -> io::Result<Option<Files>> {
    let found = |read: io::Result<Vec<u8>>| match read {
        Ok(octets) => Ok(Some(octets)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let Some(stored) = found(disk.read(&message(id)))? else {
        return Ok(None);
    };
    let progress = found(disk.read(&state(id)))?;
    Ok(Some(Files { stored, progress }))
}

fn message(id: Id) -> String {
    format!("{id}.msg")
}

fn state(id: Id) -> String {
    format!("{id}.state")
}

fn id_before(name: &str, ending: &str) -> Option<Id> {
    name.strip_suffix(ending).and_then(Id::parse)
}
