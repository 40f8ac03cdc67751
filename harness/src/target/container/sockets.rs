//! What really listens in a container, from the kernel's tables, which need no tools in the image.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::promises::{Family, ListenerName};

/// The listening sockets in the text of `/proc/net/tcp` or `/proc/net/tcp6`.
pub(super) fn listening(table: &str) -> impl Iterator<Item = SocketAddr> {
    table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let local = columns.nth(1)?;
        let state = columns.nth(1)?;
        (state == LISTEN).then(|| parse(local)).flatten()
    })
}

/// Port and family, where others can reach it and it is a service's port.
pub(super) fn name(socket: &SocketAddr) -> Option<ListenerName> {
    let for_others = !socket.ip().is_loopback() && socket.port() < UNPRIVILEGED;
    for_others.then_some(ListenerName {
        port: socket.port(),
        family: match socket {
            SocketAddr::V4(_) => Family::Inet,
            SocketAddr::V6(_) => Family::Inet6,
        },
    })
}

/// Whether IPv4 may be served here too: the table does not tell (`IPV6_V6ONLY`).
pub(super) fn may_serve_both(socket: &SocketAddr) -> bool {
    socket.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

/// Words of 32 bits in the machine's own order, which is that of the container too.
fn parse(local: &str) -> Option<SocketAddr> {
    let (address, port) = local.split_once(':')?;
    let words = address.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let octets = words.collect::<Option<Vec<_>>>()?.concat();
    let address: IpAddr = match octets.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into(),
        _ => Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).to_canonical(),
    };
    Some((address, u16::from_str_radix(port, 16).ok()?).into())
}

const LISTEN: &str = "0A";
const UNPRIVILEGED: u16 = 1024;

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use rstest::rstest;

    use super::*;

    fn names(table: &str) -> Vec<String> {
        listening(table)
            .filter_map(|socket| name(&socket))
            .map(|name| name.to_string())
            .collect()
    }

    #[rstest]
    #[case::any("00000000:024B 00000000:0000 0A", &["587/inet"])]
    #[case::own_address("020012AC:0019 00000000:0000 0A", &["25/inet"])]
    #[case::loopback("0100007F:0019 00000000:0000 0A", &[])]
    #[case::dockers_resolver("0B00007F:A3C1 00000000:0000 0A", &[])]
    #[case::connected("020012AC:024B 010012AC:D4B2 01", &[])]
    #[case::unprivileged("00000000:A3C1 00000000:0000 0A", &[])]
    #[case::any6(
        "00000000000000000000000000000000:01D1 00000000000000000000000000000000:0000 0A",
        &["465/inet6"]
    )]
    #[case::loopback6(
        "00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A",
        &[]
    )]
    #[case::mapped(
        "0000000000000000FFFF0000020012AC:0019 00000000000000000000000000000000:0000 0A",
        &["25/inet"]
    )]
    #[case::garbage("xyz:0019 : 0A", &[])]
    fn tables_are_read(#[case] sockets: &str, #[case] expected: &[&str]) {
        let table = format!(
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: {sockets} 00000000:00000000 00:00000000 00000000     0        0 10177 1 0000000000000000 100 0\n"
        );
        assert_eq!(names(&table), expected);
    }

    #[rstest]
    #[case("[::]:25", true)]
    #[case("[fd00::1]:25", false)]
    #[case("0.0.0.0:25", false)]
    fn only_the_unspecified_address_may_serve_both(#[case] socket: &str, #[case] both: bool) {
        assert_eq!(may_serve_both(&socket.parse().unwrap()), both);
    }
}
