//! Queue ids: they sort by arrival, and their random half is not used twice.

use std::fmt;

use jiff::Timestamp;

/// A queue id as the spool keeps it: milliseconds of arrival and a random number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(u128);

impl Id {
    /// The id with this text, if it is the text of one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (arrival, random) = text.split_once('-')?;
        let hex = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
        if arrival.len() != 12 || random.len() != 16 {
            return None;
        }
        if !arrival.bytes().chain(random.bytes()).all(hex) {
            return None;
        }
        let arrival = u128::from_str_radix(arrival, 16).ok()?;
        let random = u128::from_str_radix(random, 16).ok()?;
        Some(Id(arrival << 64 | random))
    }

    pub(super) fn of(octets: [u8; 16]) -> Self {
        Id(u128::from_be_bytes(octets))
    }

    pub(super) fn octets(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:012x}-{:016x}",
            self.0 >> 64,
            self.0 & u128::from(u64::MAX)
        )
    }
}

/// A new queue id.
pub(crate) fn new_id(arrival: Timestamp) -> Result<String, getrandom::Error> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    Ok(format!(
        "{:012x}-{:016x}",
        arrival.as_millisecond(),
        u64::from_be_bytes(random)
    ))
}

/// The queue id of what follows from another message: the same whenever it is made again.
pub(crate) fn derived_id(time: Timestamp, hash: &[u8; 32]) -> String {
    let random = hash
        .iter()
        .take(8)
        .fold(0, |all, octet| all << 8 | u64::from(*octet));
    format!("{:012x}-{random:016x}", time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let text = new_id("2026-11-24T10:00:00Z".parse().unwrap()).unwrap();
        let id = Id::parse(&text).unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(Id::of(id.octets()), id);
    }

    #[test]
    fn ids_are_not_paths() {
        for text in ["../x", "", "a/b", ".", "000000000001-00000000000000AB"] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }
}
