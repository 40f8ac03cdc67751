//! Plain passwords checked by a saslauthd at its mux socket: one request a connection.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::auth::Outcome;
use crate::limits::{Places, Rank};

/// A saslauthd, asked for a few clients at a time.
pub(crate) struct Saslauthd {
    socket: PathBuf,
    deadline: Duration,
    places: Places,
}

/// Longest time for an answer, waiting for a place included.
const DEADLINE: Duration = Duration::from_secs(5);
/// Every refusal takes a multiple of this, since an unknown user would be told sooner than a wrong
/// password.
const STEP: Duration = Duration::from_millis(250);
/// Requests at a time; saslauthd starts five processes by default, and lets five more wait.
const PLACES: usize = 6;
/// Pause before connecting again to a daemon that lets no more wait.
const CROWDED: Duration = Duration::from_millis(10);
/// Octets a field may have: saslauthd refuses longer ones without a reason.
const FIELD_LIMIT: usize = 256;

impl Saslauthd {
    pub(super) fn new(socket: PathBuf) -> Self {
        Saslauthd {
            socket,
            deadline: DEADLINE,
            places: Places::new(PLACES),
        }
    }

    /// Asks about a name and a password. No answer is no refusal.
    pub(super) async fn check(&self, user: &str, password: &str, rank: Rank) -> Outcome {
        let start = Instant::now();
        let outcome = match self.ask(user, password, rank, start + self.deadline).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Unavailable(format!("saslauthd: {error}")),
        };
        if matches!(outcome, Outcome::Refused(_)) {
            sleep_until(start + levelled(start.elapsed())).await;
        }
        outcome
    }

    async fn ask(
        &self,
        user: &str,
        password: &str,
        rank: Rank,
        deadline: Instant,
    ) -> io::Result<Outcome> {
        let fields = [user, password, "smtp", ""];
        // After a NUL saslauthd would read no further and accept what stands before it.
        if fields.iter().any(|field| field.contains('\0')) {
            return Ok(Outcome::Refused("a NUL in the name or password"));
        }
        if fields.iter().any(|field| field.len() > FIELD_LIMIT) {
            return Ok(Outcome::Refused("a name or password that is too long"));
        }
        let answer = timeout_at(deadline, async {
            let _place = self.places.take(rank).await;
            exchange(&self.socket, &fields).await
        });
        let answer = answer
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        match answer.get(..2) {
            Some(b"OK") => Ok(Outcome::Accepted(user.to_owned())),
            Some(b"NO") => Ok(Outcome::Refused("saslauthd says no")),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "neither OK nor NO",
            )),
        }
    }
}

/// Up to the next step.
fn levelled(elapsed: Duration) -> Duration {
    let steps = elapsed.as_millis() / STEP.as_millis() + 1;
    STEP.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
}

/// A Unix socket whose backlog is full does not let a connect wait, if it cannot block.
async fn connect(socket: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(socket).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(CROWDED).await,
            connected => return connected,
        }
    }
}

/// Four counted strings out, one in; a count has two octets, the higher first.
async fn exchange(socket: &Path, fields: &[&str]) -> io::Result<Vec<u8>> {
    let mut stream = connect(socket).await?;
    let mut request = Vec::new();
    for field in fields {
        let length = u16::try_from(field.len()).map_err(io::Error::other)?;
        request.extend_from_slice(&length.to_be_bytes());
        request.extend_from_slice(field.as_bytes());
    }
    stream.write_all(&request).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
