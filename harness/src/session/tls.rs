//! The verbs of TLS: STARTTLS, the handshake, and what the certificate is worth.

use std::{
    io::{self, Read},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Keywords, Session};
use crate::{
    certificate::{RecordingVerifier, Verification, client_config},
    error::Error,
    line::visible,
    tls_probe::{self, ProtocolVersion},
    verdict::{Halt, Outcome, Step, Weight},
    wire::{NoMore, Wire},
};

/// Long enough for a handshake with a busy server.
const SOON: Duration = Duration::from_secs(10);

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
        self.handshake_within(self.target.treatment.timeout)
    }

    /// As [`Session::handshake`], where no handshake is a right answer too and not worth a long wait.
    ///
    /// # Errors
    /// As [`Session::handshake`].
    pub fn handshake_soon(&mut self) -> Outcome {
        self.handshake_within(self.target.treatment.timeout.min(SOON))
    }

    fn handshake_within(&mut self, patience: Duration) -> Outcome {
        let name = self.target.server_name(self.listener);
        let verifier = Arc::new(RecordingVerifier::new(
            self.target.trust.clone(),
            name.clone(),
        ));
        let config =
            client_config(verifier.clone()).map_err(|e| Error::Certificates(e.to_string()))?;
        let deadline = Instant::now() + patience;
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
                NoMore::Failed(error) => Error::Connection {
                    address: self.listener.address,
                    error,
                }
                .into(),
                NoMore::TlsBeyondUs(reason) => Error::Target(format!("TLS: {reason}")).into(),
                NoMore::ClearText(octets) if octets.starts_with(b"421") => {
                    Halt::Temporary(visible(&octets))
                }
                NoMore::ClearText(octets) => {
                    let observed = format!("clear text: {}", visible(&octets));
                    self.deviation("a TLS handshake", observed, step, Weight::Level)
                }
                NoMore::Tls(reason) => {
                    self.deviation("a TLS handshake", reason, step, Weight::Level)
                }
                NoMore::Closed(_) => {
                    self.deviation("a TLS handshake", "connection closed", step, Weight::Level)
                }
                NoMore::Silent(_) if patience < self.target.treatment.timeout => {
                    self.deviation("a TLS handshake", "silence", step, Weight::Level)
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
        let failed = |error| Error::Connection { address, error };
        let stream = self.wire()?.bare(deadline).map_err(failed)?;
        std::io::Write::write_all(stream, &hello).map_err(failed)?;
        let answer = tls_probe::read_answer(Until { stream, deadline }).map_err(failed)?;
        self.transcript.note(answer.to_string());
        Ok(answer)
    }
}

/// A stream whose reads end at one deadline, however slowly the octets drip.
struct Until<'s> {
    stream: &'s mut TcpStream,
    deadline: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}
