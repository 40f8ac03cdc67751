//! Whom a load may be put on.

use std::net::IpAddr;

/// A load is not put on other people's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is not on this machine; a load can harm a server in use: \
     give --yes-this-is-my-server if it is yours"
)]
pub struct Elsewhere(pub IpAddr);

/// Refuses a host that has an address elsewhere, though it may have one here too.
///
/// # Errors
/// The first address that is not of this machine's loopback.
pub fn only_loopback(addresses: impl IntoIterator<Item = IpAddr>) -> Result<(), Elsewhere> {
    let mut addresses = addresses.into_iter();
    match addresses.find(|address| !address.to_canonical().is_loopback()) {
        Some(elsewhere) => Err(Elsewhere(elsewhere)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1", true)]
    #[case("127.8.8.8 ::1", true)]
    #[case("::ffff:127.0.0.1", true)]
    #[case("192.0.2.1", false)]
    #[case("0.0.0.0", false)]
    #[case("::", false)]
    #[case("::ffff:192.0.2.1", false)]
    #[case("127.0.0.1 2001:db8::1", false)]
    fn loopback_is_ours(#[case] addresses: &str, #[case] ours: bool) {
        let addresses = addresses.split(' ').map(|address| address.parse().unwrap());
        assert_eq!(only_loopback(addresses).is_ok(), ours);
    }
}
