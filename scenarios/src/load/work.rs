//! Sending: every connection sends one message after the other until the order is done.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use msaspec_harness::error::Error;
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    Errors, Latencies, Order, Sessions, Trouble, Until, connection::Connection, descriptors,
    message::Content,
};

/// What a load has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Messages that were answered 2yz; or sessions, where there are no messages.
    pub accepted: u64,
    /// Messages, or connections for them, that failed, by what happened.
    pub errors: Errors,
    /// From the first message to the last. Connections that are used again are opened before.
    pub duration: Duration,
    /// From the last octet of a message to its reply.
    pub after_dot: Latencies,
    /// From the connection to the reply to QUIT, unless sessions are used again.
    pub session: Latencies,
}

impl Measured {
    /// Accepted messages, or sessions, a second.
    #[allow(clippy::cast_precision_loss, reason = "a rate is not exact anyway")]
    pub fn per_second(&self) -> f64 {
        match self.duration.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.accepted as f64 / seconds,
        }
    }

    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.errors.total()
    }

    fn add(&mut self, other: &Measured) {
        self.accepted += other.accepted;
        self.errors.add_all(&other.errors);
        self.after_dot.add_all(&other.after_dot);
        self.session.add_all(&other.session);
    }
}

/// A pause after a connection that failed, so that a server that is gone is not asked without end.
const PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
struct Shared {
    order: Arc<Order>,
    content: Content,
    /// Messages that nobody has begun.
    left: AtomicU64,
    begun: Instant,
}

/// Puts the load on the server, until it is done or `stop` becomes true; what is under way then is
/// broken off.
///
/// # Errors
/// The operating system gave no random octets.
pub async fn run(order: Order, stop: watch::Receiver<bool>) -> Result<Measured, Error> {
    descriptors::raise();
    let order = Arc::new(order);
    let content = Content::new(order.size, &order.sender, &order.recipient)?;
    let mut measured = Measured::default();
    let connections = match order.sessions {
        Sessions::Reused => open_all(&order, &mut measured, stop.clone()).await,
        Sessions::New | Sessions::WithoutMail => Vec::new(),
    };
    let shared = Arc::new(Shared {
        left: AtomicU64::new(match order.until {
            Until::Messages(count) => count.saturating_sub(measured.failed()),
            Until::Elapsed(_) => u64::MAX,
        }),
        content,
        begun: Instant::now(),
        order,
    });
    let mut workers = JoinSet::new();
    let mut connections = connections.into_iter();
    for _ in 0..shared.order.connections {
        let (shared, mut stop) = (shared.clone(), stop.clone());
        let connection = connections.next();
        workers.spawn(async move {
            let mut measured = Measured::default();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => {}
                () = work(&shared, connection, &mut measured) => {}
            }
            measured
        });
    }
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(one) => measured.add(&one),
            Err(error) => tracing::error!(%error, "a connection's task ended early"),
        }
    }
    measured.duration = shared.begun.elapsed();
    Ok(measured)
}

/// The connections that are to be used again, as far as they can be had.
async fn open_all(
    order: &Arc<Order>,
    measured: &mut Measured,
    mut stop: watch::Receiver<bool>,
) -> Vec<Connection> {
    let mut opening = JoinSet::new();
    for _ in 0..order.connections {
        let order = order.clone();
        opening.spawn(async move { Connection::open(&order).await });
    }
    let mut connections = Vec::new();
    loop {
        let opened = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return Vec::new(),
            opened = opening.join_next() => opened,
        };
        match opened {
            None => return connections,
            Some(Ok(Ok(connection))) => connections.push(connection),
            Some(Ok(Err(trouble))) => measured.errors.add(&trouble),
            Some(Err(error)) => tracing::error!(%error, "a connection's task ended early"),
        }
    }
}

impl Shared {
    /// Whether one more message is to be sent.
    fn take(&self) -> bool {
        match self.order.until {
            Until::Elapsed(time) => self.begun.elapsed() < time,
            Until::Messages(_) => {
                let one_less = |left: u64| left.checked_sub(1);
                let (order, relaxed) = (Ordering::Relaxed, Ordering::Relaxed);
                self.left.fetch_update(order, relaxed, one_less).is_ok()
            }
        }
    }
}

async fn work(shared: &Shared, mut connection: Option<Connection>, measured: &mut Measured) {
    let order = &shared.order;
    let envelope = [
        format!("MAIL FROM:<{}>\r\n", order.sender),
        format!("RCPT TO:<{}>\r\n", order.recipient),
    ];
    let mut buffer = Vec::new();
    while shared.take() {
        let clock = Instant::now();
        let mut open = match connection.take() {
            Some(connection) => connection,
            None => match Connection::open(order).await {
                Ok(connection) => connection,
                Err(trouble) => {
                    measured.errors.add(&trouble);
                    if !is_refusal(&trouble) {
                        sleep(PAUSE).await;
                    }
                    continue;
                }
            },
        };
        if order.sessions != Sessions::WithoutMail {
            match send(&mut open, shared, &envelope, &mut buffer).await {
                Err(trouble) => {
                    measured.errors.add(&trouble);
                    continue;
                }
                Ok(after_dot) => measured.after_dot.add(after_dot),
            }
        }
        measured.accepted += 1;
        if order.sessions == Sessions::Reused {
            connection = Some(open);
            continue;
        }
        // The message is accepted whatever becomes of the goodbye.
        match open.quit().await {
            Ok(()) => measured.session.add(clock.elapsed()),
            Err(trouble) => tracing::debug!(%trouble, "goodbye"),
        }
    }
    if let Some(connection) = connection {
        let _ = connection.quit().await;
    }
}

/// One transaction; how long the reply after the dot took.
async fn send(
    connection: &mut Connection,
    shared: &Shared,
    [mail, rcpt]: &[String; 2],
    buffer: &mut Vec<u8>,
) -> Result<Duration, Trouble> {
    connection.expect(2, mail.as_bytes(), "MAIL").await?;
    connection.expect(2, rcpt.as_bytes(), "RCPT").await?;
    connection.expect(3, b"DATA\r\n", "DATA").await?;
    let rest = shared.content.next(buffer);
    connection.send(buffer, DOT).await?;
    connection.send(rest, DOT).await?;
    let clock = Instant::now();
    connection.expect(2, b"", DOT).await?;
    Ok(clock.elapsed())
}

const DOT: &str = "the message";

/// Whether somebody answered and said no: then the server sets the pace.
fn is_refusal(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Connect(error) => error.kind() == io::ErrorKind::TimedOut,
        Trouble::Late(_) => true,
        _ => false,
    }
}
