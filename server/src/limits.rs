//! What a server counts of its clients, so that none takes from the others more than its share.

mod addresses;
mod lines;
mod logins;
mod pace;
mod patience;
mod places;

pub(crate) use addresses::{Addresses, Refusal};
pub(crate) use lines::Lines;
pub(crate) use logins::Logins;
pub(crate) use pace::Pace;
pub(crate) use patience::Patience;
pub(crate) use places::{Places, Rank};

use std::net::{IpAddr, Ipv6Addr};

/// Whom an address stands for: an IPv4 address for itself, an IPv6 address for its /64, since a
/// client has all of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Neighbourhood(IpAddr);

impl From<IpAddr> for Neighbourhood {
    fn from(address: IpAddr) -> Self {
        Neighbourhood(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("192.0.2.1", "192.0.2.1", true)]
    #[case("192.0.2.1", "192.0.2.2", false)]
    #[case("192.0.2.1", "::ffff:192.0.2.1", true)]
    #[case("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    #[case("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    fn ipv6_counts_by_its_64(#[case] one: IpAddr, #[case] other: IpAddr, #[case] same: bool) {
        assert_eq!(Neighbourhood::from(one) == Neighbourhood::from(other), same);
    }
}
