//! The files of a spool, and where in them each message is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::disk::Disk;
use super::id::Id;
use super::record::{self, Found, HEAD, HEADER, Kind, Mark, Scan};
use super::{Message, SpoolError};

/// A segment as it is found on the disk.
pub(super) struct Loaded {
    pub(super) file: Arc<File>,
    pub(super) mark: Mark,
    pub(super) octets: Vec<u8>,
    /// Whether all of it could be read.
    pub(super) whole: bool,
    pub(super) scan: Scan,
}

/// Where a record is. The file stays open, so that it can be read even if its name is gone.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) segment: u64,
    pub(super) file: Arc<File>,
    pub(super) start: u64,
    /// Octets of the record.
    pub(super) length: u64,
}

/// Where a message is, and what became of its recipients.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) message: Slot,
    pub(super) progress: Option<Slot>,
}

/// All messages in order of arrival. One takes some 150 octets here, its content none.
pub(super) type Index = BTreeMap<Id, Place>;

/// The name of a segment.
pub(super) fn name(number: u64) -> String {
    format!("{number:016x}.segment")
}

/// The segment with this name, if it is one of ours.
pub(super) fn number(file: &str) -> Option<u64> {
    let digits = file.strip_suffix(".segment")?;
    let number = u64::from_str_radix(digits, 16).ok()?;
    (name(number) == file).then_some(number)
}

/// Messages that are damaged, and their places.
pub(super) type Lost = BTreeMap<Id, Slot>;

/// Reads a segment that is open; nothing if neither its header nor its first record is sound.
pub(super) fn load(disk: &Disk, number: u64, file: File) -> io::Result<Result<Loaded, Vec<u8>>> {
    let (octets, whole) = disk.read_around(&name(number))?;
    Ok(
        match record::mark(&octets).or_else(|| record::first_mark(&octets)) {
            Some(mark) => Ok(Loaded {
                file: Arc::new(file),
                mark,
                scan: record::scan(&octets, mark),
                octets,
                whole,
            }),
            None => Err(octets),
        },
    )
}

/// Takes note of what a segment tells. Segments come in their order. A damaged message is lost
/// unless there is a copy of it, or it was removed later.
pub(super) fn apply(index: &mut Index, lost: &mut Lost, segment: u64, loaded: &Loaded) {
    let slot = |start: usize, end: usize| Slot {
        segment,
        file: loaded.file.clone(),
        start: start as u64,
        length: (end - start) as u64,
    };
    for found in &loaded.scan.found {
        match found {
            Found::Record { kind, id, payload } => {
                if *kind != Kind::Progress {
                    lost.remove(id);
                }
                note(index, *kind, *id, slot(payload.start - HEAD, payload.end));
            }
            Found::Damaged {
                span,
                about: Some((Kind::Message, id)),
            } if !index.contains_key(id) => {
                lost.insert(*id, slot(span.start, span.end));
            }
            Found::Damaged { .. } => {}
        }
    }
}

/// Takes note of one record. A message that is there a second time has been moved: its progress,
/// which is moved after it, stays as it was until then.
pub(super) fn note(index: &mut Index, kind: Kind, id: Id, slot: Slot) {
    match (kind, index.get_mut(&id)) {
        (Kind::Message, Some(place)) => place.message = slot,
        (Kind::Message, None) => {
            let place = Place {
                message: slot,
                progress: None,
            };
            index.insert(id, place);
        }
        (Kind::Progress, Some(place)) => place.progress = Some(slot),
        (Kind::Removed, _) => {
            index.remove(&id);
        }
        // Of a message that was moved; it is told again behind it.
        (Kind::Progress, None) => {}
    }
}

impl Slot {
    /// The record as it is on the disk, sound or not.
    pub(super) fn octets(&self, disk: &Disk) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.length).map_err(io::Error::other)?;
        disk.read_at(&self.file, self.start, length)
    }

    /// The record's payload; the disk may have spoilt it since, or the message be removed and its
    /// place be another's.
    pub(super) fn payload(&self, id: Id, disk: &Disk) -> Result<Vec<u8>, SpoolError> {
        let path = disk.path(&name(self.segment));
        let mut record = self.octets(disk).map_err(super::at(&path))?;
        if !record::is_payload_of(&record) || !record::is_about(&record, id) {
            return Err(SpoolError::Damaged {
                path,
                reason: format!("checksum of the record at {}", self.start),
            });
        }
        Ok(record.split_off(HEAD))
    }
}

impl Place {
    /// The progress as JSON, if there is any that is sound: to send a message twice is better than
    /// never.
    pub(super) fn progress(&self, id: Id, disk: &Disk) -> Result<Option<Vec<u8>>, SpoolError> {
        let Some(slot) = &self.progress else {
            return Ok(None);
        };
        match slot.payload(id, disk) {
            Ok(json) => Ok(Some(json)),
            Err(error @ SpoolError::Damaged { .. }) => {
                tracing::error!(%id, %error, "progress damaged; its recipients are tried anew");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The message.
    pub(super) fn read(&self, id: Id, disk: &Disk) -> Result<Message, SpoolError> {
        let payload = self.message.payload(id, disk)?;
        let progress = self.progress(id, disk)?;
        Message::parse(id, payload, progress.as_deref()).map_err(|reason| SpoolError::Damaged {
            path: disk.path(&name(self.message.segment)),
            reason: format!("message {id}: {reason}"),
        })
    }
}

impl Loaded {
    /// Octets behind which there is nothing sound.
    pub(super) fn end(&self) -> usize {
        self.scan.end.max(HEADER)
    }
}
