mod crash;
mod damage;
mod fault;
mod files;
mod folder;
mod queue;
mod room;

use std::fs;
use std::sync::Arc;

use super::disk::faults::Faults;
use super::*;

/// A server's spool, with calls of the operating system that can be made to fail.
pub(crate) struct Owner {
    pub(crate) spool: Spool,
    pub(crate) faults: Arc<Faults>,
}

pub(crate) fn owner(folder: &Path) -> Result<Owner, SpoolError> {
    begin(folder, log::FULL)
}

fn begin(folder: &Path, full: u64) -> Result<Owner, SpoolError> {
    let disk = Disk::make(folder).map_err(at(folder))?;
    let faults = disk.faults.clone();
    let lock = lock(&disk)?;
    let log = Log::open(disk, lock, full).map_err(at(folder))?;
    let spool = Spool(Form::Folder(Writer::start(log).map_err(at(folder))?));
    Ok(Owner { spool, faults })
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn envelope(recipients: &[&str], size: usize) -> (String, Envelope) {
    let arrival = "2026-11-24T10:00:00Z".parse().unwrap();
    let recipients = recipients.iter().map(|address| (*address).to_owned());
    let envelope = Envelope {
        arrival,
        size: size as u64,
        sender: "a@b.example".to_owned(),
        options: MailOptions::default(),
        recipients: recipients.map(Addressee::from).collect(),
    };
    (new_id(arrival).unwrap(), envelope)
}

async fn store_octets(spool: &Spool, content: &[u8]) -> Result<String, (String, SpoolError)> {
    let (id, envelope) = envelope(&["c@d.example", "e@f.example"], content.len());
    match spool.store(&id, &envelope, &[content]).await {
        Ok(()) => Ok(id),
        Err(error) => Err((id, error)),
    }
}

async fn store(spool: &Spool) -> Result<String, (String, SpoolError)> {
    store_octets(spool, b"Date: x\r\n").await
}

fn delivered(mut recipients: Vec<Recipient>) -> Vec<Recipient> {
    recipients[0].state = RecipientState::Delivered;
    recipients
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut segments: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "segment"))
        .collect();
    segments.sort();
    segments
}

/// Changes one octet of a file, at its end or in the first place of a text.
fn spoil(path: &Path, text: Option<&str>) {
    let mut octets = fs::read(path).unwrap();
    let place = match text {
        Some(text) => octets
            .windows(text.len())
            .position(|octets| octets == text.as_bytes())
            .unwrap(),
        None => octets.len() - 1,
    };
    octets[place] ^= 1;
    fs::write(path, octets).unwrap();
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let folder = folder();
    let first = owner(folder.path()).unwrap().spool;
    let id = store(&first).await.unwrap();
    let gone = store(&first).await.unwrap();
    let message = first.read(&id).await.unwrap();
    assert_eq!(message.content, b"Date: x\r\n");
    let recipients = delivered(message.entry.recipients);
    first.record(&id, &recipients).await.unwrap();
    first.remove(&gone).await.unwrap();
    assert!(matches!(
        first.remove(&gone).await,
        Err(SpoolError::NoSuchMessage(_))
    ));
    assert!(matches!(
        first.record(&gone, &recipients).await,
        Err(SpoolError::NoSuchMessage(_))
    ));
    assert!(matches!(owner(folder.path()), Err(SpoolError::InUse(_))));
    first.closed().await;

    let second = owner(folder.path()).unwrap().spool;
    assert_eq!(second.ids(), BTreeSet::from([id.clone()]));
    assert_eq!(second.read(&id).await.unwrap().entry.recipients, recipients);
    second.remove(&id).await.unwrap();
    second.closed().await;
    assert_eq!(segments(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_closed_spool_refuses() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    spool.closed().await;
    assert!(matches!(
        store(&spool).await,
        Err((_, SpoolError::Io { .. }))
    ));
}
