//! The pace that a configuration imposes on a client.

use std::{net::IpAddr, time::Duration};

use super::super::cf::Cf;

/// How slowly a client has to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The time before the greeting.
    pub greet_pause: Option<Duration>,
    /// Connections that it may make in a minute.
    pub rate_per_minute: Option<u32>,
    /// Connections that it may have at once.
    pub connections: Option<u32>,
}

/// The pace for one client: what the access map says of its address, else the default.
///
/// `access` is the text of the access map. Entries by host name are not looked at.
pub fn pace(cf: &Cf, access: Option<&str>, client: IpAddr) -> Pace {
    let access = access
        .filter(|_| cf.map("access").is_some())
        .unwrap_or_default();
    let asks_the_map = cf
        .rules("greet_pause")
        .iter()
        .any(|rule| rule.contains("GreetPause"));
    let milliseconds = pause(cf).map(|(pause, _)| {
        let own = asks_the_map
            .then(|| entry(access, "GreetPause:", client))
            .flatten();
        own.and_then(|value| value.parse().ok()).unwrap_or(pause)
    });
    let limit = |ruleset: &str, tag: &str| {
        let value = entry(access, tag, client).or_else(|| exact(access, tag));
        let value: u32 = value
            .filter(|_| !cf.rules(ruleset).is_empty())?
            .parse()
            .ok()?;
        (value > 0).then_some(value)
    };
    Pace {
        // sendmail waits five minutes at most.
        greet_pause: milliseconds
            .filter(|pause| *pause > 0)
            .map(|pause| Duration::from_millis(pause.min(300_000))),
        rate_per_minute: limit("RateControl", "ClientRate:"),
        connections: limit("ConnControl", "ClientConn:"),
    }
}

/// The pause before the greeting in milliseconds where the access map is silent, and its rule.
pub(super) fn pause(cf: &Cf) -> Option<(u64, String)> {
    let rules = cf.rules("greet_pause").into_iter();
    let number = |rule: String| {
        let (_, value) = rule.rsplit_once("$#")?;
        let pause = value.split_whitespace().next()?.parse().ok()?;
        Some((pause, rule))
    };
    rules.filter_map(number).next()
}

/// The longest prefix of an address that has an entry: an octet or group less at a time.
fn entry<'a>(access: &'a str, tag: &str, client: IpAddr) -> Option<&'a str> {
    let (mut address, separator) = match client.to_canonical() {
        IpAddr::V4(address) => (address.to_string(), '.'),
        IpAddr::V6(address) => {
            let groups: Vec<_> = address
                .segments()
                .iter()
                .map(|group| format!("{group:x}"))
                .collect();
            (format!("IPv6:{}", groups.join(":")), ':')
        }
    };
    loop {
        if let Some(value) = exact(access, &format!("{tag}{address}")) {
            return Some(value);
        }
        let shorter = address.rfind(separator)?;
        address.truncate(shorter);
    }
}

/// The value of a key, which is compared without regard to case.
fn exact<'a>(access: &'a str, key: &str) -> Option<&'a str> {
    let lines = access.lines().filter(|line| !line.starts_with('#'));
    let mut entries = lines.filter_map(|line| line.split_once(char::is_whitespace));
    let (_, value) = entries.find(|(found, _)| found.eq_ignore_ascii_case(key))?;
    Some(value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const CF: &str = "Kaccess hash -T<TMPF> /etc/mail/access\nSgreet_pause\n\
        R<?> <$+>\t\t$: $>A < $1 > <?> <! GreetPause> <>\nR<?> <$*>\t\t$# 1000\nR<$+> <$*>\t\t$# $1\n\
        SRateControl\nR$*\t\t$: <A:$&{client_addr}> <E:>\nSConnControl\nR$*\t\t$: <A:$&{client_addr}> <E:>\n";
    const ACCESS: &str = "# pace\nGreetPause:192.0.2\t0\nGreetPause:192.0.2.9\t7000\n\
        clientrate:IPv6:2001:db8\t4\nClientRate:192.0.2.1 0\nClientRate: 12\nClientConn:\t5\n";

    #[rstest]
    #[case("198.51.100.1", Some(1000), Some(12))]
    #[case("192.0.2.1", None, None)]
    #[case("192.0.2.9", Some(7000), Some(12))]
    #[case("192.0.20.9", Some(1000), Some(12))]
    #[case("2001:db8::1", Some(1000), Some(4))]
    #[case("2001:db9::1", Some(1000), Some(12))]
    fn the_longest_prefix_decides(
        #[case] client: &str,
        #[case] pause: Option<u64>,
        #[case] rate: Option<u32>,
    ) {
        let pace = pace(&Cf::parse(CF), Some(ACCESS), client.parse().unwrap());
        assert_eq!(pace.greet_pause, pause.map(Duration::from_millis));
        assert_eq!(pace.rate_per_minute, rate);
        assert_eq!(pace.connections, Some(5));
    }

    #[test]
    fn what_the_configuration_does_not_ask_for_does_not_count() {
        let cf = Cf::parse("Kaccess hash /etc/mail/access\nSgreet_pause\nR$*\t$# 5000\n");
        let client = "192.0.2.1".parse().unwrap();
        let found = pace(&cf, Some(ACCESS), client);
        assert_eq!(found.greet_pause, Some(Duration::from_secs(5)));
        assert_eq!((found.rate_per_minute, found.connections), (None, None));
        assert_eq!(pace(&Cf::parse(""), Some(ACCESS), client), Pace::default());
        assert_eq!(
            pace(&Cf::parse(CF), None, client).greet_pause,
            Some(Duration::from_secs(1))
        );
    }
}
