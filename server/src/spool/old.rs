//! Spools of earlier versions, a file a message: taken over when the server starts.
//!
//! For each message there was `ID.msg` (one JSON line with the envelope, then the content) and, once
//! an attempt was made, `ID.state` (the recipients as JSON).

use std::io;

use super::Envelope;
use super::id::Id;
use super::log::{DAMAGED, Log, UNFINISHED};
use super::record::{Draft, Kind};

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

fn take(log: &mut Log, id: Id) -> io::Result<()> {
    let (message, state) = (format!("{id}.msg"), format!("{id}.state"));
    let payload = log.disk().read(&message)?;
    let progress = match log.disk().read(&state) {
        Ok(json) => Some(json),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if !is_sound(&payload, progress.as_deref()) {
        let path = log.disk().path(&message);
        tracing::error!(path = %path.display(), "damaged, renamed to *.damaged; it will not be delivered");
        if progress.is_some() {
            log.disk().rename(&state, &format!("{state}{DAMAGED}"))?;
        }
        log.disk()
            .rename(&message, &format!("{message}{DAMAGED}"))?;
        return log.disk().sync_folder();
    }
    let mut drafts = vec![Draft::new(Kind::Message, id, payload)];
    drafts.extend(progress.map(|json| Draft::new(Kind::Progress, id, json)));
    let written: Result<(), _> = log.commit(drafts).into_iter().collect();
    written.map_err(io::Error::other)?;
    // In this order: without its state the message would be sent again to everybody.
    log.disk().remove(&message)?;
    log.disk().sync_folder()?;
    log.disk().remove(&state)
}

/// Whether it is a message, and the progress is its own.
fn is_sound(payload: &[u8], progress: Option<&[u8]>) -> bool {
    let Some(end) = payload.iter().position(|octet| *octet == b'\n') else {
        return false;
    };
    let (line, content) = payload.split_at(end + 1);
    serde_json::from_slice::<Envelope>(line).is_ok_and(|envelope| {
        envelope.size == content.len() as u64
            && progress.is_none_or(|json| envelope.progress(json).is_ok())
    })
}

fn id_before(name: &str, ending: &str) -> Option<Id> {
    name.strip_suffix(ending).and_then(Id::parse)
}
