//! Idle connections: opened, logged in, and held, so that what a server needs for each can be measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::sleep,
};

use super::{Errors, Order, connection::Connection, descriptors};

/// How idle connections fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// Connections that came about.
    pub opened: usize,
    /// Those that the server ended before we did.
    pub ended: usize,
    /// What kept the others, by what happened.
    pub errors: Errors,
}

/// Connections that are being opened at a time.
const AT_A_TIME: usize = 64;

/// Opens so many connections, tells `opened` when all are there that can be had, and holds them for
/// the time, or until `stop` becomes true.
pub async fn idle(
    order: Order,
    count: usize,
    time: Duration,
    mut stop: watch::Receiver<bool>,
    opened: impl FnOnce(&Idle),
) -> Idle {
    descriptors::raise();
    let order = Arc::new(order);
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut opening = JoinSet::new();
    for _ in 0..count {
        let (order, places) = (order.clone(), places.clone());
        opening.spawn(async move {
            let _place = places.acquire_owned().await;
            Connection::open(&order).await
        });
    }
    let mut idle = Idle::default();
    let ended = Arc::new(AtomicUsize::new(0));
    let mut held = JoinSet::new();
    loop {
        let next = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            next = opening.join_next() => next,
        };
        match next {
            None => break,
            Some(Ok(Ok(mut connection))) => {
                idle.opened += 1;
                let ended = ended.clone();
                held.spawn(async move {
                    connection.ended().await;
                    ended.fetch_add(1, Ordering::Relaxed);
                });
            }
            Some(Ok(Err(trouble))) => idle.errors.add(&trouble),
            Some(Err(error)) => tracing::error!(%error, "a connection's task ended early"),
        }
    }
    opened(&idle);
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = sleep(time) => {}
    }
    idle.ended = ended.load(Ordering::Relaxed);
    idle
}
