//! TLS begins on a connection: after STARTTLS (RFC 3207) or at once (RFC 8314).

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ProtocolVersion, ServerConnection};

use super::{BLOCK, ENDLESS, Ended, Stream, Wire};
use crate::reply::Reply;

/// What TLS agreed on, for the Received field (RFC 8314, section 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFacts {
    pub(crate) version: &'static str,
    pub(crate) cipher: String,
}

impl Wire {
    /// Sends a reply in clear and begins TLS. Whatever the client sent ahead of the handshake is
    /// discarded (RFC 3207, section 4.2).
    pub(crate) async fn start_tls(
        &mut self,
        ready: &Reply,
        acceptor: &TlsAcceptor,
        longest: Duration,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<TlsFacts, Ended> {
        self.flush().await?;
        self.discard_early();
        self.send(ready);
        self.flush().await?;
        self.handshake(acceptor, longest, stop).await
    }

    /// Apart from what waits, so that no session has to keep room for this block.
    fn discard_early(&mut self) {
        if let Stream::Clear(stream) = &self.stream {
            let mut early = [0; BLOCK];
            for _ in 0..ENDLESS / BLOCK {
                if !matches!(stream.try_read(&mut early), Ok(1..)) {
                    break;
                }
            }
        }
        self.input = Vec::new();
        self.used = 0;
    }

    /// Takes the client's handshake, which may take so long in all. A stop ends it without a word,
    /// since there is no way to say one.
    pub(crate) async fn handshake(
        &mut self,
        acceptor: &TlsAcceptor,
        longest: Duration,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<TlsFacts, Ended> {
        let Stream::Clear(stream) = std::mem::replace(&mut self.stream, Stream::None) else {
            return Err(Ended::Closed);
        };
        // On the heap while it lasts: it is large, and short beside the session.
        let handshake = Box::pin(acceptor.accept(stream));
        let stream = tokio::select! {
            biased;
            taken = timeout(longest.min(self.idle), handshake) => {
                taken.map_err(|_| Ended::Idle)?.map_err(Ended::Failed)?
            }
            _ = stop.wait_for(|stopped| *stopped) => return Err(Ended::Stopping),
        };
        let facts = facts(stream.get_ref().1);
        self.stream = Stream::Tls(Box::new(stream));
        Ok(facts)
    }

    /// The TLS connection, if there is one.
    pub(crate) fn tls(&self) -> Option<&ServerConnection> {
        match &self.stream {
            Stream::Tls(stream) => Some(stream.get_ref().1),
            Stream::Clear(_) | Stream::None => None,
        }
    }
}

fn facts(connection: &ServerConnection) -> TlsFacts {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS1.2",
        _ => "TLS1.3",
    };
    let suite = connection.negotiated_cipher_suite();
    let name = suite
        .and_then(|suite| suite.suite().as_str())
        .unwrap_or("unknown");
    // The registry's name has no version number in it.
    let cipher = name.replacen("TLS13_", "TLS_", 1);
    TlsFacts { version, cipher }
}
