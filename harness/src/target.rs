//! A submission server to be judged: where it listens, what it promises, and what may be done to it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::RootCertStore;
use rustls_pki_types::ServerName;

use crate::{
    known::Known,
    mechanism::Credentials,
    next_hop::NextHop,
    promises::{Family, ListenerName, Promises},
};

pub mod container;
pub mod embedded;
pub mod proxied;
pub mod remote;

/// A running target. What it was started with is removed when it is dropped.
#[derive(Clone)]
pub struct Target {
    /// Its name in reports.
    pub name: String,
    /// The name that users configure, which the certificate has to carry; none where only an address is known.
    pub host: Option<String>,
    /// Where it listens; promised listeners that do not listen are here too.
    pub listeners: Vec<Listener>,
    /// The account that the suite may use.
    pub account: Option<Credentials>,
    /// An account that nobody but its owner may act for.
    pub other_account: Option<Credentials>,
    /// The envelope.
    pub envelope: Envelope,
    /// What it promises.
    pub promises: Promises,
    /// How it may be treated.
    pub treatment: Treatment,
    /// Where it relays to, when that is us.
    pub next_hop: Option<NextHop>,
    /// Whom we trust to sign its certificate.
    pub trust: Arc<RootCertStore>,
    /// Deviations that are known.
    pub known: Known,
    /// What is installed: name and version.
    pub versions: Vec<(String, String)>,
    /// The image's id, for containers.
    pub image: Option<String>,
    /// A digest of the configuration, for containers.
    pub configuration: Option<String>,
    /// Who is told about connections and preparations: a proxy in between.
    pub observer: Option<Arc<dyn Observer>>,
    /// What has to live as long as the target.
    pub keep: Arc<dyn std::any::Any + Send + Sync>,
}

/// One listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The port that it has, or stands for, in the world: 587, 465 or 25.
    pub port: u16,
    /// Where to connect to.
    pub address: SocketAddr,
    /// Whether TLS comes first (RFC 8314 section 3.3).
    pub implicit_tls: bool,
}

impl Listener {
    /// Its address family.
    pub fn family(&self) -> Family {
        if self.address.is_ipv6() {
            Family::Inet6
        } else {
            Family::Inet
        }
    }

    /// Port and family.
    pub fn name(&self) -> ListenerName {
        ListenerName {
            port: self.port,
            family: self.family(),
        }
    }

    /// Whether mail is submitted here, and not relayed between servers.
    pub fn is_submission(&self) -> bool {
        self.port != 25
    }
}

/// Whom messages come from and go to.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The sender; belongs to the account.
    pub sender: String,
    /// Where messages may be sent to.
    pub recipient: Recipient,
    /// A mailbox of the target itself.
    pub local: String,
}

/// Where messages may be sent to.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// Any local part at this domain: it leads to our next hop.
    AnyAt(String),
    /// This mailbox only.
    Mailbox(String),
    /// Nowhere: nothing is sent beyond RCPT, which names this mailbox.
    Nowhere(String),
}

/// How a target may be treated.
#[derive(Clone, Debug)]
pub struct Treatment {
    /// It has no reason to trust our address.
    pub untrusted: bool,
    /// Credentials may go to a certificate that does not verify.
    pub insecure: bool,
    /// Credentials may go in clear text.
    pub clear_login: bool,
    /// The most logins that may fail on purpose in a run; none: as many as the cases need.
    pub failed_logins: Option<u32>,
    /// The longest wait for one reply.
    pub timeout: Duration,
    /// The wait that shows silence.
    pub quiet: Duration,
    /// The wait at the end of a run for mail that must not come.
    pub settle: Duration,
    /// The longest wait for mail that is due. What has not come by then is a deviation where the
    /// target promises [`Promises::retries_within`], and otherwise nothing that can be judged.
    pub delivery_deadline: Duration,
}

impl Treatment {
    /// For servers of our own: everything is allowed, and nothing takes long.
    pub fn own() -> Treatment {
        Treatment {
            untrusted: true,
            insecure: false,
            clear_login: true,
            failed_logins: None,
            timeout: Duration::from_secs(30),
            quiet: Duration::from_millis(100),
            settle: Duration::ZERO,
            delivery_deadline: Duration::from_secs(30),
        }
    }

    /// The same, where mail that is due is awaited for as long as it is promised to take at most.
    #[must_use]
    pub fn as_patient_as(self, promises: &Promises) -> Treatment {
        let promised = promises.retries_within.unwrap_or_default();
        Treatment {
            delivery_deadline: self.delivery_deadline.max(promised),
            ..self
        }
    }

    /// Whether the server is in use, and whatever could disturb it is left out.
    pub fn is_gentle(&self) -> bool {
        self.failed_logins.is_some()
    }

    /// For servers in use. The timeout is between what RFC 5321 section 4.5.3.2 grants a server (5
    /// minutes) and what a person waits for.
    pub fn gentle() -> Treatment {
        Treatment {
            untrusted: false,
            clear_login: false,
            failed_logins: Some(3),
            timeout: Duration::from_secs(120),
            quiet: Duration::from_secs(3),
            settle: Duration::from_secs(5),
            delivery_deadline: Duration::from_secs(120),
            ..Treatment::own()
        }
    }
}

/// Who is told what the harness does, to count from there.
pub trait Observer: Send + Sync {
    /// The connection with this end of ours was opened for a preparation.
    fn preparing(&self, ours: SocketAddr);

    /// On the connection with this end of ours the preparation is over.
    fn prepared(&self, ours: SocketAddr);
}

impl Target {
    /// The name for TLS: that which users configure, or else the address.
    pub fn server_name(&self, listener: &Listener) -> ServerName<'static> {
        self.host
            .clone()
            .and_then(|host| ServerName::try_from(host).ok())
            .unwrap_or_else(|| ServerName::IpAddress(listener.address.ip().into()))
    }

    /// Promised listeners at an address that the host does not have.
    pub fn absent_listeners(&self) -> impl Iterator<Item = ListenerName> + '_ {
        let there = |name: &ListenerName| self.listeners.iter().any(|l| l.name() == *name);
        let promised = self.promises.listeners.iter().copied();
        promised.filter(move |name| !there(name))
    }

    /// The listeners on which a case is asked.
    pub fn listeners_for(&self, on: crate::case::On) -> Vec<&Listener> {
        use crate::case::On;
        let mut listeners = self.listeners.iter();
        let clear = |listener: &&Listener| listener.is_submission() && !listener.implicit_tls;
        match on {
            On::Any => {
                let first = listeners.clone().find(clear);
                first
                    .or_else(|| listeners.find(|l| l.is_submission()))
                    .into_iter()
                    .collect()
            }
            On::Submission => listeners
                .filter(|listener| listener.is_submission())
                .collect(),
            On::ClearText => listeners.filter(clear).collect(),
            On::ImplicitTls => listeners.filter(|listener| listener.implicit_tls).collect(),
            On::EveryListener => listeners.collect(),
        }
    }
}
