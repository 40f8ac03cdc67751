//! Whether a host is this server itself, which mail would never leave (RFC 5321, section 5.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What we are found by.
#[derive(Debug, Clone)]
pub(super) struct Ourselves {
    pub(super) name: String,
    /// Where we listen.
    pub(super) listeners: Vec<SocketAddr>,
}

impl Ourselves {
    /// Whether a connection to there would be taken by one of our listeners.
    pub(super) fn listen_at(&self, to: SocketAddr) -> bool {
        self.listeners.iter().any(|own| {
            let here = own.ip() == to.ip() || (own.ip().is_unspecified() && is_local(to.ip()));
            own.port() == to.port() && here
        })
    }
}

/// Whether an address is one of this machine's. To those the system would send from the very same.
fn is_local(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = || {
        // Nothing is sent: this only asks for the route.
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((address, 25))?;
        socket.local_addr()
    };
    address.is_loopback() || source().is_ok_and(|from| from.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.2:25", "127.0.0.2:25", true)]
    #[case("127.0.0.2:25", "127.0.0.2:26", false)]
    #[case("127.0.0.2:25", "127.0.0.3:25", false)]
    #[case("0.0.0.0:25", "127.0.0.3:25", true)]
    #[case("[::]:25", "[::1]:25", true)]
    #[case("0.0.0.0:25", "192.0.2.1:25", false)]
    #[case("[::]:25", "[2001:db8::1]:25", false)]
    fn we_know_where_we_listen(#[case] own: &str, #[case] to: &str, #[case] expected: bool) {
        let ourselves = Ourselves {
            name: "own.example".to_owned(),
            listeners: vec![own.parse().unwrap()],
        };
        assert_eq!(ourselves.listen_at(to.parse().unwrap()), expected);
    }
}
