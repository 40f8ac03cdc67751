//! One connection after the other, and the octets that are written to it.

use super::{Keywords, Session};
use crate::{
    answer::Answer,
    error::Error,
    line::Line,
    target::Listener,
    transcript::Answers,
    verdict::{Halt, Outcome},
    wire::Wire,
};

impl Session<'_> {
    /// Connects, makes the handshake where TLS comes first, and reads the greeting.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the handshake fails or no greeting comes.
    pub fn connect(&mut self) -> Outcome<Answer> {
        self.open()?;
        if self.listener.implicit_tls {
            self.handshake()?;
        }
        self.greeting()
    }

    /// Reads the greeting of a connection that was opened. Who closes instead is overloaded, it seems.
    ///
    /// # Errors
    /// [`Halt::Temporary`] where the server closes, [`Halt::Deviation`] where it is silent.
    pub fn greeting(&mut self) -> Outcome<Answer> {
        match self.reply_to("the connection", Answers::Connection) {
            Err(Halt::Deviation(deviation)) if deviation.observed == "connection closed" => {
                Err(Halt::Temporary("closed before the greeting".to_owned()))
            }
            other => other,
        }
    }

    /// Connects and sends nothing.
    ///
    /// # Errors
    /// [`Halt::Error`] where no connection comes about.
    pub fn open(&mut self) -> Outcome {
        self.hang_up();
        let Listener { port, address, .. } = *self.listener;
        self.transcript
            .note(format!("connected {port} {}", self.listener.family().ip()));
        let wire = Wire::connect(address, self.target.treatment.timeout)
            .map_err(|error| Error::Connect { address, error })?;
        if let Some(observer) = self.target.observer.as_ref().filter(|_| self.depth > 0) {
            observer.preparing(wire.local());
        }
        self.wire = Some(wire);
        Ok(())
    }

    /// Closes the connection without a word.
    pub fn hang_up(&mut self) {
        self.wire = None;
        self.replies = 0;
        self.keywords = Keywords::default();
        self.verification = None;
    }

    pub(super) fn send_line(&mut self, line: &Line) -> Outcome {
        self.transcript.client(line);
        let mut octets = line.octets().to_vec();
        octets.extend_from_slice(b"\r\n");
        self.write(&octets)
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> Outcome {
        let deadline = self.deadline();
        let Err(error) = self.wire()?.send(octets, deadline) else {
            return Ok(());
        };
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match error.kind() {
            // What the server said before it closed is still to be read.
            BrokenPipe | ConnectionAborted | ConnectionReset => Ok(()),
            _ => Err(Error::Connection {
                address: self.listener.address,
                error,
            }
            .into()),
        }
    }

    pub(super) fn wire(&mut self) -> Outcome<&mut Wire> {
        let address = self.listener.address;
        self.wire.as_mut().ok_or_else(|| {
            let error = std::io::ErrorKind::NotConnected.into();
            Error::Connection { address, error }.into()
        })
    }
}
