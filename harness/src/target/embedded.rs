//! The reference server, started in this process.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use msaspec_server::{Bound, Config, HopDeadlines, ListenerConfig, Server};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::{Envelope, Listener, Recipient, Target, Treatment};
use crate::{
    error::Error,
    known::{Deviates, Known},
    mechanism::Credentials,
    next_hop::NextHop,
    promises::{Family, ListenerName, Promises},
    runtime::{aside, runtime},
};

/// The name of the embedded server.
pub const HOST: &str = "submission.example";

/// How long the next hop may be silent: what is sent again for it is no duplicate.
const HOP_DEADLINE: Duration = Duration::from_millis(300);
/// The same after the final dot. A shorter time would mistake a busy machine for silence, and then the
/// message is there twice.
const HOP_DEADLINE_AFTER_DOT: Duration = Duration::from_millis(800);

/// How the reference server is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// PLAIN and LOGIN, inside TLS only, and nothing before STARTTLS.
    Modern,
    /// CRAM-MD5 and DIGEST-MD5 too, and AUTH also in clear text.
    Origin,
}

impl Profile {
    /// The name of the target on the command line.
    pub fn target_name(self) -> &'static str {
        match self {
            Profile::Modern => "embedded",
            Profile::Origin => "embedded-origin",
        }
    }
}

impl From<&Bound> for Listener {
    /// A listener of the reference server.
    fn from(bound: &Bound) -> Listener {
        Listener {
            port: if bound.implicit_tls { 465 } else { 587 },
            address: bound.address,
            implicit_tls: bound.implicit_tls,
        }
    }
}

/// Starts the reference server with a spool and a next hop of its own.
///
/// # Errors
/// [`Error::Target`] where it does not start.
pub fn start(profile: Profile) -> Result<Target, Error> {
    let next_hop = NextHop::listen(([127, 0, 0, 1], 0).into())?;
    let failed = |e: &dyn std::fmt::Display| {
        Error::Target(format!("the reference server does not start: {e}"))
    };
    let spool = tempfile::Builder::new()
        .prefix("msaspec-spool-")
        .tempdir()
        .map_err(|e| failed(&e))?;
    let mut config = match profile {
        Profile::Modern => Config::modern(HOST, spool.path()),
        Profile::Origin => Config::origin(HOST, spool.path()),
    };
    let users = msaspec_fixtures::users();
    config.users = users
        .iter()
        .map(|user| (user.name.clone(), user.password.clone()))
        .collect();
    config.next_hop = Some(next_hop.address().to_string());
    // What the next hop refuses for a while, or does not say, is soon asked again.
    config.retry_seconds = 0.1;
    config.delivery.longest_retry = Duration::from_millis(500);
    config.hop_deadlines = HopDeadlines {
        connect: HOP_DEADLINE,
        greeting: HOP_DEADLINE,
        mail: HOP_DEADLINE,
        rcpt: HOP_DEADLINE,
        data: HOP_DEADLINE,
        block: HOP_DEADLINE,
        end_of_data: HOP_DEADLINE_AFTER_DOT,
        ..config.hop_deadlines
    };
    // Every case is its own user, and many of them mistype on purpose.
    config.limits = config.limits.without_login_delays();
    let tls_required = profile == Profile::Modern;
    config.listeners = listeners(tls_required).map_err(|e| failed(&e))?;
    let promised_mechanisms = config.mechanisms.iter().map(ToString::to_string).collect();
    let runtime = runtime()?;
    let server = aside(|| runtime.block_on(Server::start(config))).map_err(|e| failed(&e))?;
    let listeners: Vec<Listener> = server.listeners().iter().map(Listener::from).collect();
    let account = |index: usize| {
        users
            .get(index)
            .map(|user| Credentials::new(&user.name, &user.password))
    };
    Ok(Target {
        name: profile.target_name().to_owned(),
        host: Some(HOST.to_owned()),
        promises: Promises {
            listeners: listeners
                .iter()
                .map(|l| ListenerName {
                    port: l.port,
                    family: l.family(),
                })
                .collect(),
            starttls: true,
            tls_required,
            authentication_required: true,
            mechanisms: promised_mechanisms,
            extensions: vec!["ENHANCEDSTATUSCODES".to_owned()],
            retries_within: Some(Treatment::own().delivery_deadline),
        },
        listeners,
        account: account(0),
        other_account: account(1),
        envelope: Envelope {
            sender: format!("alice@{HOST}"),
            recipient: Recipient::AnyAt("next-hop.example".to_owned()),
            local: format!("alice@{HOST}"),
        },
        treatment: Treatment::own(),
        next_hop: Some(next_hop),
        trust: Arc::new(trust(server.ca_pem()).map_err(|e| failed(&e))?),
        known: known(profile),
        versions: vec![(
            "msaspec-server".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        )],
        image: None,
        configuration: None,
        observer: None,
        keep: Arc::new(Running {
            _server: server,
            _spool: spool,
        }),
    })
}

/// Both families, submission and submissions, on free ports.
fn listeners(tls_required: bool) -> Result<Vec<ListenerConfig>, String> {
    let mut listeners = Vec::new();
    for (family, ip) in [(Family::Inet, "127.0.0.1"), (Family::Inet6, "[::1]")] {
        if family == Family::Inet6 && !has_ipv6() {
            continue;
        }
        for modifiers in ["", "/tls"] {
            let listener = format!("{ip}:0{modifiers},M=Ea").parse::<ListenerConfig>();
            let mut listener = listener.map_err(|e| e.to_string())?;
            listener.require_tls = tls_required;
            listeners.push(listener);
        }
    }
    // In the order of the ports that they stand for: submission first.
    listeners.sort_by_key(|listener| listener.modifiers.implicit_tls);
    Ok(listeners)
}

/// Some machines have no IPv6, not even on loopback: nothing is promised there.
fn has_ipv6() -> bool {
    std::net::TcpListener::bind(SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0))).is_ok()
}

fn trust(ca_pem: &str) -> Result<RootCertStore, String> {
    let mut trust = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|e| e.to_string())?;
    trust.add(ca).map_err(|e| e.to_string())?;
    Ok(trust)
}

/// How the reference server deviates on purpose in this profile.
pub fn known(profile: Profile) -> Known {
    if profile == Profile::Modern {
        return Known::default();
    }
    let reason = "The origin's profile offers LOGIN and PLAIN in clear text on purpose, as the origin's sendmail \
                  does; RFC 4954 section 4 advises against it, and the RFC is right.";
    let deviates = Deviates {
        reason: reason.to_owned(),
        verdict: None,
        observed: None,
    };
    [(
        "rfc4954-4-no-plaintext-mechanism-without-tls".to_owned(),
        deviates,
    )]
    .into_iter()
    .collect()
}

/// Dropped in this order: a server closes its spool before somebody removes it.
struct Running {
    _server: Server,
    _spool: tempfile::TempDir,
}
