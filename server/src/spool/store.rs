//! The spool's files: their form, and how they are written so that a crash cannot halve them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Addressee, Entry, MailOptions, Recipient, SpoolError, at};

/// The end of a name whose file is not finished.
pub(super) const UNFINISHED: &str = ".new";
/// Octets of the line with the envelope, enough for a thousand long recipients.
const ENVELOPE_LIMIT: u64 = 4 * 1024 * 1024;

/// The first line of a message's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope {
    pub(crate) arrival: Timestamp,
    pub(crate) size: u64,
    pub(crate) sender: String,
    #[serde(default)]
    pub(crate) options: MailOptions,
    pub(crate) recipients: Vec<Addressee>,
}

/// The right to deliver from a spool; the operating system takes it back if we die.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Nothing if another server has it.
    pub(super) fn take(folder: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A new queue id: it sorts by arrival, and its random half is not used twice.
pub(crate) fn new_id(arrival: Timestamp) -> Result<String, getrandom::Error> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    Ok(format!(
        "{:012x}-{:016x}",
        arrival.as_millisecond(),
        u64::from_be_bytes(random)
    ))
}

/// The queue id of what follows from another message: the same whenever it is made again.
pub(crate) fn derived_id(time: Timestamp, hash: &[u8; 32]) -> String {
    let random = hash
        .iter()
        .take(8)
        .fold(0, |all, octet| all << 8 | u64::from(*octet));
    format!("{:012x}-{random:016x}", time.as_millisecond())
}

/// Whether a text has the form of a queue id.
pub(super) fn is_id(text: &str) -> bool {
    let hex = |part: &str, length| {
        part.len() == length
            && part
                .bytes()
                .all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
    };
    text.split_once('-')
        .is_some_and(|(arrival, random)| hex(arrival, 12) && hex(random, 16))
}

impl Envelope {
    /// What is told about the message that it belongs to.
    pub(super) fn entry(&self, id: &str, recipients: Vec<Recipient>) -> Entry {
        Entry {
            id: id.to_owned(),
            arrival: self.arrival,
            size: self.size,
            sender: self.sender.clone(),
            options: self.options.clone(),
            recipients,
        }
    }

    /// The progress written by an earlier attempt; it has to be about the same recipients.
    pub(super) fn progress(&self, json: &[u8]) -> Result<Vec<Recipient>, String> {
        let progress: Vec<Recipient> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let same = progress
            .iter()
            .map(|recipient| &recipient.address)
            .eq(self.recipients.iter().map(|addressee| &addressee.address));
        if same {
            Ok(progress)
        } else {
            Err("its recipients are not those of the message".to_owned())
        }
    }

    pub(super) fn untried(&self) -> Vec<Recipient> {
        self.recipients.iter().map(Recipient::untried).collect()
    }
}

/// Writes a file beside its place, syncs it, renames it into place and syncs the folder.
pub(super) fn write(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let written = write_synced(Path::new(&unfinished), pieces)
        .and_then(|()| fs::rename(&unfinished, path))
        .and_then(|()| path.parent().map_or(Ok(()), sync_folder));
    if written.is_err() {
        // Nothing was acknowledged; what cannot be removed now goes at the next start.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_synced(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    for piece in pieces {
        file.write_all(piece)?;
    }
    file.sync_all()
}

/// Makes a rename or removal durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder, and its name durable, unless it is there.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    sync_folder(&fs::canonicalize(folder)?.join(".."))
}

/// The file's first line with its line end.
pub(super) fn envelope_line(envelope: &Envelope) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(envelope).map_err(io::Error::other)?;
    line.push(b'\n');
    Ok(line)
}

pub(super) fn read_envelope(path: &Path) -> Result<Envelope, SpoolError> {
    let file = File::open(path).map_err(at(path))?;
    let length = file.metadata().map_err(at(path))?.len();
    let (envelope, used) = first_line(path, &mut BufReader::new(file))?;
    complete(path, &envelope, length.saturating_sub(used))?;
    Ok(envelope)
}

pub(super) fn read(path: &Path) -> Result<(Envelope, Vec<u8>), SpoolError> {
    let mut file = BufReader::new(File::open(path).map_err(at(path))?);
    let (envelope, _) = first_line(path, &mut file)?;
    let mut content = Vec::new();
    file.read_to_end(&mut content).map_err(at(path))?;
    complete(path, &envelope, content.len() as u64)?;
    Ok((envelope, content))
}

fn first_line(path: &Path, file: &mut BufReader<File>) -> Result<(Envelope, u64), SpoolError> {
    let mut line = Vec::new();
    file.take(ENVELOPE_LIMIT)
        .read_until(b'\n', &mut line)
        .map_err(at(path))?;
    let envelope = serde_json::from_slice(&line).map_err(|error| SpoolError::Damaged {
        path: path.to_path_buf(),
        reason: format!("envelope: {error}"),
    })?;
    Ok((envelope, line.len() as u64))
}

fn complete(path: &Path, envelope: &Envelope, found: u64) -> Result<(), SpoolError> {
    if found == envelope.size {
        return Ok(());
    }
    Err(SpoolError::Damaged {
        path: path.to_path_buf(),
        reason: format!("{found} octets of content instead of {}", envelope.size),
    })
}
