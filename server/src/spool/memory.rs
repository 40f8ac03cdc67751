//! A spool that is gone with its server: for tests, and for measuring what the disk costs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Entry, Envelope, Message, Recipient, SpoolError};

/// The messages by their ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<BTreeMap<String, Message>>>);

impl Memory {
    pub(super) fn store(&self, id: &str, envelope: &Envelope, content: Vec<u8>) {
        let entry = envelope.entry(id, envelope.untried());
        self.messages()
            .insert(id.to_owned(), Message { entry, content });
    }

    pub(super) fn record(&self, id: &str, recipients: &[Recipient]) -> Result<(), SpoolError> {
        let mut messages = self.messages();
        let message = messages.get_mut(id).ok_or_else(|| none(id))?;
        message.entry.recipients = recipients.to_vec();
        Ok(())
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), SpoolError> {
        self.messages().remove(id).map(drop).ok_or_else(|| none(id))
    }

    pub(super) fn read(&self, id: &str) -> Result<Message, SpoolError> {
        self.messages().get(id).cloned().ok_or_else(|| none(id))
    }

    pub(super) fn entry(&self, id: &str) -> Result<Entry, SpoolError> {
        let messages = self.messages();
        let message = messages.get(id).ok_or_else(|| none(id))?;
        Ok(message.entry.clone())
    }

    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.messages().keys().cloned().collect()
    }

    fn messages(&self) -> MutexGuard<'_, BTreeMap<String, Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn none(id: &str) -> SpoolError {
    SpoolError::NoSuchMessage(id.to_owned())
}
