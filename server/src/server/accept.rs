//! One listener: whom it lets in, and what it says to the others.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Shared;
use crate::limits::Refusal;
use crate::listener::Bound;
use crate::reply::reply;
use crate::session;

/// Pause after a failed accept, which is mostly want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the stop, then waits for the sessions it began.
pub(super) async fn accept(listener: TcpListener, bound: Bound, shared: Arc<Shared>) {
    let mut stop = shared.stop.clone();
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            accepted = listener.accept() => accepted,
            Some(_) = sessions.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match shared.addresses.admit(peer.ip()) {
            Ok(place) => {
                let (bound, shared) = (bound.clone(), shared.clone());
                sessions.spawn(async move {
                    session::serve(stream, peer, bound, shared).await;
                    drop(place);
                });
            }
            Err(refusal) => {
                if shared.turned_away.next() {
                    tracing::info!(%peer, listener = bound.name, ?refusal, "refused");
                }
                turn_away(stream, &bound, refusal);
            }
        }
    }
    drop(listener);
    while sessions.join_next().await.is_some() {}
}

/// Says why and closes, without waiting for anything: whoever comes in crowds is owed no more.
fn turn_away(stream: TcpStream, bound: &Bound, refusal: Refusal) {
    // Inside TLS nobody would understand it.
    if bound.implicit_tls {
        return;
    }
    let reply = match refusal {
        Refusal::Full => reply(421, "4.3.2", "Too many connections"),
        Refusal::TooManyFromThere => reply(421, "4.7.0", "Too many connections from your address"),
    };
    // Not by way of the runtime, which does not know yet that the socket can take it.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write_all(reply.to_string().as_bytes());
    }
}
