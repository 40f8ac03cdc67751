//! Handshakes in versions that rustls does not speak: a ClientHello by hand, and what comes back.

mod answer;
mod hello;

use std::fmt;

pub use answer::{Answer, read_answer};
pub use hello::{hello, server_hello_tls10};

/// A version that RFC 8996 has retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolVersion {
    /// RFC 2246.
    Tls10,
    /// RFC 4346.
    Tls11,
}

impl ProtocolVersion {
    fn octets(self) -> [u8; 2] {
        match self {
            ProtocolVersion::Tls10 => [3, 1],
            ProtocolVersion::Tls11 => [3, 2],
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&version_name(self.octets().into()))
    }
}

fn version_name(version: (u8, u8)) -> String {
    match version {
        (3, 0) => "SSL 3.0".to_owned(),
        (3, minor @ 1..=4) => format!("TLS 1.{}", minor - 1),
        (major, minor) => format!("version {major}.{minor}"),
    }
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;

    use rstest::rstest;
    use rustls::ServerConnection;

    use super::*;
    use crate::authority::Leaf;

    #[test]
    fn our_own_server_hello_is_read() {
        let answer = read_answer(server_hello_tls10().as_slice()).unwrap();
        assert_eq!(answer, Answer::ServerHello { version: (3, 1) });
        assert_eq!(answer.to_string(), "ServerHello, TLS 1.0");
    }

    #[rstest]
    fn a_server_of_today_refuses(
        #[values(ProtocolVersion::Tls10, ProtocolVersion::Tls11)] version: ProtocolVersion,
    ) {
        let config = Leaf::self_signed(&["mx.example"])
            .unwrap()
            .server_config()
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut tls = ServerConnection::new(config).unwrap();
            assert!(tls.complete_io(&mut socket).is_err());
        });
        let mut socket = TcpStream::connect(address).unwrap();
        socket
            .write_all(&hello(version, Some("mx.example")))
            .unwrap();
        let answer = read_answer(&socket).unwrap();
        assert_eq!(answer.to_string(), "alert protocol_version(70)");
        served.join().unwrap();
    }
}
