//! The listeners that a configuration asks for: `DaemonPortOptions`, key by key.

use msaspec_harness::promises::{Family, ListenerName};

use super::cf::{Cf, service};

/// One listener as the `.cf` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Its name; sendmail calls those without one `Daemon0`, `Daemon1` and so on.
    pub name: String,
    /// The address family.
    pub family: Family,
    /// The address or host name that it is bound to, where that is not every address.
    pub address: Option<String>,
    /// The port.
    pub port: u16,
    /// The modifiers, letter by letter.
    pub modifiers: String,
    /// The delivery mode, where this listener has its own.
    pub delivery_mode: Option<String>,
    /// The milters, where this listener has its own list.
    pub filters: Option<String>,
    /// The most processes of this listener at once.
    pub children: Option<String>,
    /// The line of the `.cf`; empty where sendmail's own default applies.
    pub cf: String,
}

impl Daemon {
    /// Port and family.
    pub fn listener(&self) -> ListenerName {
        ListenerName {
            port: self.port,
            family: self.family,
        }
    }

    /// Nobody outside of the machine reaches it.
    pub fn is_loopback(&self) -> bool {
        let Some(address) = &self.address else {
            return false;
        };
        let address = address.trim_matches(['[', ']']);
        let address = address.strip_prefix("IPv6:").unwrap_or(address);
        let local = |ip: std::net::IpAddr| ip.to_canonical().is_loopback();
        address.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(local)
    }

    /// It is there for users' messages, not for those of other servers.
    pub fn is_submission(&self) -> bool {
        self.port != 25
    }

    /// Clients have to log in before MAIL (`a`), and can (no `A`).
    pub fn requires_login(&self) -> bool {
        self.has('a') && !self.has('A')
    }

    /// TLS begins with the connection (`s`).
    pub fn implicit_tls(&self) -> bool {
        self.has('s')
    }

    /// sendmail goes on if the socket cannot be opened (`O`).
    pub fn is_optional(&self) -> bool {
        self.has('O')
    }

    /// Whether a modifier is among its own.
    pub fn has(&self, modifier: char) -> bool {
        self.modifiers.contains(modifier)
    }

    fn read(number: usize, value: &str, cf: &str) -> Result<Option<Daemon>, String> {
        let mut daemon = Daemon {
            name: format!("Daemon{number}"),
            cf: cf.to_owned(),
            ..sendmails_own()
        };
        for (key, value) in value.split(',').filter_map(|field| field.split_once('=')) {
            let value = value.trim();
            match key.trim_start().chars().next() {
                Some('A' | 'a') => daemon.address = Some(value.to_owned()),
                Some('F' | 'f') => match family(value, cf)? {
                    Some(family) => daemon.family = family,
                    None => return Ok(None),
                },
                Some('P' | 'p') => daemon.port = port(value, cf)?,
                Some('N' | 'n') => daemon.name = value.to_owned(),
                Some('M' | 'm') => {
                    daemon.modifiers = value.chars().filter(char::is_ascii_alphabetic).collect();
                }
                Some('I' | 'i') => daemon.filters = Some(value.to_owned()),
                Some('D') => daemon.delivery_mode = Some(value.to_owned()),
                Some('C' | 'c') => daemon.children = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(Some(daemon))
    }
}

/// The listeners over IPv4 and IPv6, in order. Sockets of the local family have no port and are left out.
///
/// `ClientPortOptions` are about outgoing connections and open nothing.
pub fn daemons(cf: &Cf) -> Result<Vec<Daemon>, String> {
    let options = cf.every_option().into_iter();
    let lines = options.filter(|option| option.name.eq_ignore_ascii_case("DaemonPortOptions"));
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return Ok(vec![sendmails_own()]);
    }
    let read = |(number, option): (usize, &super::cf::CfOption<'_>)| {
        Daemon::read(number, option.value, option.line).transpose()
    };
    lines.iter().enumerate().filter_map(read).collect()
}

/// What a modifier means, as the end of a sentence about a listener.
pub fn explain(modifier: char) -> &'static str {
    match modifier {
        'a' => "clients have to log in before MAIL",
        'b' => "mail is sent on from the address that it arrived at",
        'c' => "host names in addresses are always completed and canonified",
        'f' => "sender addresses need a full domain",
        'h' => "HELO to the next hop has the name of the interface that the mail arrived at",
        'r' => "recipient addresses need a full domain",
        's' => "TLS begins with the connection, without STARTTLS",
        'u' => "addresses without a domain are taken",
        'A' => "logging in is not offered",
        'C' => "host names in addresses are not canonified",
        'E' => "ETRN is refused",
        'O' => {
            "if the socket cannot be opened sendmail goes on without it, with one line in the log"
        }
        'S' => "STARTTLS is not offered",
        _ => "this sendmail's documentation does not know it",
    }
}

fn sendmails_own() -> Daemon {
    Daemon {
        name: "Daemon0".to_owned(),
        family: Family::Inet,
        address: None,
        port: 25,
        modifiers: String::new(),
        delivery_mode: None,
        filters: None,
        children: None,
        cf: String::new(),
    }
}

/// The family, or none where it is a socket in the file system.
fn family(value: &str, cf: &str) -> Result<Option<Family>, String> {
    match value.to_ascii_lowercase().as_str() {
        "inet" | "2" => Ok(Some(Family::Inet)),
        "inet6" | "10" => Ok(Some(Family::Inet6)),
        "local" | "unix" | "1" => Ok(None),
        _ => Err(format!(
            "\"{cf}\": there is no address family \"{value}\"; write Family=inet for IPv4 or Family=inet6 for IPv6"
        )),
    }
}

/// sendmail reads digits up to the first other character, and takes 25 for 0.
fn port(value: &str, cf: &str) -> Result<u16, String> {
    let end = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    match value.get(..end).filter(|digits| !digits.is_empty()) {
        Some(digits) => match digits.parse::<u16>() {
            Ok(0) => Ok(25),
            Ok(port) => Ok(port),
            Err(_) => Err(format!(
                "\"{cf}\": there is no port {digits}; the last one is 65535"
            )),
        },
        None => service(value).ok_or_else(|| {
            format!(
                "\"{cf}\": /etc/services does not know a port \"{value}\"; write smtp (25), submission (587), smtps (465) or the number"
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(value: &str) -> Result<Vec<Daemon>, String> {
        daemons(&Cf::parse(&format!("O DaemonPortOptions={value}\n")))
    }

    #[rstest]
    #[case("Name=MTA", "25/inet", "MTA", "")]
    #[case("Port=587, Name=MSA, M=E", "587/inet", "MSA", "E")]
    #[case(
        "Family=inet6, Name=MSA-v6, Port=submission, M=EOa",
        "587/inet6",
        "MSA-v6",
        "EOa"
    )]
    #[case(
        "PORT = smtps ,Modifiers = s a,family=INET6",
        "465/inet6",
        "Daemon0",
        "sa"
    )]
    #[case("p=2525,fam=inet,n=x,m=", "2525/inet", "x", "")]
    #[case("Port=submissions", "465/inet", "Daemon0", "")]
    #[case("Port=587;Modifiers=a", "587/inet", "Daemon0", "")]
    #[case("Port=2525 , M=E O, Port=0", "25/inet", "Daemon0", "EO")]
    fn a_listener_is_read(
        #[case] value: &str,
        #[case] listener: &str,
        #[case] name: &str,
        #[case] modifiers: &str,
    ) {
        let daemon = &read(value).unwrap()[0];
        assert_eq!(daemon.listener().to_string(), listener);
        assert_eq!(
            (daemon.name.as_str(), daemon.modifiers.as_str()),
            (name, modifiers)
        );
    }

    #[rstest]
    #[case("Addr=127.0.0.1", true)]
    #[case("address = ::1, Family=inet6", true)]
    #[case("A=IPv6:::1, Family=inet6", true)]
    #[case("Addr=localhost", true)]
    #[case("Addr=192.0.2.1", false)]
    #[case("Port=25", false)]
    fn an_address_of_the_machine_alone_is_known(#[case] value: &str, #[case] alone: bool) {
        assert_eq!(read(value).unwrap()[0].is_loopback(), alone);
    }

    #[rstest]
    #[case("Port=submision", "does not know a port \"submision\"")]
    #[case("Port=", "does not know a port")]
    #[case("Port=70000", "no port 70000")]
    #[case("Family=ipv6", "no address family \"ipv6\"")]
    fn a_slip_is_named(#[case] value: &str, #[case] words: &str) {
        let sentence = read(value).unwrap_err();
        assert!(sentence.contains(words), "{sentence}");
    }

    #[test]
    fn none_at_all_is_port_25_over_ipv4() {
        let cf = Cf::parse("O ClientPortOptions=Family=inet6\n");
        let daemons = daemons(&cf).unwrap();
        assert_eq!(daemons.len(), 1);
        assert_eq!(daemons[0].listener().to_string(), "25/inet");
    }

    #[test]
    fn a_local_socket_is_none_and_names_are_counted() {
        let text = "O DaemonPortOptions=Family=local, Addr=/run/mail\nO DaemonPortOptions=Port=25, DeliveryMode=q, InputMailFilters=a;b\n";
        let daemons = daemons(&Cf::parse(text)).unwrap();
        assert_eq!(daemons[0].name, "Daemon1");
        assert_eq!(daemons[0].delivery_mode.as_deref(), Some("q"));
        assert_eq!(daemons[0].filters.as_deref(), Some("a;b"));
    }

    #[test]
    fn every_modifier_is_explained() {
        for modifier in "abcfhrsuACEOS".chars() {
            assert!(!explain(modifier).contains("does not know"), "{modifier}");
        }
    }
}
