//! A folder that is built and started as containers in a closed network of its own.

use std::{
    net::SocketAddr,
    sync::{Arc, Once},
    time::Duration,
};

use super::{Envelope, Listener, Recipient, Target, Treatment};
use crate::{
    authority::Authority, error::Error, known::Known, mechanism::Credentials, next_hop::NextHop,
    promises::Family,
};

mod binary;
mod containers;
mod context;
mod dockerfile;
mod engine;
mod exec;
mod folder;
mod image;
mod label;
mod last_words;
mod member;
mod network;
mod ready;
mod running;
mod settings;
mod sockets;
mod source;
mod trust;
mod versions;

pub use binary::BINARY;
pub use engine::{NO_CONTAINERS, engine};
pub use exec::Output;
pub use label::{PID, PROCESS, RUN, remove_everything_of_this_process, sweep};
pub use member::Member;
pub use running::{Client, Running};
pub use source::{Source, find};

use containers::Containers;
use engine::aside;
use network::Network;
use settings::Settings;

/// How a target is started.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether to give up.
    pub interrupted: &'a (dyn Fn() -> bool + Sync),
    /// Is told what takes long.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            interrupted: &|| false,
            progress: &|_| {},
        }
    }
}

/// Builds and starts a target.
///
/// # Errors
/// [`Error::File`] where one of its files cannot be used, [`Error::Interrupted`], and [`Error::Target`] where
/// it does not start: then nothing of it is left.
pub fn start(source: &Source, options: &Options) -> Result<Target, Error> {
    Running::start(source, options).map(|running| running.target)
}

impl Running {
    /// Builds and starts a target, and keeps access to its containers.
    ///
    /// # Errors
    /// As [`start`].
    pub fn start(source: &Source, options: &Options) -> Result<Running, Error> {
        aside(|| Running::started(source, options))
    }

    fn started(source: &Source, options: &Options) -> Result<Running, Error> {
        // What is wrong with the files is said first: it needs no engine.
        let settings = Settings::of(source)?;
        let known = known(source)?;
        let mut context = source.context()?;
        let mut program = None;
        if let Some(name) = &settings.container.binary {
            let binary::Program { contents, made } = binary::read(name)?;
            context.insert(name, contents, true);
            program = Some((name, made));
        }
        engine().map_err(Error::Target)?;
        sweep_once();
        let image = image::build(&source.name(), &context, options)?;
        (options.progress)(&format!("starting {}", source.name()));
        let authority = Authority::new().map_err(|e| Error::Certificates(e.to_string()))?;
        let network = Network::create()?;
        let next_hop = listen(&network)?;
        let containers =
            Containers::start(&image, &settings, &authority, network, &next_hop, options)?;
        let listeners = listeners(&settings, &containers);
        await_greetings(&listeners, &containers, options)?;
        let (ca_pem, trust) = trust::of(&settings, &authority, &containers.server, options)?;
        let mut versions = versions::of(&containers.server, &settings.container.packages);
        if let Some((name, made)) = program {
            versions.extend(versions::of_program(&containers.server, name, made));
        }
        let containers = Arc::new(containers);
        let mut accounts = msaspec_fixtures::users()
            .into_iter()
            .map(|user| Credentials::new(&user.name, &user.password));
        let account = accounts.next();
        let alice = account.as_ref().map_or("alice", |account| &account.user);
        let mailbox = format!("{alice}@{}", settings.local_domain());
        let target = Target {
            name: source.name(),
            host: Some(settings.host.clone()),
            listeners,
            account: account.clone(),
            other_account: accounts.next(),
            envelope: Envelope {
                sender: mailbox.clone(),
                recipient: Recipient::AnyAt("next-hop.example".to_owned()),
                local: mailbox,
            },
            treatment: Treatment {
                untrusted: settings.untrusted(),
                clear_login: settings.allow_clear_login,
                quiet: Duration::from_millis(500),
                settle: Duration::from_secs(5),
                delivery_deadline: settings.delivery_deadline(),
                ..Treatment::own()
            },
            promises: settings.promises,
            next_hop: Some(next_hop.clone()),
            trust: Arc::new(trust),
            known,
            versions,
            image: Some(image.id),
            configuration: Some(format!("sha256:{}", image.digest)),
            observer: None,
            keep: containers.clone(),
        };
        Ok(Running {
            target,
            authority: Arc::new(authority),
            next_hop_address: next_hop.address(),
            ca_pem,
            containers,
        })
    }
}

fn known(source: &Source) -> Result<Known, Error> {
    let text = source.text(source::KNOWN)?.unwrap_or_default();
    Known::parse(&text).map_err(|problem| Error::file(source.path(source::KNOWN), problem))
}

/// Leftovers are looked for once: what dies meanwhile is the next run's.
fn sweep_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| match sweep() {
        Ok(0) => {}
        Ok(count) => tracing::info!("removed {count} leftovers of earlier runs"),
        Err(e) => tracing::warn!("leftovers of earlier runs remain: {e}"),
    });
}

fn listen(network: &Network) -> Result<NextHop, Error> {
    NextHop::listen((network.gateway, 0).into()).map_err(|e| {
        Error::Target(format!(
            "{e}: it is the address of this machine in the containers' network, so the engine has to run on this machine"
        ))
    })
}

/// What was promised, at the server's addresses.
fn listeners(settings: &Settings, containers: &Containers) -> Vec<Listener> {
    let addresses = containers.addresses;
    let promised = settings.promises.listeners.iter();
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

fn await_greetings(
    listeners: &[Listener],
    containers: &Containers,
    options: &Options,
) -> Result<(), Error> {
    if ready::greetings(listeners, || containers.server.check(options))? {
        return Ok(());
    }
    let waited = ready::PATIENCE.as_secs();
    let problem = format!("greets on no promised listener within {waited} s");
    Err(containers.server.complaint(&problem))
}
