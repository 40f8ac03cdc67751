//! Accepted mail: durable before it is acknowledged, kept until the next hop has taken it.
//!
//! It is a log: checksummed records appended to segments by one thread, which syncs once for all
//! that wait. The other form would be a file a message (create, write, sync, rename, a sync of the
//! folder shared by all that wait). `benches/spool.rs` measures both by turns on one disk. Messages
//! of 4 KiB a second, stored and removed, both durably; 2026-11-24, two cores, a virtual disk with
//! ext4, a quiet machine, one run:
//!
//! | writers | a file a message | segments |
//! |---:|---:|---:|
//! | 1 | 1939 | 2681 |
//! | 20 | 7740 | 26085 |
//! | 100 | 2592 | 60984 |
//!
//! `fdatasync` of 128 octets written in place came 10198 times a second. Segments need one sync
//! where a file needs two, and no work on a folder; the more clients there are, the more share it.

mod answer;
mod disk;
mod entry;
mod envelope;
mod id;
mod log;
mod memory;
mod old;
mod queue;
mod record;
mod segment;
mod writer;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub use answer::LastReply;
pub use entry::{Entry, Message, Recipient, RecipientState};
pub(crate) use envelope::{Addressee, Envelope};
pub use envelope::{Body, MailOptions, Notify, Ret};
pub(crate) use id::{derived_id, new_id};
pub use queue::Queue;

use disk::Disk;
use id::Id;
use log::Log;
use memory::Memory;
use record::{Draft, Kind};
use writer::Writer;

/// The mail that one server has accepted and not yet passed on. What is done to it here is durable
/// when it is answered; those who wait at the same time share a sync of the disk.
#[derive(Debug, Clone)]
pub(crate) struct Spool(Form);

#[derive(Debug, Clone)]
enum Form {
    Folder(Writer),
    Memory(Memory),
}

/// Why the spool could not do what was asked. The text is whole: what an error carries is in it, and
/// no source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The operating system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        error: io::Error,
    },
    /// Another server delivers from this spool.
    #[error("{}: another server uses this spool", .0.display())]
    InUse(
        /// The folder.
        PathBuf,
    ),
    /// No message has this id.
    #[error("no message {0:?}")]
    NoSuchMessage(String),
    /// The message's files cannot be understood.
    #[error("{}: damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// How long the lock may be held by somebody who is about to leave it: a server that ends, or a
/// person who removes a message.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// How often it is tried meanwhile.
const LOCK_LOOK: Duration = Duration::from_millis(10);

impl Spool {
    /// Opens the spool in a folder for one server, making the folder if it is missing; or one in
    /// memory, which is gone with the server. It blocks as long as all segments are read and
    /// checked.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, SpoolError> {
        let Some(folder) = folder else {
            return Ok(Spool(Form::Memory(Memory::default())));
        };
        let disk = Disk::make(folder).map_err(at(folder))?;
        let lock = lock(&disk)?;
        let log = Log::open(disk, lock, log::FULL).map_err(at(folder))?;
        Ok(Spool(Form::Folder(Writer::start(log).map_err(at(folder))?)))
    }

    /// Stores a new message: when this returns, it survives a crash. What could not be stored is
    /// not found and delivered later.
    pub(crate) async fn store(
        &self,
        id: &str,
        envelope: &Envelope,
        content: &[&[u8]],
    ) -> Result<(), SpoolError> {
        match &self.0 {
            Form::Folder(writer) => {
                let mut payload = json(envelope)?;
                payload.reserve_exact(1 + content.iter().map(|piece| piece.len()).sum::<usize>());
                payload.push(b'\n');
                for piece in content {
                    payload.extend_from_slice(piece);
                }
                let draft = Draft::new(Kind::Message, parse(id)?, payload);
                writer.commit(draft).await
            }
            Form::Memory(memory) => {
                memory.store(id, envelope, content.concat());
                Ok(())
            }
        }
    }

    /// Replaces the recipients' progress, unless the message has been removed meanwhile.
    pub(crate) async fn record(
        &self,
        id: &str,
        recipients: &[Recipient],
    ) -> Result<(), SpoolError> {
        match &self.0 {
            Form::Folder(writer) => {
                let draft = Draft::new(Kind::Progress, parse(id)?, json(recipients)?);
                writer.commit(draft).await
            }
            Form::Memory(memory) => memory.record(id, recipients),
        }
    }

    /// Removes one message for good, whether delivered or not.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), SpoolError> {
        match &self.0 {
            Form::Folder(writer) => {
                let draft = Draft::new(Kind::Removed, parse(id)?, Vec::new());
                writer.commit(draft).await
            }
            Form::Memory(memory) => memory.remove(id),
        }
    }

    /// One message with its content, as it will be sent.
    pub(crate) async fn read(&self, id: &str) -> Result<Message, SpoolError> {
        match &self.0 {
            Form::Folder(writer) => writer.read(parse(id)?).await,
            Form::Memory(memory) => memory.read(id),
        }
    }

    /// One message without its content, whose checksum is tried all the same.
    pub(crate) async fn entry(&self, id: &str) -> Result<Entry, SpoolError> {
        match &self.0 {
            Form::Folder(writer) => Ok(writer.read(parse(id)?).await?.entry),
            Form::Memory(memory) => memory.entry(id),
        }
    }

    /// Whether there is a message with this id.
    pub(crate) fn holds(&self, id: &str) -> bool {
        match &self.0 {
            Form::Folder(writer) => Id::parse(id).is_some_and(|id| writer.holds(id)),
            Form::Memory(memory) => memory.ids().contains(id),
        }
    }

    /// Puts a message aside that [`Spool::read`] called damaged, so that a person can look at it.
    pub(crate) async fn set_aside(&self, id: &str) -> Result<(), SpoolError> {
        match &self.0 {
            Form::Folder(writer) => writer.set_aside(parse(id)?).await,
            Form::Memory(memory) => memory.remove(id),
        }
    }

    /// The ids of all messages that were acknowledged, in order of arrival.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        match &self.0 {
            Form::Folder(writer) => writer.ids(),
            Form::Memory(memory) => memory.ids(),
        }
    }

    /// Takes no more requests, whoever still has the spool, and waits a while for the end of those
    /// that it has.
    pub(crate) fn close(&self) {
        if let Form::Folder(writer) = &self.0 {
            writer.close();
        }
    }

    /// Closes the spool and waits until another may open it.
    pub(crate) async fn closed(&self) {
        if let Form::Folder(writer) = &self.0 {
            writer.closed_at_last().await;
        }
    }
}

fn lock(disk: &Disk) -> Result<File, SpoolError> {
    let clock = Instant::now();
    loop {
        if let Some(lock) = disk.lock().map_err(at(disk.folder()))? {
            return Ok(lock);
        }
        if clock.elapsed() > LOCK_PATIENCE {
            return Err(SpoolError::InUse(disk.folder().to_path_buf()));
        }
        thread::sleep(LOCK_LOOK);
    }
}

fn parse(id: &str) -> Result<Id, SpoolError> {
    Id::parse(id).ok_or_else(|| SpoolError::NoSuchMessage(id.to_owned()))
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<Vec<u8>, SpoolError> {
    serde_json::to_vec(value).map_err(|error| at(Path::new(""))(io::Error::other(error)))
}

impl SpoolError {
    /// The work on the spool was cut off, which happens when the runtime ends.
    pub(crate) fn interrupted(error: &tokio::task::JoinError) -> Self {
        at(Path::new(""))(io::Error::other(error.to_string()))
    }

    /// Whether the disk is full, which the client is told apart (RFC 3463, X.3.1).
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, SpoolError::Io { error, .. } if matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_path_buf();
    move |error| SpoolError::Io { path, error }
}

#[cfg(test)]
pub(crate) mod tests;
