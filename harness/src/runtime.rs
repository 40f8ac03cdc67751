//! One runtime for what we serve ourselves: embedded servers, next hops and proxies. Cases never run on it.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::error::Error;

/// The runtime, started at the first call.
///
/// # Errors
/// [`Error::Target`] where the operating system gives no threads.
pub(crate) fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("msaspec-serving")
        .enable_all()
        .build()
        .map_err(|e| Error::Target(format!("no threads to serve from: {e}")))?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// Does what blocks on a thread of its own: the caller's may belong to a runtime, where it would panic.
pub(crate) fn aside<T: Send>(blocking: impl FnOnce() -> T + Send) -> T {
    if tokio::runtime::Handle::try_current().is_err() {
        return blocking();
    }
    std::thread::scope(|scope| match scope.spawn(blocking).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// A task that ends when its owner is dropped.
#[derive(Debug)]
pub(crate) struct Task(tokio::task::AbortHandle);

impl Task {
    pub(crate) fn new(handle: tokio::task::JoinHandle<()>) -> Task {
        Task(handle.abort_handle())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
