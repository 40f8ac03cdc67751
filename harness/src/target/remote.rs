//! A server that is running somewhere, known by its address only.

use std::{
    fmt,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    str::FromStr,
    sync::{Arc, mpsc},
    time::Duration,
};

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};

use super::{Envelope, Listener, Recipient, Target, Treatment};
use crate::{
    error::Error,
    known::Known,
    mechanism::Credentials,
    next_hop::NextHop,
    promises::{Family, Promises},
};

/// The authorities that are trusted.
pub type Trust = RootCertStore;

/// Where a running server is: `smtp://HOST[:PORT]` or `smtps://HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A domain or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether TLS comes first (RFC 8314 section 3.3).
    pub implicit_tls: bool,
}

/// What the user knows about a running server, and allows.
#[derive(Clone, Default)]
pub struct Remote {
    /// The account.
    pub account: Option<Credentials>,
    /// The envelope sender; belongs to the account.
    pub from: Option<String>,
    /// The envelope recipient.
    pub to: Option<String>,
    /// The authorities to trust; none: those of the system.
    pub trust: Option<Arc<RootCertStore>>,
    /// Credentials may go to a certificate that does not verify.
    pub insecure: bool,
    /// Credentials may go in clear text.
    pub clear_login: bool,
    /// The name to verify, instead of the host.
    pub server_name: Option<String>,
    /// The server has no reason to trust our address.
    pub untrusted: bool,
    /// What it promises.
    pub promises: Promises,
    /// Where it relays to, when that is us.
    pub next_hop: Option<NextHop>,
    /// What could disturb a server in use is allowed.
    pub strain: bool,
}

impl Place {
    /// The target, with one listener for each address family of the host, IPv4 first.
    ///
    /// # Errors
    /// [`Error::Target`] where the host has no address, [`Error::Certificates`] where the system's
    /// authorities cannot be read.
    pub fn target(&self, remote: Remote) -> Result<Target, Error> {
        let addresses = resolve(&self.host)?;
        let loopback = addresses.iter().all(|address| address.is_loopback());
        let treatment = match loopback {
            true => loopback_treatment(),
            false => Treatment::gentle(),
        }
        .as_patient_as(&remote.promises);
        let domain = remote
            .server_name
            .clone()
            .unwrap_or_else(|| self.mail_domain(&addresses));
        let user = remote.account.as_ref().map(|account| account.user.as_str());
        let sender = remote.from.unwrap_or_else(|| match user {
            Some(user) if user.contains('@') => user.to_owned(),
            user => format!("{}@{domain}", user.unwrap_or("msaspec")),
        });
        let recipient = match remote.to {
            Some(to) if remote.next_hop.is_some() => Recipient::AnyAt(domain_of(&to).to_owned()),
            Some(to) => Recipient::Mailbox(to),
            None => Recipient::Nowhere(format!("postmaster@{}", domain_of(&sender))),
        };
        let is_name = |host: &&String| host.parse::<IpAddr>().is_err();
        let trust = match remote.trust {
            Some(trust) => trust,
            None => Arc::new(system_trust()?),
        };
        Ok(Target {
            name: self.to_string(),
            host: remote
                .server_name
                .or(Some(&self.host).filter(is_name).cloned()),
            listeners: self.listeners(&addresses, &remote.promises),
            account: remote.account,
            other_account: None,
            envelope: Envelope {
                local: sender.clone(),
                sender,
                recipient,
            },
            promises: remote.promises,
            treatment: Treatment {
                untrusted: remote.untrusted,
                insecure: remote.insecure,
                clear_login: remote.clear_login,
                failed_logins: treatment.failed_logins.filter(|_| !remote.strain),
                ..treatment
            },
            next_hop: remote.next_hop,
            trust,
            known: Known::default(),
            versions: Vec::new(),
            image: None,
            configuration: None,
            observer: None,
            keep: Arc::new(()),
        })
    }

    /// The listener that was named, then those that are promised besides, where the host has an
    /// address for them. Those that remain are [`Target::absent_listeners`].
    fn listeners(&self, addresses: &[IpAddr], promises: &Promises) -> Vec<Listener> {
        let mut listeners: Vec<_> = addresses
            .iter()
            .map(|address| Listener {
                port: self.port,
                address: (*address, self.port).into(),
                implicit_tls: self.implicit_tls,
            })
            .collect();
        for name in &promises.listeners {
            let ipv6 = name.family == Family::Inet6;
            let address = addresses.iter().find(|address| address.is_ipv6() == ipv6);
            let Some(address) = address.filter(|_| listeners.iter().all(|l| l.name() != *name))
            else {
                continue;
            };
            listeners.push(Listener {
                port: name.port,
                address: (*address, name.port).into(),
                implicit_tls: name.port == SUBMISSIONS,
            });
        }
        listeners
    }

    /// What stands behind the `@` of the server's own mailboxes: the host, or its address, where its
    /// name is a single label and no domain of mail (RFC 5321 section 2.3.5).
    fn mail_domain(&self, addresses: &[IpAddr]) -> String {
        let first = addresses.first().filter(|_| !self.host.contains('.'));
        match self.host.parse().ok().or(first.copied()) {
            Some(IpAddr::V4(address)) => format!("[{address}]"),
            Some(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            None => self.host.clone(),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let (rest, implicit_tls) =
            match (text.strip_prefix("smtp://"), text.strip_prefix("smtps://")) {
                (Some(rest), _) => (rest, false),
                (_, Some(rest)) => (rest, true),
                _ => {
                    let scheme = text.split(':').next().unwrap_or_default();
                    return Err(format!(
                        "{scheme}: is not spoken here: write smtp://HOST or smtps://HOST"
                    ));
                }
            };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let refuse = |why: &str| {
            Err(format!(
                "{text}: {why}: write smtp://HOST or smtp://HOST:PORT, IPv6 as smtp://[::1]:587"
            ))
        };
        // The text is not repeated: it may hold a password.
        if rest.contains('@') {
            return Err(
                "a name or password does not belong into the address, --user and --password-file \
                        take them: write smtp://HOST or smtp://HOST:PORT"
                    .to_owned(),
            );
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) if host.parse::<std::net::Ipv6Addr>().is_ok() => match port {
                "" => (host, None),
                port => match port.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None => return refuse("what follows the address is no port"),
                },
            },
            Some(_) => return refuse("there is no IPv6 address in the brackets"),
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        if host.is_empty() || ServerName::try_from(host).is_err() {
            return refuse("the host is neither a domain nor an IP address");
        }
        let usual = if implicit_tls {
            SUBMISSIONS
        } else {
            SUBMISSION
        };
        let port = match port.map(str::parse) {
            None => usual,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return refuse("the port is no number from 1 to 65535"),
        };
        Ok(Place {
            host: host.to_owned(),
            port,
            implicit_tls,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.implicit_tls { "smtps" } else { "smtp" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// Reads the certificates of a PEM file.
///
/// # Errors
/// What is wrong with it, in words for its author.
pub fn trust(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut trust = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| format!("is not PEM: {e}"))?;
        trust
            .add(certificate)
            .map_err(|e| format!("holds a certificate that cannot be trusted: {e}"))?;
    }
    match trust.is_empty() {
        true => Err("holds no certificate: the PEM of an authority is needed".to_owned()),
        false => Ok(trust),
    }
}

/// A server on this machine can take everything, but relays and delivers as slowly as any other.
fn loopback_treatment() -> Treatment {
    Treatment {
        quiet: Duration::from_millis(500),
        settle: Treatment::gentle().settle,
        delivery_deadline: Treatment::gentle().delivery_deadline,
        ..Treatment::own()
    }
}

/// The system's own authorities; nothing is trusted where there are none.
fn system_trust() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut trust = RootCertStore::empty();
    trust.add_parsable_certificates(found.certs);
    match found.errors.first() {
        Some(error) if trust.is_empty() => Err(Error::Certificates(format!(
            "the system's authorities cannot be read ({error}): name one with --ca"
        ))),
        _ => Ok(trust),
    }
}

/// The first address of each family, IPv4 first.
fn resolve(host: &str) -> Result<Vec<IpAddr>, Error> {
    let (answer, answered) = mpsc::channel();
    let name = host.to_owned();
    // The resolver cannot be told how long it may take.
    std::thread::spawn(move || {
        answer.send((name.as_str(), 0).to_socket_addrs().map(Vec::from_iter))
    });
    let addresses: Vec<SocketAddr> = match answered.recv_timeout(LONGEST_LOOKUP) {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => {
            return Err(Error::Target(format!(
                "{host} cannot be looked up: {error}"
            )));
        }
        Err(_) => {
            let waited = LONGEST_LOOKUP.as_secs();
            return Err(Error::Target(format!(
                "{host} cannot be looked up: no answer for {waited} s"
            )));
        }
    };
    let first = |ipv6| {
        let mut addresses = addresses.iter().map(SocketAddr::ip);
        addresses.find(|address| address.is_ipv6() == ipv6)
    };
    let found: Vec<_> = [false, true].into_iter().filter_map(first).collect();
    match found.is_empty() {
        true => Err(Error::Target(format!("{host} has no address"))),
        false => Ok(found),
    }
}

fn domain_of(mailbox: &str) -> &str {
    mailbox
        .rsplit_once('@')
        .map_or(mailbox, |(_, domain)| domain)
}

const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;
const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::promises::ListenerName;

    #[rstest]
    #[case("smtp://mail.example", "mail.example", 587, false)]
    #[case("smtps://mail.example/", "mail.example", 465, true)]
    #[case("smtp://127.0.0.1:2525", "127.0.0.1", 2525, false)]
    #[case("smtps://[::1]:4650", "::1", 4650, true)]
    #[case("smtp://[::1]", "::1", 587, false)]
    fn a_place_is_read(
        #[case] text: &str,
        #[case] host: &str,
        #[case] port: u16,
        #[case] implicit_tls: bool,
    ) {
        let place: Place = text.parse().unwrap();
        assert_eq!((place.host.as_str(), place.port), (host, port));
        assert_eq!(place.implicit_tls, implicit_tls);
        assert_eq!(place.to_string().parse(), Ok(place));
    }

    #[rstest]
    #[case("smtp://127.0.0.1", "[127.0.0.1]")]
    #[case("smtp://[::1]", "[IPv6:::1]")]
    #[case("smtp://localhost", "[192.0.2.1]")]
    #[case("smtp://mail.example", "mail.example")]
    fn mail_is_from_a_domain_or_an_address(#[case] place: Place, #[case] domain: &str) {
        assert_eq!(place.mail_domain(&[[192, 0, 2, 1].into()]), domain);
    }

    #[rstest]
    #[case("smtp://")]
    #[case("smtp://:587")]
    #[case("smtp://mail.example:0")]
    #[case("smtp://mail.example:70000")]
    #[case("smtp://mail.example:587:1")]
    #[case("smtp://::1")]
    #[case("smtp://[mail.example]")]
    #[case("smtp://[::1]587")]
    #[case("smtp://alice:4711@mail.example")]
    #[case("smtp://mail example")]
    fn a_slip_is_refused(#[case] text: &str) {
        let error = text.parse::<Place>().unwrap_err();
        assert!(error.contains("write smtp://"), "{error}");
        assert!(!error.contains("4711"), "{error}");
    }

    #[test]
    fn promised_listeners_are_listeners_where_there_is_an_address() {
        let promises: Promises =
            toml::from_str("listeners = [\"587/inet\", \"465/inet\", \"587/inet6\"]").unwrap();
        let remote = Remote {
            promises,
            trust: Some(Arc::new(RootCertStore::empty())),
            account: Some(Credentials::new("alice", "secret")),
            ..Remote::default()
        };
        let place: Place = "smtp://127.0.0.1".parse().unwrap();
        let target = place.target(remote).unwrap();
        assert_eq!(target.listeners.len(), 2);
        assert!(target.listeners[1].implicit_tls);
        let absent: Vec<ListenerName> = target.absent_listeners().collect();
        assert_eq!(absent.len(), 1);
        assert_eq!(absent[0].to_string(), "587/inet6");
        assert_eq!(target.envelope.sender, "alice@[127.0.0.1]");
        assert_eq!(target.host, None);
        assert!(!target.treatment.untrusted && !target.treatment.clear_login);
    }
}
