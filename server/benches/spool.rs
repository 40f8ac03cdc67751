//! Both forms that a spool could have, on one disk in one run: a file a message, or segments.
//!
//! `cargo bench -p msaspec-server --bench spool [-- FOLDER]`. A message is stored and, as after its
//! delivery, removed again; both are durable before the next begins. Groups share their syncs in
//! both forms. The figures and what follows from them stand in the documentation of `spool`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program to be read"
)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

/// Octets of a message.
const MESSAGE: usize = 4096;
/// How long each round of a cell of the table takes.
const PATIENCE: Duration = Duration::from_secs(1);
const ROUNDS: usize = 5;
/// Octets of a segment; one that is full is removed with all that is in it.
const SEGMENT: u64 = 16 * 1024 * 1024;

fn main() {
    let folder = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    let folder = folder.map_or_else(|| PathBuf::from("."), PathBuf::from);
    let place = tempfile::Builder::new()
        .prefix("spool-bench-")
        .tempdir_in(folder)
        .unwrap();
    println!(
        "messages of {MESSAGE} octets a second, stored and removed, in {}",
        place.path().display()
    );
    println!(
        "fdatasync of an append of 128 octets: {}",
        raw(place.path(), false)
    );
    println!(
        "fdatasync of 128 octets in place:     {}",
        raw(place.path(), true)
    );
    println!(
        "{:>8}  {:>16}  {:>16}",
        "writers", "a file a message", "segments"
    );
    for writers in [1, 20, 100] {
        let (mut files, mut segments) = (0.0_f64, 0.0_f64);
        // By turns, and the best of each: others use the disk too.
        for _ in 0..ROUNDS {
            files = files.max(rate(writers, &Files::new(place.path())));
            segments = segments.max(rate(writers, &Segments::new(place.path())));
        }
        println!("{writers:>8}  {files:>16.0}  {segments:>16.0}");
    }
}

/// Syncs a second of one small write each.
fn raw(folder: &Path, in_place: bool) -> String {
    let path = folder.join("raw");
    let file = File::create(&path).unwrap();
    file.write_all_at(&[b' '; 1 << 20], 0).unwrap();
    file.sync_all().unwrap();
    let clock = Instant::now();
    let mut syncs = 0;
    while clock.elapsed() < PATIENCE {
        let end = if in_place { 0 } else { 1 << 20 };
        file.write_all_at(&[b'x'; 128], end + syncs * 128).unwrap();
        file.sync_data().unwrap();
        syncs += 1;
    }
    let taken = clock.elapsed().as_secs_f64();
    fs::remove_file(path).unwrap();
    format!("{:.0} a second", syncs as f64 / taken)
}

/// A form of the spool, as one of its users sees it.
trait Form: Clone + Send + 'static {
    /// Returns when the message is durable.
    fn store(&self, name: &str, content: &[u8]);
    /// Returns when it cannot come back.
    fn remove(&self, name: &str);
}

fn rate(writers: usize, form: &impl Form) -> f64 {
    let begin = Arc::new(Barrier::new(writers + 1));
    let threads: Vec<_> = (0..writers)
        .map(|writer| {
            let (form, begin) = (form.clone(), begin.clone());
            thread::spawn(move || {
                let content = vec![b'x'; MESSAGE];
                begin.wait();
                let clock = Instant::now();
                let mut done = 0;
                while clock.elapsed() < PATIENCE {
                    let name = format!("{writer}-{done}");
                    form.store(&name, &content);
                    form.remove(&name);
                    done += 1;
                }
                done
            })
        })
        .collect();
    begin.wait();
    let clock = Instant::now();
    let done: usize = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    done as f64 / clock.elapsed().as_secs_f64()
}

/// A file a message, written beside its place and renamed.
#[derive(Clone)]
struct Files {
    folder: PathBuf,
    syncs: Sender<SyncSender<()>>,
}

impl Files {
    fn new(place: &Path) -> Self {
        let folder = place.join("files");
        fs::create_dir_all(&folder).unwrap();
        let (syncs, waiting) = channel();
        let opened = File::open(&folder).unwrap();
        thread::spawn(move || {
            in_groups(&waiting, |group: Vec<SyncSender<()>>| {
                opened.sync_all().unwrap();
                answer(group);
            });
        });
        Files { folder, syncs }
    }

    fn sync_folder(&self) {
        let (done, wait) = sync_channel(1);
        self.syncs.send(done).unwrap();
        wait.recv().unwrap();
    }
}

impl Form for Files {
    fn store(&self, name: &str, content: &[u8]) {
        let (unfinished, path) = (
            self.folder.join(format!("{name}.new")),
            self.folder.join(name),
        );
        let mut file = File::create(&unfinished).unwrap();
        file.write_all(content).unwrap();
        file.sync_data().unwrap();
        fs::rename(unfinished, path).unwrap();
        self.sync_folder();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.folder.join(name)).unwrap();
        self.sync_folder();
    }
}

/// Records appended by one thread.
#[derive(Clone)]
struct Segments {
    records: Sender<(Vec<u8>, SyncSender<()>)>,
}

impl Segments {
    fn new(place: &Path) -> Self {
        let folder = place.join("segments");
        fs::create_dir_all(&folder).unwrap();
        let (records, waiting) = channel();
        thread::spawn(move || append(&folder, &waiting));
        Segments { records }
    }

    fn record(&self, name: &str, content: &[u8]) {
        let mut record = Vec::with_capacity(64 + content.len());
        record.extend((content.len() as u64).to_be_bytes());
        record.extend(crc32fast::hash(content).to_be_bytes());
        record.extend(name.as_bytes());
        record.extend(content);
        let (done, wait) = sync_channel(1);
        self.records.send((record, done)).unwrap();
        wait.recv().unwrap();
    }
}

impl Form for Segments {
    fn store(&self, name: &str, content: &[u8]) {
        self.record(name, content);
    }

    fn remove(&self, name: &str) {
        self.record(name, b"");
    }
}

fn append(folder: &Path, waiting: &Receiver<(Vec<u8>, SyncSender<()>)>) {
    let opened = File::open(folder).unwrap();
    let mut number = 0;
    let mut segment = begin(folder, &opened, number);
    let mut length = 0;
    in_groups(waiting, |group: Vec<(Vec<u8>, SyncSender<()>)>| {
        if length > SEGMENT {
            fs::remove_file(folder.join(number.to_string())).unwrap();
            number += 1;
            segment = begin(folder, &opened, number);
            length = 0;
        }
        let (records, group): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let records = records.concat();
        length += records.len() as u64;
        segment.write_all(&records).unwrap();
        segment.sync_data().unwrap();
        answer(group);
    });
}

fn begin(folder: &Path, opened: &File, number: u32) -> File {
    let path = folder.join(number.to_string());
    let segment = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    opened.sync_all().unwrap();
    segment
}

/// Takes everything that waits at once, as long as there is anybody who could wait.
fn in_groups<T>(waiting: &Receiver<T>, mut work: impl FnMut(Vec<T>)) {
    while let Ok(first) = waiting.recv() {
        work([first].into_iter().chain(waiting.try_iter()).collect());
    }
}

fn answer(group: Vec<SyncSender<()>>) {
    for done in group {
        let _ = done.send(());
    }
}
