//! The one thread that writes: takes all that waits, has it synced once, and answers.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::disk::Disk;
use super::id::Id;
use super::log::Log;
use super::record::{Draft, Kind};
use super::segment::{Index, Place};
use super::{Message, SpoolError};

/// The door to the thread. What waits there is bounded by its clients: each session and each
/// delivery waits for one record, and contents count in the server's room for them.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    requests: Sender<Request>,
    index: Arc<Mutex<Index>>,
    disk: Disk,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    end: Arc<End>,
}

/// Whether the thread has ended.
#[derive(Debug, Default)]
struct End {
    reached: Mutex<bool>,
    told: Condvar,
}

type Answer = oneshot::Sender<Result<(), SpoolError>>;

enum Request {
    Commit(Draft, Answer),
    SetAside(Id, Answer),
    Close,
}

/// Octets that are synced at a time, so that nobody waits for too many others.
const GROUP: u64 = 4 * 1024 * 1024;
/// How often the folder is searched for requests of other processes.
const SEARCH: Duration = Duration::from_millis(250);
/// The longest wait of somebody who has no time.
const PATIENCE: Duration = Duration::from_secs(5);
/// The end of the name of such a request: the message with this id is to be removed.
pub(super) const REMOVE: &str = ".remove";

impl Writer {
    /// Starts the thread, which ends with the last of its clients, or when it is told to.
    pub(super) fn start(log: Log) -> io::Result<Self> {
        let (requests, waiting) = channel();
        let (index, disk) = (log.index(), log.disk().clone());
        let end = Arc::new(End::default());
        let reached = Reached(end.clone());
        let thread = thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || {
                let _reached = reached;
                run(log, &waiting);
            })?;
        Ok(Writer {
            requests,
            index,
            disk,
            thread: Arc::new(Mutex::new(Some(thread))),
            end,
        })
    }

    /// Returns when the record is durable.
    pub(super) async fn commit(&self, draft: Draft) -> Result<(), SpoolError> {
        self.ask(|answer| Request::Commit(draft, answer)).await
    }

    pub(super) async fn set_aside(&self, id: Id) -> Result<(), SpoolError> {
        self.ask(|answer| Request::SetAside(id, answer)).await
    }

    pub(super) async fn read(&self, id: Id) -> Result<Message, SpoolError> {
        let place = self.place(id);
        let place = place.ok_or_else(|| SpoolError::NoSuchMessage(id.to_string()))?;
        let disk = self.disk.clone();
        spawn_blocking(move || place.read(id, &disk))
            .await
            .unwrap_or_else(|_| Err(self.closed()))
    }

    pub(super) fn holds(&self, id: Id) -> bool {
        self.place(id).is_some()
    }

    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.lock().keys().map(ToString::to_string).collect()
    }

    /// Tells the thread to finish what was asked before, and to end; waits for it as long as a disk
    /// that works may take.
    pub(super) fn close(&self) {
        self.begin_to_close();
        self.end.wait(PATIENCE);
    }

    fn begin_to_close(&self) {
        let _ = self.requests.send(Request::Close);
    }

    /// Waits until it has ended.
    pub(super) async fn closed_at_last(&self) {
        self.begin_to_close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = spawn_blocking(move || thread.join()).await;
        }
    }

    async fn ask(&self, request: impl FnOnce(Answer) -> Request) -> Result<(), SpoolError> {
        let (answer, answered) = oneshot::channel();
        self.requests
            .send(request(answer))
            .map_err(|_| self.closed())?;
        answered.await.unwrap_or_else(|_| Err(self.closed()))
    }

    fn place(&self, id: Id) -> Option<Place> {
        self.lock().get(&id).cloned()
    }

    fn closed(&self) -> SpoolError {
        super::at(self.disk.folder())(io::Error::other("the spool is closed"))
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of the end, however it comes.
struct Reached(Arc<End>);

impl Drop for Reached {
    fn drop(&mut self) {
        let reached = self.0.reached.lock();
        *reached.unwrap_or_else(PoisonError::into_inner) = true;
        self.0.told.notify_all();
    }
}

impl End {
    fn wait(&self, patience: Duration) {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        // What a poisoned lock guards is a bool, which is right all the same.
        let _ = self
            .told
            .wait_timeout_while(reached, patience, |reached| !*reached);
    }
}

fn run(mut log: Log, waiting: &Receiver<Request>) {
    let mut searched = Instant::now();
    let mut open = true;
    while open {
        let mut octets = 0;
        let (mut drafts, mut answers) = (Vec::new(), Vec::new());
        let mut next = match waiting.recv_timeout(SEARCH) {
            Ok(request) => Some(request),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        while let Some(request) = next.take() {
            match request {
                Request::Commit(draft, answer) => {
                    octets += draft.length();
                    drafts.push(draft);
                    answers.push(answer);
                }
                Request::SetAside(id, answer) => {
                    let _ = answer.send(log.set_aside(id));
                }
                Request::Close => {
                    open = false;
                    break;
                }
            }
            if octets < GROUP {
                next = waiting.try_recv().ok();
            }
        }
        for (answer, result) in answers.into_iter().zip(log.commit(drafts)) {
            let _ = answer.send(result);
        }
        if searched.elapsed() >= SEARCH {
            log.look();
            serve_others(&mut log);
            searched = Instant::now();
        }
        log.tidy();
    }
    log.close();
}

/// Removes what other processes ask to have removed. A request that cannot be served now stays.
fn serve_others(log: &mut Log) {
    // A folder that cannot be read is told of by whoever needs it.
    let names = log.disk().names().unwrap_or_default();
    for name in names {
        let Some(id) = name.strip_suffix(REMOVE).and_then(Id::parse) else {
            continue;
        };
        let removed = Draft::new(Kind::Removed, id, Vec::new());
        let served = match log.commit(vec![removed]).pop() {
            Some(Err(error @ SpoolError::Io { .. })) => Err(error),
            _ => log
                .disk()
                .remove(&name)
                .map_err(super::at(&log.disk().path(&name))),
        };
        match served {
            Ok(()) => tracing::info!(%id, "removed on request"),
            Err(error) => tracing::error!(%id, %error, "not removed"),
        }
    }
}
