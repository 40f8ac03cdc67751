//! Octets in and out of one connection: TLS inside the same stream, every read bounded in octets and time.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};

/// The longest line that is read, in octets: RFC 5321 section 4.5.3.1.5 allows 512, and what is
/// longer than this is not a reply but an attack.
pub const LONGEST_LINE: usize = 8 * 1024;

/// One connection to a server.
pub struct Wire {
    stream: TcpStream,
    peer: SocketAddr,
    local: SocketAddr,
    tls: Option<Box<ClientConnection>>,
    input: Vec<u8>,
}

/// Why no line, or no handshake, came.
#[derive(Debug)]
pub enum NoMore {
    /// The peer closed the connection; what had come of a line by then.
    Closed(Vec<u8>),
    /// The deadline passed; what had come of a line by then.
    Silent(Vec<u8>),
    /// The line is longer than [`LONGEST_LINE`].
    TooLong,
    /// Clear text came where a TLS handshake was due: its beginning.
    ClearText(Vec<u8>),
    /// The octets are not TLS, or TLS failed.
    Tls(String),
    /// What the peer wants of TLS is right and we do not have it.
    TlsBeyondUs(String),
    /// The operating system reports an error.
    Failed(io::Error),
}

impl Wire {
    /// Connects within `timeout`.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn connect(address: SocketAddr, timeout: Duration) -> io::Result<Wire> {
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        Ok(Wire {
            stream,
            peer: address,
            local,
            tls: None,
            input: Vec::new(),
        })
    }

    /// Our own end of the connection.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The server's end of the connection.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether TLS is active.
    pub fn encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The TLS version as people write it, such as `TLS 1.3`.
    pub fn tls_version(&self) -> Option<&'static str> {
        match self.tls.as_ref()?.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => Some("TLS 1.2"),
            rustls::ProtocolVersion::TLSv1_3 => Some("TLS 1.3"),
            _ => Some("TLS"),
        }
    }

    /// Octets that have come and that nobody has read yet.
    pub fn unread(&self) -> &[u8] {
        &self.input
    }

    /// Writes all octets as one write, before `deadline`.
    ///
    /// # Errors
    /// Those of the operating system, a closed connection among them.
    pub fn send(&mut self, octets: &[u8], deadline: Instant) -> io::Result<()> {
        self.stream.set_write_timeout(Some(remaining(deadline)))?;
        match self.tls.as_mut() {
            None => self.stream.write_all(octets),
            Some(tls) => {
                // No more at a time than the buffer of the TLS layer takes.
                for part in octets.chunks(16 * 1024) {
                    tls.writer().write_all(part)?;
                    while tls.wants_write() {
                        tls.write_tls(&mut self.stream)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The next line with its LF, whatever else it contains.
    ///
    /// # Errors
    /// [`NoMore`] says what came instead.
    pub fn line(&mut self, deadline: Instant) -> Result<Vec<u8>, NoMore> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.input[searched..]
                .iter()
                .position(|&octet| octet == b'\n')
            {
                let rest = self.input.split_off(searched + at + 1);
                return Ok(std::mem::replace(&mut self.input, rest));
            }
            searched = self.input.len();
            if searched > LONGEST_LINE {
                return Err(NoMore::TooLong);
            }
            self.fill(deadline)?;
        }
    }

    /// Whether anything at all comes before `deadline`; what comes stays unread.
    ///
    /// # Errors
    /// As [`Wire::line`], except that silence is `Ok(false)`.
    pub fn stirs(&mut self, deadline: Instant) -> Result<bool, NoMore> {
        if !self.input.is_empty() {
            return Ok(true);
        }
        match self.fill(deadline) {
            Ok(()) => Ok(true),
            Err(NoMore::Silent(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Makes the TLS handshake; unread octets of the clear text stay in [`Wire::unread`] no longer.
    ///
    /// # Errors
    /// [`NoMore::Tls`] when the peer does not speak TLS, otherwise as [`Wire::line`].
    pub fn start_tls(
        &mut self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        deadline: Instant,
    ) -> Result<(), NoMore> {
        self.input.clear();
        let mut tls =
            ClientConnection::new(config, name).map_err(|e| NoMore::Tls(e.to_string()))?;
        while tls.is_handshaking() {
            while tls.wants_write() {
                self.stream
                    .set_write_timeout(Some(remaining(deadline)))
                    .map_err(NoMore::Failed)?;
                tls.write_tls(&mut self.stream).map_err(failure)?;
            }
            if !tls.is_handshaking() {
                break;
            }
            self.no_clear_text(deadline)?;
            read_tls(&mut self.stream, &mut tls, deadline)?;
        }
        while tls.wants_write() {
            tls.write_tls(&mut self.stream).map_err(failure)?;
        }
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// Looks at the next octets without taking them: a record of TLS begins with 20 to 23.
    fn no_clear_text(&mut self, deadline: Instant) -> Result<(), NoMore> {
        let mut octets = [0; 128];
        self.stream
            .set_read_timeout(Some(remaining(deadline)))
            .map_err(NoMore::Failed)?;
        let count = self.stream.peek(&mut octets).map_err(failure)?;
        match octets[..count].first() {
            Some(20..=23) | None => Ok(()),
            Some(_) => Err(NoMore::ClearText(octets[..count].to_vec())),
        }
    }

    /// The bare stream, for probes that speak no SMTP. Reads from it end at `deadline`.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn bare(&mut self, deadline: Instant) -> io::Result<&mut TcpStream> {
        self.stream.set_read_timeout(Some(remaining(deadline)))?;
        self.stream.set_write_timeout(Some(remaining(deadline)))?;
        Ok(&mut self.stream)
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), NoMore> {
        let mut buffer = [0; 4096];
        loop {
            let count = match self.tls.as_mut() {
                None => {
                    self.stream
                        .set_read_timeout(Some(remaining(deadline)))
                        .map_err(NoMore::Failed)?;
                    self.stream.read(&mut buffer).map_err(failure)
                }
                Some(tls) => match tls.reader().read(&mut buffer) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                        match read_tls(&mut self.stream, tls, deadline) {
                            // Records without data are no reason to wait for ever.
                            Ok(()) if Instant::now() < deadline => continue,
                            Ok(()) => Err(NoMore::Silent(Vec::new())),
                            Err(other) => Err(other),
                        }
                    }
                    // Without close_notify the end is as sudden as that of clear text.
                    Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                    other => other.map_err(failure),
                },
            };
            return match count {
                Ok(0) => Err(NoMore::Closed(std::mem::take(&mut self.input))),
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    Ok(())
                }
                Err(NoMore::Silent(_)) if Instant::now() < deadline => continue,
                Err(NoMore::Silent(_)) => Err(NoMore::Silent(self.input.clone())),
                Err(NoMore::Closed(_)) => Err(NoMore::Closed(std::mem::take(&mut self.input))),
                Err(other) => Err(other),
            };
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(tls) = self.tls.as_mut() {
            tls.send_close_notify();
            let _ = self
                .stream
                .set_write_timeout(Some(Duration::from_millis(200)));
            let _ = tls.write_tls(&mut self.stream);
        }
    }
}

fn read_tls(
    stream: &mut TcpStream,
    tls: &mut ClientConnection,
    deadline: Instant,
) -> Result<(), NoMore> {
    stream
        .set_read_timeout(Some(remaining(deadline)))
        .map_err(NoMore::Failed)?;
    match tls.read_tls(stream) {
        Ok(0) if tls.is_handshaking() => return Err(NoMore::Closed(Vec::new())),
        Ok(_) => {}
        Err(e) => return Err(failure(e)),
    }
    let state = tls.process_new_packets();
    if let Err(error) = state {
        // The alert tells the peer why.
        let _ = tls.write_tls(stream);
        return Err(match error {
            rustls::Error::PeerIncompatible(_) => NoMore::TlsBeyondUs(error.to_string()),
            _ => NoMore::Tls(error.to_string()),
        });
    }
    Ok(())
}

fn failure(error: io::Error) -> NoMore {
    use io::ErrorKind::*;
    match error.kind() {
        WouldBlock | TimedOut => NoMore::Silent(Vec::new()),
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof => {
            NoMore::Closed(Vec::new())
        }
        _ => NoMore::Failed(error),
    }
}

/// A socket's time-out may not be zero.
fn remaining(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(1))
}
