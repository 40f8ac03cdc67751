//! A session with one of a destination's hosts: found, greeted, introduced and encrypted.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Settings;
use super::client::Client;
use super::fault::HopFault;
use super::hosts::{self, Host};
use super::offers::Offers;
use super::reply::HopReply;
use super::route::Target;
use crate::config::HopTls;

/// A session past its EHLO or HELO.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) offers: Offers,
    /// The host's name.
    pub(super) host: String,
    /// Whether the host is who it says it is, and nobody listens.
    verified: bool,
    /// Transactions begun.
    pub(super) served: u32,
    /// Whether MAIL was sent and nothing has ended that yet. Also where it was refused: some hops
    /// want RSET even then (RFC 1870, section 6.2).
    pub(super) needs_reset: bool,
}

/// What a session has to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) tls: HopTls,
    /// REQUIRETLS on top, which implies required TLS (RFC 8689, section 4.2.1).
    pub(super) requiretls: bool,
}

/// No session, and the last host that was asked.
#[derive(Debug)]
pub(super) struct Unreachable {
    pub(super) fault: HopFault,
    pub(super) host: Option<String>,
}

/// Addresses tried in one attempt (RFC 5321, section 5.1: at least two).
const ADDRESSES: usize = 10;

impl Session {
    /// Tries one address after another until a host takes the session, and not for ever.
    pub(super) async fn open(
        settings: &Settings,
        target: &Target,
        demand: Demand,
    ) -> Result<Self, Unreachable> {
        timeout(
            settings.deadlines.commands,
            Session::search(settings, target, demand),
        )
        .await
        .unwrap_or_else(|_| Err(nowhere(HopFault::Late)))
    }

    async fn search(
        settings: &Settings,
        target: &Target,
        demand: Demand,
    ) -> Result<Self, Unreachable> {
        let wait = settings.deadlines.connect;
        let found = timeout(wait, settings.directory.hosts(target))
            .await
            .map_err(|_| nowhere(HopFault::Late))?
            .map_err(nowhere)?;
        let mut failure: Option<Unreachable> = None;
        let mut left = ADDRESSES;
        let mut own_rank = None;
        // A host may have no address, or names that take their time.
        for host in found.into_iter().take(ADDRESSES) {
            if left == 0 || own_rank.is_some_and(|own| host.rank >= own) {
                break;
            }
            let addresses = timeout(wait, settings.directory.addresses(&host))
                .await
                .unwrap_or(Err(HopFault::Late));
            let faults = match addresses {
                Ok(addresses) if settings.directory.is_own(&addresses) => {
                    own_rank = Some(host.rank);
                    Some(hosts::leads_back())
                }
                Ok(addresses) => {
                    let tried = addresses.into_iter().take(left);
                    match first_of(tried, &mut left, settings, &host, demand).await {
                        Ok(session) => return Ok(session),
                        Err(fault) => fault,
                    }
                }
                Err(fault) => Some(fault),
            };
            if let Some(fault) = faults {
                // What may be better later counts more than what may not.
                if failure.is_none() || !fault.is_permanent() {
                    let host = Some(host.name);
                    failure = Some(Unreachable { fault, host });
                }
            }
        }
        Err(failure.unwrap_or_else(|| {
            nowhere(HopFault::NoHost {
                status: "5.4.4",
                why: "none of the hosts has an address".to_owned(),
            })
        }))
    }

    /// Whether this session will do for another message too.
    pub(super) fn is_fit(&self, demand: Demand) -> bool {
        !demand.requiretls || (self.verified && self.offers.requiretls)
    }
}

fn nowhere(fault: HopFault) -> Unreachable {
    Unreachable { fault, host: None }
}

/// The first address that works; otherwise the last fault, or none if there is no address.
async fn first_of(
    addresses: impl Iterator<Item = SocketAddr>,
    left: &mut usize,
    settings: &Settings,
    host: &Host,
    demand: Demand,
) -> Result<Session, Option<HopFault>> {
    let mut last = None;
    for address in addresses {
        *left -= 1;
        let mut reached = reach(address, settings, host, demand).await;
        if matches!(reached, Err(HopFault::Handshake(_))) && demand.is_modest() {
            // Never on the same connection: nobody knows what the other side is at (RFC 3207).
            let clear = Demand {
                tls: HopTls::None,
                ..demand
            };
            reached = reach(address, settings, host, clear).await;
        }
        match reached {
            Ok(session) => return Ok(session),
            Err(fault) => {
                tracing::debug!(host = host.name, %address, %fault, "next hop");
                last = Some(fault);
            }
        }
    }
    Err(last)
}

async fn reach(
    address: SocketAddr,
    settings: &Settings,
    host: &Host,
    demand: Demand,
) -> Result<Session, HopFault> {
    let stream = timeout(settings.deadlines.connect, TcpStream::connect(address))
        .await
        .map_err(|_| HopFault::Late)??;
    // Small commands are not to wait for each other.
    stream.set_nodelay(true)?;
    let mut client = Client::new(stream, settings.deadlines);
    let greeting = client.reply(settings.deadlines.greeting).await?;
    if greeting.code != 220 {
        client.quit().await;
        return Err(HopFault::Refused(greeting));
    }
    let (client, offers) = introduce(client, settings, true).await?;
    let session = Session {
        client,
        offers,
        host: host.name.clone(),
        verified: false,
        served: 0,
        needs_reset: false,
    };
    let session = match demand.wants_tls() {
        true => encrypt(session, settings, host, demand)
            .await
            .map_err(|fault| demand.judge(fault))?,
        false => session,
    };
    if demand.requiretls && !session.offers.requiretls {
        session.client.quit().await;
        return Err(HopFault::Unfit {
            status: "5.7.30",
            why: "next hop: no REQUIRETLS".to_owned(),
        });
    }
    Ok(session)
}

/// EHLO, or HELO where a host does not know EHLO and is new to us.
async fn introduce(
    mut client: Client,
    settings: &Settings,
    helo: bool,
) -> Result<(Client, Offers), HopFault> {
    let wait = settings.deadlines.greeting;
    let mut reply = client
        .command(&format!("EHLO {}", settings.hostname), wait)
        .await?;
    if reply.class() == 2 {
        let offers = Offers::of(&reply);
        return Ok((client, offers));
    }
    if helo && matches!(reply.code, 500 | 502) {
        reply = client
            .command(&format!("HELO {}", settings.hostname), wait)
            .await?;
        if reply.class() == 2 {
            return Ok((client, Offers::default()));
        }
    }
    client.quit().await;
    Err(HopFault::Refused(reply))
}

/// STARTTLS. What was offered before is forgotten, and only a refusal lets the session go on in
/// clear, if that is allowed.
async fn encrypt(
    mut session: Session,
    settings: &Settings,
    host: &Host,
    demand: Demand,
) -> Result<Session, HopFault> {
    let reply = match session.offers.starttls {
        true => Some(starttls(&mut session.client, settings).await?),
        false => None,
    };
    match reply {
        Some(reply) if reply.code == 220 => {}
        Some(reply) if reply.code == 421 => {
            session.client.quit().await;
            return Err(HopFault::Refused(reply));
        }
        _ if demand.is_modest() => return Ok(session),
        _ => {
            session.client.quit().await;
            return Err(HopFault::NoTls);
        }
    }
    let fault = |reason: String| HopFault::Handshake(reason);
    let connector = match demand.is_modest() {
        true => settings.trust.anybody(),
        false => settings
            .trust
            .verifying()
            .map_err(|error| fault(error.to_string()))?,
    };
    let name = ServerName::try_from(host.name.clone()).map_err(|error| fault(error.to_string()))?;
    let client = session.client.start_tls(connector, name).await?;
    let (client, offers) = introduce(client, settings, false).await?;
    Ok(Session {
        client,
        offers,
        verified: !demand.is_modest(),
        ..session
    })
}

async fn starttls(client: &mut Client, settings: &Settings) -> Result<HopReply, HopFault> {
    client
        .command("STARTTLS", settings.deadlines.greeting)
        .await
}

impl Demand {
    fn wants_tls(self) -> bool {
        self.requiretls || self.tls != HopTls::None
    }

    /// A hop with which there is no good TLS is unfit for REQUIRETLS, now and later.
    fn judge(self, fault: HopFault) -> HopFault {
        match fault {
            HopFault::NoTls | HopFault::Handshake(_) if self.requiretls => HopFault::Unfit {
                status: "5.7.10",
                why: fault.to_string(),
            },
            other => other,
        }
    }

    /// Whether clear text will do.
    fn is_modest(self) -> bool {
        !self.requiretls && self.tls != HopTls::Required
    }
}
