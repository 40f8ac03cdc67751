//! Accepted mail: durable before it is acknowledged, kept until the next hop has taken it.

mod answer;
mod entry;
mod envelope;
mod memory;
mod queue;
mod store;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

pub use answer::LastReply;
pub use entry::{Entry, Message, Recipient, RecipientState};
pub(crate) use envelope::Addressee;
pub use envelope::{Body, MailOptions, Notify, Ret};
use memory::Memory;
pub use queue::Queue;
pub(crate) use store::{Envelope, Lock, derived_id, new_id};

/// The mail that one server has accepted and not yet passed on. What is done to it here is durable
/// when it is answered; those who wait at the same time share a sync of the disk.
#[derive(Debug, Clone)]
pub(crate) struct Spool(Form);

#[derive(Debug, Clone)]
enum Form {
    Folder(Queue),
    Memory(Memory),
}

/// Why the spool could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
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

impl Spool {
    /// Opens the spool in a folder, or one in memory, which is gone with the server.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, SpoolError> {
        Ok(Spool(match folder {
            Some(folder) => Form::Folder(Queue::open(folder)?),
            None => Form::Memory(Memory::default()),
        }))
    }

    /// Takes the spool for one server, for as long as the lock lives.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, SpoolError> {
        match &self.0 {
            Form::Folder(queue) => queue.lock().map(Some),
            Form::Memory(_) => Ok(None),
        }
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
            Form::Folder(queue) => {
                let (id, envelope, content) = (id.to_owned(), envelope.clone(), content.concat());
                blocking(queue, move |queue| queue.store(&id, &envelope, &[&content])).await
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
            Form::Folder(queue) => {
                let (id, recipients) = (id.to_owned(), recipients.to_vec());
                blocking(queue, move |queue| queue.record(&id, &recipients)).await
            }
            Form::Memory(memory) => memory.record(id, recipients),
        }
    }

    /// Removes one message for good, whether delivered or not.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), SpoolError> {
        match &self.0 {
            Form::Folder(queue) => {
                let id = id.to_owned();
                blocking(queue, move |queue| queue.remove(&id)).await
            }
            Form::Memory(memory) => memory.remove(id),
        }
    }

    /// One message with its content, as it will be sent.
    pub(crate) async fn read(&self, id: &str) -> Result<Message, SpoolError> {
        match &self.0 {
            Form::Folder(queue) => {
                let id = id.to_owned();
                blocking(queue, move |queue| queue.read(&id)).await
            }
            Form::Memory(memory) => memory.read(id),
        }
    }

    /// One message without its content.
    pub(crate) async fn entry(&self, id: &str) -> Result<Entry, SpoolError> {
        match &self.0 {
            Form::Folder(queue) => {
                let id = id.to_owned();
                blocking(queue, move |queue| queue.entry(&id)).await
            }
            Form::Memory(memory) => memory.entry(id),
        }
    }

    /// Whether there is a message with this id.
    pub(crate) async fn holds(&self, id: &str) -> Result<bool, SpoolError> {
        match &self.0 {
            Form::Folder(queue) => {
                let id = id.to_owned();
                blocking(queue, move |queue| match queue.entry(&id) {
                    Ok(_) => Ok(true),
                    Err(SpoolError::NoSuchMessage(_)) => Ok(false),
                    Err(error) => Err(error),
                })
                .await
            }
            Form::Memory(memory) => Ok(memory.ids().contains(id)),
        }
    }

    /// Puts a message aside that [`Spool::read`] called damaged, so that a person can look at it.
    pub(crate) async fn set_aside(&self, id: &str) {
        if let Form::Folder(queue) = &self.0 {
            let (id, queue) = (id.to_owned(), queue.clone());
            let _ = spawn_blocking(move || queue.set_aside(&id)).await;
        }
    }

    /// The ids of all messages that were acknowledged, in order of arrival.
    pub(crate) fn ids(&self) -> Result<BTreeSet<String>, SpoolError> {
        match &self.0 {
            Form::Folder(queue) => queue.ids(),
            Form::Memory(memory) => Ok(memory.ids()),
        }
    }

    /// Tidies up what a crash left behind.
    pub(crate) async fn recover(&self) -> Result<(), SpoolError> {
        match &self.0 {
            Form::Folder(queue) => blocking(queue, Queue::recover).await,
            Form::Memory(_) => Ok(()),
        }
    }
}

async fn blocking<T: Send + 'static>(
    queue: &Queue,
    work: impl FnOnce(&Queue) -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    let queue = queue.clone();
    spawn_blocking(move || work(&queue))
        .await
        .unwrap_or_else(|error| Err(SpoolError::interrupted(&error)))
}

impl SpoolError {
    /// The work on the spool was cut off, which happens when the runtime ends.
    pub(crate) fn interrupted(error: &tokio::task::JoinError) -> Self {
        SpoolError::Io {
            path: PathBuf::new(),
            source: io::Error::other(error.to_string()),
        }
    }

    /// Whether the disk is full, which the client is told apart (RFC 3463, X.3.1).
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, SpoolError::Io { source, .. } if matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_path_buf();
    move |source| SpoolError::Io { path, source }
}
