//! The containers of one server in a closed network: what is there before it is known what it promises.

use std::{
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rustls::RootCertStore;

use super::{
    Client, Options,
    containers::{Containers, helper_image, publish},
    context::Context,
    engine::engine,
    exec::Output,
    image::{self, Image},
    member::{Member, Recipe},
    network::Network,
    ready,
    settings::Settings,
    sockets,
    source::Source,
    sweep_once, trust, versions,
};
use crate::{
    authority::Authority,
    error::Error,
    known::Known,
    mechanism::Credentials,
    next_hop::NextHop,
    promises::{Family, ListenerName, Promises},
    runtime::aside,
    target::{Envelope, Listener, Recipient, Target, Treatment},
};

/// A server's container with what surrounds it: name server, forwarder, next hop and authority. Everything
/// is removed when this, its targets and its clients are dropped.
pub struct Host {
    /// Who has signed the certificates that the containers were given.
    pub authority: Arc<Authority>,
    /// Where mail arrives.
    pub next_hop: NextHop,
    /// Where mail arrives, as the containers see it.
    pub next_hop_address: SocketAddr,
    name: String,
    local_domain: String,
    image: Image,
    /// Whom clients have to trust: the authority, or the server's own.
    ca_pem: Vec<u8>,
    trust: Arc<RootCertStore>,
    containers: Arc<Containers>,
}

/// A machine that is to be configured after its start.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// The server in the fixtures whose image and kernel parameters it has.
    pub server: &'static str,
    /// Its name, which is the certificate's too.
    pub hostname: &'static str,
    /// What runs in it instead of the image's own command.
    pub command: &'static [&'static str],
    /// The line of its log that says that it can be used.
    pub ready: &'static str,
    /// Kernel parameters besides those of the server in the fixtures.
    pub sysctls: Vec<(String, String)>,
    /// The most memory that it gets, in octets.
    pub memory: i64,
    /// The most processes.
    pub processes: i64,
}

impl Host {
    /// Builds and starts a machine in which no server runs yet.
    ///
    /// # Errors
    /// [`Error::Interrupted`], and [`Error::Target`] where it does not start: then nothing of it is left.
    pub fn start(blueprint: &Blueprint, options: &Options) -> Result<Host, Error> {
        aside(|| {
            // Its scripts belong to this program, as a helper's do.
            let source = Source::Embedded(blueprint.server);
            let settings = Settings::of(&source)?.built_as(blueprint);
            let host = Host::of(&source.name(), &source.context()?, &settings, options)?;
            host.server().wait_for(blueprint.ready, options)?;
            Ok(host)
        })
    }

    /// Builds the image and starts everything.
    pub(super) fn of(
        name: &str,
        context: &Context,
        settings: &Settings,
        options: &Options,
    ) -> Result<Host, Error> {
        engine().map_err(Error::Target)?;
        sweep_once();
        let image = image::build(name, context, options)?;
        (options.progress)(&format!("starting {name}"));
        let authority = Authority::new().map_err(|e| Error::Certificates(e.to_string()))?;
        let network = Network::create()?;
        let next_hop = listen(&network)?;
        let containers =
            Containers::start(&image, settings, &authority, network, &next_hop, options)?;
        let (ca_pem, trust) = trust::of(settings, &authority, &containers.server, options)?;
        Ok(Host {
            authority: Arc::new(authority),
            next_hop_address: next_hop.address(),
            next_hop,
            name: settings.host.clone(),
            local_domain: settings.local_domain().to_owned(),
            image,
            ca_pem,
            trust: Arc::new(trust),
            containers: Arc::new(containers),
        })
    }

    /// The server as a target that promises this, at the addresses of what it promises; as our own
    /// servers are treated, and with no deviation known.
    pub fn target(&self, name: String, promises: Promises) -> Target {
        let mut accounts = msaspec_fixtures::users()
            .into_iter()
            .map(|user| Credentials::new(&user.name, &user.password));
        let account = accounts.next();
        let alice = account.as_ref().map_or("alice", |account| &account.user);
        let mailbox = format!("{alice}@{}", self.local_domain);
        Target {
            name,
            host: Some(self.name.clone()),
            listeners: self.listeners(&promises),
            account: account.clone(),
            other_account: accounts.next(),
            envelope: Envelope {
                sender: mailbox.clone(),
                recipient: Recipient::AnyAt("next-hop.example".to_owned()),
                local: mailbox,
            },
            treatment: treatment(),
            promises,
            next_hop: Some(self.next_hop.clone()),
            trust: self.trust.clone(),
            known: Known::default(),
            versions: Vec::new(),
            image: Some(self.image.id.clone()),
            configuration: Some(format!("sha256:{}", self.image.digest)),
            observer: None,
            keep: self.containers.clone(),
        }
    }

    /// What was promised, at the server's addresses.
    pub fn listeners(&self, promises: &Promises) -> Vec<Listener> {
        let addresses = self.containers.addresses;
        let promised = promises.listeners.iter();
        promised
            .map(|name| Listener {
                port: name.port,
                address: match name.family {
                    Family::Inet => SocketAddr::from((addresses.inet, name.port)),
                    Family::Inet6 => SocketAddr::from((addresses.inet6, name.port)),
                },
                implicit_tls: name.port == 465,
            })
            .collect()
    }

    /// Waits until every listener greets, or a while after the first one for submission does. False
    /// where none does in time.
    ///
    /// # Errors
    /// [`Error::Interrupted`], and [`Error::Target`] where the server has ended.
    pub fn await_greetings(
        &self,
        listeners: &[Listener],
        patience: Duration,
        options: &Options,
    ) -> Result<bool, Error> {
        ready::greetings(listeners, patience, || self.server().check(options))
    }

    /// The versions of the system and of these packages.
    pub fn versions(&self, packages: &[String]) -> Vec<(String, String)> {
        versions::of(self.server(), packages)
    }

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

    /// All sockets that listen, seen from inside; an IPv6 socket that serves IPv4 too is there once.
    ///
    /// # Errors
    /// [`Error::Target`] where the kernel's tables cannot be read.
    pub fn sockets(&self) -> Result<Vec<SocketAddr>, Error> {
        let mut sockets = Vec::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let output = self.exec(&["cat", table])?;
            // Without IPv6 in the kernel there is no second table.
            if output.status != 0 && table.ends_with("tcp") {
                return Err(Error::Target(format!("{table}: {}", output.stderr.trim())));
            }
            sockets.extend(sockets::listening(&output.stdout));
        }
        Ok(sockets)
    }

    /// What really listens for others on the ports of services, seen from inside; in order.
    ///
    /// # Errors
    /// As [`Host::sockets`].
    pub fn really_listening(&self) -> Result<Vec<ListenerName>, Error> {
        let sockets = self.sockets()?;
        let mut names: Vec<_> = sockets.iter().filter_map(sockets::name).collect();
        for socket in sockets
            .iter()
            .filter(|socket| sockets::may_serve_both(socket))
        {
            let port = socket.port();
            let inet = SocketAddr::from((self.containers.addresses.inet, port));
            let answers = || TcpStream::connect_timeout(&inet, Duration::from_secs(1)).is_ok();
            if sockets::name(socket).is_some() && answers() {
                names.push(ListenerName {
                    port,
                    family: Family::Inet,
                });
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Ends the server as a shutdown of its machine does; its files stay.
    ///
    /// # Errors
    /// [`Error::Target`] where the engine does not stop it.
    pub fn stop_server(&self) -> Result<(), Error> {
        self.containers.server.stop()
    }

    /// Starts the server again, and has its name lead to the addresses that it has now. Its listeners in a
    /// target, and the certificate that was to be trusted, are those of the first start.
    ///
    /// # Errors
    /// [`Error::Target`] where it does not start.
    pub fn start_server(&self) -> Result<(), Error> {
        let Containers {
            server,
            names,
            network,
            ..
        } = &*self.containers;
        server.start_again()?;
        publish(names, &self.name, network.addresses(server.id())?)
    }

    /// Starts a container with mail programs in the same network. It finds the certificate to be trusted
    /// in `/msaspec/tls/ca.pem`.
    ///
    /// # Errors
    /// [`Error::Target`] where it does not start.
    pub fn client(&self, options: &Options) -> Result<Client, Error> {
        self.client_of("clients", options)
    }

    /// The same with the image of another helper, such as `clients-postfix`.
    ///
    /// # Errors
    /// [`Error::Target`] where there is no such helper, or it does not start.
    pub fn client_of(&self, helper: &str, options: &Options) -> Result<Client, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let role = format!("client-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let recipe = Recipe {
            hostname: Some("client.example".to_owned()),
            files: vec![("/msaspec/tls/ca.pem".to_owned(), self.ca_pem.clone(), 0o644)],
            dns: Some(self.containers.resolver),
            ..Recipe::default()
        };
        let image = helper_image(helper, options)?;
        let member = Member::start(&role, &image, &self.containers.network, recipe)?;
        Ok(Client {
            member,
            _containers: Arc::clone(&self.containers),
        })
    }
}

/// How servers in containers are treated.
pub(super) fn treatment() -> Treatment {
    Treatment {
        quiet: Duration::from_millis(500),
        settle: Duration::from_secs(5),
        ..Treatment::own()
    }
}

fn listen(network: &Network) -> Result<NextHop, Error> {
    NextHop::listen((network.gateway, 0).into()).map_err(|e| {
        Error::Target(format!(
            "{e}: it is the address of this machine in the containers' network, so the engine has to run on this machine"
        ))
    })
}
