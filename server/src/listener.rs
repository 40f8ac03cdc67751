//! Where the server listens: parsing of listener options and opening of sockets, one family each.

mod file;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::modifiers::{Modifiers, UnknownModifier};
use crate::policy::{FixUps, Refusals};

/// One listener as configured, written `ADDR:PORT[/tls][,M=MODIFIERS]`; in a file also a table with
/// `address` (`ADDR:PORT[/tls]`), `modifiers`, `name`, `require_tls`, and the lists `refuse` and `fix`.
///
/// `/tls` means the same as the modifier `s`. Without `M=` the modifiers are `a`: a submission
/// server that is told nothing else demands authentication; with `M=` they are exactly those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// How logs and errors call it; parsed listeners are called by what precedes the comma.
    pub name: String,
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// What it demands and leaves out.
    pub modifiers: Modifiers,
    /// Whether clients have to begin TLS before anything that leads to a message: until then AUTH is
    /// not offered, and 530 answers all commands but EHLO, HELO, STARTTLS, NOOP, RSET and QUIT (RFC
    /// 3207, sections 4 and 6). Where TLS begins with the connection it is so in any case.
    pub require_tls: bool,
    /// What it refuses of what can be read.
    pub refuse: Refusals,
    /// What it repairs in messages.
    pub fix: FixUps,
}

/// Why a listener could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerSyntax {
    /// What precedes the comma is not `ADDR:PORT` or `ADDR:PORT/tls`.
    #[error("{0:?} is not ADDR:PORT or ADDR:PORT/tls (IPv6 as [::1]:587)")]
    Address(String),
    /// What follows the comma is not `M=MODIFIERS`.
    #[error("{0:?} is not M=MODIFIERS")]
    Option(String),
    /// `M=` holds a letter that means nothing here.
    #[error(transparent)]
    Modifier(#[from] UnknownModifier),
}

/// A listener that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bound {
    /// The name of its configuration.
    pub name: String,
    /// Where it listens, with the port that was really taken.
    pub address: SocketAddr,
    /// Whether TLS begins with the connection (RFC 8314, section 3.3).
    pub implicit_tls: bool,
    /// The modifiers of its configuration.
    pub modifiers: Modifiers,
    /// Whether no message comes in without TLS; always where TLS begins with the connection.
    pub require_tls: bool,
    /// The refusals of its configuration.
    pub refuse: Refusals,
    /// The fix-ups of its configuration.
    pub fix: FixUps,
}

impl ListenerConfig {
    /// A listener with a name of its own, and the usual refusals and fix-ups.
    pub fn new(name: impl Into<String>, address: SocketAddr, modifiers: Modifiers) -> Self {
        ListenerConfig {
            name: name.into(),
            address,
            modifiers,
            require_tls: false,
            refuse: Refusals::default(),
            fix: FixUps::default(),
        }
    }

    /// Submission and submissions on free ports of the loopback addresses, of both families where
    /// the machine has both; called `submission/inet`, `submission/inet6` and so on.
    pub fn loopback() -> Vec<Self> {
        let mut families = vec![("inet", IpAddr::from(Ipv4Addr::LOCALHOST))];
        if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            families.push(("inet6", Ipv6Addr::LOCALHOST.into()));
        }
        [("submission", false), ("submissions", true)]
            .into_iter()
            .flat_map(|(service, implicit_tls)| {
                let modifiers = Modifiers {
                    authentication_required: true,
                    implicit_tls,
                    ..Modifiers::default()
                };
                families.iter().map(move |(family, address)| {
                    ListenerConfig::new(
                        format!("{service}/{family}"),
                        SocketAddr::new(*address, 0),
                        modifiers,
                    )
                })
            })
            .collect()
    }

    /// Opens the socket. An IPv6 socket takes IPv6 only, so that both families can have one port.
    pub(crate) fn bind(&self) -> io::Result<(TcpListener, Bound)> {
        let socket = Socket::new(
            Domain::for_address(self.address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if self.address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&self.address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let bound = Bound {
            name: self.name.clone(),
            address: listener.local_addr()?,
            implicit_tls: self.modifiers.implicit_tls,
            modifiers: self.modifiers,
            require_tls: self.require_tls || self.modifiers.implicit_tls,
            refuse: self.refuse,
            fix: self.fix,
        };
        Ok((listener, bound))
    }
}

impl FromStr for ListenerConfig {
    type Err = ListenerSyntax;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (place, option) = match text.split_once(',') {
            Some((place, option)) => (place, Some(option)),
            None => (text, None),
        };
        let (address, tls) = match place.strip_suffix("/tls") {
            Some(address) => (address, true),
            None => (place, false),
        };
        let address = address
            .parse()
            .map_err(|_| ListenerSyntax::Address(place.to_owned()))?;
        let mut modifiers: Modifiers = match option {
            None => Modifiers {
                authentication_required: true,
                ..Modifiers::default()
            },
            Some(option) => option
                .strip_prefix("M=")
                .ok_or_else(|| ListenerSyntax::Option(option.to_owned()))?
                .parse()?,
        };
        modifiers.implicit_tls |= tls;
        Ok(ListenerConfig::new(place, address, modifiers))
    }
}

/// Connections that may wait to be accepted, if the system allows so many: whoever finds no place
/// tries again only after seconds.
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.1:587", "127.0.0.1:587", "a")]
    #[case("127.0.0.1:587,M=", "127.0.0.1:587", "")]
    #[case("[::1]:465/tls", "[::1]:465", "as")]
    #[case("[::1]:465/tls,M=Ea", "[::1]:465", "aEs")]
    #[case("[::]:0,M=EOas", "[::]:0", "aEsO")]
    fn listeners_are_read(#[case] text: &str, #[case] address: &str, #[case] modifiers: &str) {
        let listener: ListenerConfig = text.parse().unwrap();
        assert_eq!(listener.address, address.parse().unwrap());
        assert_eq!(listener.modifiers.to_string(), modifiers);
    }

    #[rstest]
    #[case("localhost:587", ListenerSyntax::Address("localhost:587".into()))]
    #[case("::1:587/ssl", ListenerSyntax::Address("::1:587/ssl".into()))]
    #[case("127.0.0.1:70000", ListenerSyntax::Address("127.0.0.1:70000".into()))]
    #[case("127.0.0.1:587,a", ListenerSyntax::Option("a".into()))]
    #[case("127.0.0.1:587,M=aq", ListenerSyntax::Modifier(UnknownModifier('q')))]
    fn faults_are_named(#[case] text: &str, #[case] fault: ListenerSyntax) {
        assert_eq!(text.parse::<ListenerConfig>(), Err(fault));
    }
}
