//! The verbs of TLS: STARTTLS, the handshake, and what the certificate is worth.

use std::sync::Arc;

use super::{Keywords, Session};
use crate::{
    certificate::{RecordingVerifier, Verification, client_config},
    error::Error,
    line::visible,
    tls_probe::{self, ProtocolVersion},
    verdict::{Halt, Outcome, Step, Weight},
    wire::{NoMore, Wire},
};

impl Session<'_> {
    /// Sends STARTTLS, expects 220, and makes the handshake.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where either fails.
    pub fn start_tls(&mut self) -> Outcome {
        self.command("STARTTLS")?.expect(220)?;
        self.started_tls = true;
        self.handshake()
    }

    /// Makes the TLS handshake on a connection in clear text.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where it fails.
    pub fn handshake(&mut self) -> Outcome {
        let name = self.target.server_name(self.listener);
        let verifier = Arc::new(RecordingVerifier::new(
            self.target.trust.clone(),
            name.clone(),
        ));
        let config =
            client_config(verifier.clone()).map_err(|e| Error::Certificates(e.to_string()))?;
        let deadline = self.deadline();
        let wire = self.wire()?;
        let step = Step::Handshake(wire.local());
        let clear = visible(&wire.unread()[..wire.unread().len().min(100)]);
        if !clear.is_empty() {
            let observed = format!("clear text: {clear}");
            return Err(self.deviation(
                "the TLS handshake and nothing before it",
                observed,
                step,
                Weight::Level,
            ));
        }
        if let Err(end) = wire.start_tls(config, name, deadline) {
            return Err(match end {
                NoMore::Failed(source) => Error::Connection {
                    address: self.listener.address,
                    source,
                }
                .into(),
                NoMore::Tls(reason) => {
                    self.deviation("a TLS handshake", reason, step, Weight::Level)
                }
                NoMore::Closed(_) => {
                    self.deviation("a TLS handshake", "connection closed", step, Weight::Level)
                }
                NoMore::Silent(_) | NoMore::TooLong => self.silent("a TLS handshake", step),
            });
        }
        let version = wire.tls_version().unwrap_or("TLS");
        self.transcript.note(version);
        self.keywords = Keywords::default();
        self.verification = verifier.verification();
        Ok(())
    }

    /// What the certificate of this connection is worth; none in clear text.
    pub fn verification(&self) -> Option<&Verification> {
        self.verification.as_ref()
    }

    /// Whether the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.wire.as_ref().is_some_and(Wire::encrypted)
    }

    /// Judges something that the handshake or the certificate shows.
    pub fn handshake_deviates(&mut self, expected: &str, observed: impl Into<String>) -> Halt {
        match self.wire() {
            Ok(wire) => {
                let step = Step::Handshake(wire.local());
                self.deviation(expected, observed, step, Weight::Level)
            }
            Err(halt) => halt,
        }
    }

    /// Offers a version of TLS by a hand-made ClientHello, where a handshake is due.
    ///
    /// # Errors
    /// [`Halt::Error`] where the connection fails.
    pub fn offer_tls(&mut self, version: ProtocolVersion) -> Outcome<tls_probe::Answer> {
        let deadline = self.deadline();
        let address = self.listener.address;
        let hello = tls_probe::hello(version, self.target.host.as_deref());
        self.transcript.note(format!("ClientHello, {version}"));
        let stream = self
            .wire()?
            .bare(deadline)
            .map_err(|source| Error::Connection { address, source })?;
        let answer = match std::io::Write::write_all(stream, &hello) {
            Ok(()) => tls_probe::read_answer(stream),
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|source| Error::Connection { address, source })?;
        self.transcript.note(answer.to_string());
        Ok(answer)
    }
}
