//! Which listeners were promised, and which are open.

use std::{
    net::{IpAddr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use msaspec_harness::{
    error::Error,
    promises::{Family, ListenerName},
    target::container::Options,
};

use super::Served;
use crate::check::{
    daemon::Daemon,
    facts::{Area, Facts},
    findings::ListenerFinding,
    workshop::Workshop,
};

impl Served {
    /// Each listener as promised and as it is.
    pub fn findings(&self) -> Vec<ListenerFinding> {
        let mut found: Vec<_> = self
            .daemons
            .iter()
            .map(|daemon| ListenerFinding {
                listener: daemon.listener().to_string(),
                name: Some(daemon.name.clone()),
                address: daemon.address.clone(),
                promised: true,
                open: self.is_open(daemon),
                optional: daemon.is_optional(),
            })
            .collect();
        for socket in &self.sockets {
            let name = name(socket).to_string();
            let promised = found.iter().any(|finding| finding.listener == name);
            if !promised && socket.port() < UNPRIVILEGED {
                found.push(ListenerFinding {
                    listener: name,
                    name: None,
                    address: None,
                    promised: false,
                    open: true,
                    optional: false,
                });
            }
        }
        found
    }

    fn is_open(&self, daemon: &Daemon) -> bool {
        self.sockets.iter().any(|socket| is_of(socket, daemon))
    }

    pub(super) fn listener_facts(&self) -> Facts {
        let mut facts = Facts::default();
        for finding in self.findings() {
            let words = match (&finding.address, finding.open, finding.promised) {
                (_, false, _) => "closed".to_owned(),
                (Some(address), true, true) => format!("open on {address}"),
                (None, true, true) => "open".to_owned(),
                (_, true, false) => "open, not promised".to_owned(),
            };
            facts.note(Area::Listeners, "", finding.listener, words);
        }
        facts
    }
}

/// Two listeners that want the same socket, of which sendmail can open only the first.
pub(super) fn rivals(daemons: &[Daemon]) -> Option<(&Daemon, &Daemon)> {
    let same = |one: &Daemon, other: &Daemon| {
        one.listener() == other.listener()
            && (one.address == other.address || one.address.is_none() || other.address.is_none())
    };
    daemons.iter().enumerate().find_map(|(place, second)| {
        let first = daemons[..place].iter().find(|first| same(first, second))?;
        Some((first, second))
    })
}

/// Waits until everything is open that can be. sendmail tries almost a minute for each socket that is
/// taken, and serves nobody meanwhile.
pub(super) fn await_sockets(
    workshop: &Workshop,
    daemons: usize,
    options: &Options,
) -> Result<(), Error> {
    let patience = OPENING * u32::try_from(daemons).unwrap_or(u32::MAX).max(1);
    let deadline = Instant::now() + patience.min(LONGEST_OPENING);
    while workshop.is_opening()? && Instant::now() < deadline {
        (options.progress)("sendmail tries to open its sockets");
        if (options.interrupted)() {
            return Err(Error::Interrupted);
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    Ok(())
}

pub(super) fn is_of(socket: &SocketAddr, daemon: &Daemon) -> bool {
    let fits = match daemon.address.as_deref().map(str::parse::<IpAddr>) {
        Some(Ok(address)) => socket.ip() == address,
        _ => socket.ip().is_unspecified(),
    };
    name(socket) == daemon.listener() && fits
}

pub(super) fn name(socket: &SocketAddr) -> ListenerName {
    ListenerName {
        port: socket.port(),
        family: match socket {
            SocketAddr::V4(_) => Family::Inet,
            SocketAddr::V6(_) => Family::Inet6,
        },
    }
}

const UNPRIVILEGED: u16 = 1024;
/// How long sendmail may need to open one of its sockets: it gives up after 50 s.
const OPENING: Duration = Duration::from_secs(60);
const LONGEST_OPENING: Duration = Duration::from_secs(240);
