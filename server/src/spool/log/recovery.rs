//! What is found at the start: sound, torn or damaged.

use std::io;

use super::aside::DAMAGED;
use super::{Log, Segment};
use crate::spool::record::{self, Found, HEADER, Kind};
use crate::spool::segment::{self, Loaded, Lost};

impl Log {
    /// Takes a segment that was found. Behind the end of the last one a crash may have left half a
    /// record; whatever else is not sound is damage, and copied aside.
    pub(super) fn take(
        &mut self,
        number: u64,
        loaded: Loaded,
        last: bool,
        lost: &mut Lost,
    ) -> io::Result<()> {
        let path = self.disk.path(&segment::name(number));
        let (end, whole) = (loaded.end(), loaded.octets.len());
        // Where something cannot be read, nothing is cut off or written over.
        let last = last && loaded.whole;
        let mut damage = Vec::new();
        for found in &loaded.scan.found {
            match found {
                Found::Damaged { span, about: None } => damage.push(span.clone()),
                Found::Damaged {
                    about: Some((Kind::Progress, id)),
                    ..
                } => {
                    tracing::error!(path = %path.display(), %id, "progress damaged; what was told before it counts");
                }
                // Whether a damaged message is lost is known when all has been read.
                _ => {}
            }
        }
        if !loaded.whole {
            tracing::error!(path = %path.display(), "cannot be read in part; it stays");
        } else if record::mark(&loaded.octets).is_none() {
            tracing::error!(path = %path.display(), "header damaged; written anew");
            self.disk
                .write_at(&loaded.file, 0, &record::header(loaded.mark))?;
        }
        if last {
            if end < whole {
                tracing::info!(path = %path.display(), octets = whole - end, "cut off what was never acknowledged");
                self.disk.truncate(&loaded.file, end as u64)?;
            }
            // What is found counts from now on.
            self.disk.sync(&loaded.file)?;
            self.current = Some(number);
        } else if end < whole {
            damage.push(end..whole);
        }
        let mut kept = !loaded.whole;
        for span in damage {
            let name = format!("{number:016x}-{}", span.start);
            if let Err(error) = self.keep(&name, &loaded.octets[span]) {
                tracing::error!(path = %path.display(), %error, "damaged, and cannot be copied aside");
                kept = true;
            }
        }
        segment::apply(&mut self.lock(), lost, number, &loaded);
        let segment = Segment {
            file: loaded.file,
            mark: loaded.mark,
            length: end as u64,
            messages: 0,
            live: 0,
            kept,
            lost: false,
        };
        self.segments.insert(number, segment);
        Ok(())
    }

    /// A segment without a sound header: it was never begun, or it is damaged as a whole.
    pub(super) fn reject(&self, number: u64, octets: &[u8]) -> io::Result<()> {
        let name = segment::name(number);
        if octets.len() < HEADER || octets.iter().all(|octet| *octet == 0) {
            return self.disk.remove(&name);
        }
        tracing::error!(path = %self.disk.path(&name).display(), "damaged, renamed to *.damaged; nothing in it will be delivered");
        self.disk.rename(&name, &format!("{name}{DAMAGED}"))?;
        self.disk.sync_folder()
    }
}
