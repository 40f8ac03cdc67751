//! A running target with access to its containers, for tests and stories.

use std::{
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    Options,
    containers::{Containers, helper_image},
    exec::Output,
    member::{Member, Recipe},
    sockets::Socket,
};
use crate::{
    authority::Authority,
    error::Error,
    promises::{Family, ListenerName},
    target::Target,
};

/// A running target. Everything is removed when this, its target and its clients are dropped.
pub struct Running {
    /// To be judged.
    pub target: Target,
    /// Who has signed the certificates that the containers were given.
    pub authority: Arc<Authority>,
    /// Where mail arrives, as the containers see it.
    pub next_hop_address: SocketAddr,
    /// Whom clients have to trust: the authority, or the server's own.
    pub(super) ca_pem: Vec<u8>,
    pub(super) containers: Arc<Containers>,
}

impl Running {
    /// Runs a command in the server's container.
    ///
    /// # Errors
    /// As [`Member::exec`].
    pub fn exec(&self, command: &[&str]) -> Result<Output, Error> {
        self.containers.server.exec(command)
    }

    /// The server's container.
    pub fn server(&self) -> &Member {
        &self.containers.server
    }

    /// The container with the name server and the forwarder to the next hop.
    pub fn names(&self) -> &Member {
        &self.containers.names
    }

    /// The container of a helper that `target.toml` asks for, such as `saslauthd`.
    pub fn helper(&self, name: &str) -> Option<&Member> {
        let mut helpers = self.containers.helpers.iter();
        helpers
            .find(|(its, _)| its == name)
            .map(|(_, helper)| helper)
    }

    /// The certificate that clients have to trust, in PEM: the authority's, or the server's own.
    pub fn ca_pem(&self) -> &[u8] {
        &self.ca_pem
    }

    /// The server's log.
    ///
    /// # Errors
    /// As [`Member::logs`].
    pub fn logs(&self) -> Result<String, Error> {
        self.containers.server.logs()
    }

    /// What really listens for others on the ports of services, seen from inside; in order.
    ///
    /// # Errors
    /// [`Error::Target`] where the kernel's tables cannot be read.
    pub fn really_listening(&self) -> Result<Vec<ListenerName>, Error> {
        let mut sockets = Vec::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let output = self.exec(&["cat", table])?;
            // Without IPv6 in the kernel there is no second table.
            if output.status != 0 && table.ends_with("tcp") {
                return Err(Error::Target(format!("{table}: {}", output.stderr.trim())));
            }
            sockets.extend(Socket::listening(&output.stdout));
        }
        let mut names: Vec<_> = sockets.iter().filter_map(|socket| socket.name()).collect();
        for socket in sockets.iter().filter(|socket| socket.may_serve_both()) {
            let inet = SocketAddr::from((self.containers.addresses.inet, socket.port));
            let answers = || TcpStream::connect_timeout(&inet, Duration::from_secs(1)).is_ok();
            if socket.name().is_some() && answers() {
                names.push(ListenerName {
                    port: socket.port,
                    family: Family::Inet,
                });
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Starts a container with mail programs in the same network. It finds the certificate to be trusted
    /// in `/msaspec/tls/ca.pem`.
    ///
    /// # Errors
    /// [`Error::Target`] where it does not start.
    pub fn client(&self, options: &Options) -> Result<Client, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let role = format!("client-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let recipe = Recipe {
            hostname: Some("client.example".to_owned()),
            files: vec![("/msaspec/tls/ca.pem".to_owned(), self.ca_pem.clone(), 0o644)],
            dns: Some(self.containers.resolver),
            ..Recipe::default()
        };
        let image = helper_image("clients", options)?;
        Ok(Client {
            member: Member::start(&role, &image, &self.containers.network, recipe)?,
            _containers: Arc::clone(&self.containers),
        })
    }
}

/// A container with mail programs. It is removed when this is dropped.
pub struct Client {
    member: Member,
    _containers: Arc<Containers>,
}

impl std::ops::Deref for Client {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}
