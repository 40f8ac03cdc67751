//! A configuration that is being served: built, supplied, started, and ready to be asked.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use msaspec_harness::{
    case::Proves,
    error::Error,
    known::Known,
    promises::Family,
    report::Run,
    run::{self, Plan},
    target::{Listener, Target, container::Options},
};

use super::{
    budget::{self, Purse},
    cf::Cf,
    complaint,
    daemon::{Daemon, daemons},
    dialogue::{self, Heard, Probes},
    findings::NotRun,
    limits::{limits, pace},
    order::{Hooks, Order, Problem},
    promise::{self, Pace},
    site::Site,
    supplies,
    workshop::{Built, Workshop},
};
use crate::catalogue::{self, Selection};

mod listening;
mod routes;

use listening::{await_sockets, is_of, name, rivals};

/// A configuration that is being served.
pub struct Served {
    /// What m4 has made.
    pub built: Built,
    /// What the container had to supply, a phrase each.
    pub supplied: Vec<String>,
    /// The listeners that the configuration promises.
    pub daemons: Vec<Daemon>,
    sockets: Vec<SocketAddr>,
    target: Target,
    /// The listeners that are open and can be reached from elsewhere.
    open: Vec<Listener>,
    purse: Purse,
    pace: Pace,
    probes: Probes,
}

/// Builds a configuration and starts it.
///
/// # Errors
/// [`Problem::Usage`] where m4 or sendmail does not take it, [`Problem::Target`] where the container fails.
pub fn serve(workshop: &Workshop, site: &Site, options: &Options) -> Result<Served, Problem> {
    // Before m4 stumbles over it.
    let needed = |text: &str| {
        let sentence = site.needed_but_left_out(text);
        sentence.map_or(Ok(()), |sentence| Err(Problem::Usage(sentence)))
    };
    needed(&site.mc.text)?;
    workshop.install(site)?;
    let mut built = workshop.build(site)?;
    needed(&built.text)?;
    let files: BTreeSet<String> = site.files.keys().cloned().collect();
    let supplies = supplies::needed(&built.cf, &files);
    workshop.put_in_place(&built.text)?;
    let mut supplied = std::mem::take(&mut built.supplied);
    supplied.extend(workshop.supply(&supplies)?);
    let daemons = daemons(&built.cf)
        .map_err(|problem| Problem::Usage(complaint::of_listener(&site.mc, &problem)))?;
    let rivals = rivals(&daemons);
    if let Some((first, second)) = rivals
        && !second.is_optional()
    {
        return Err(Problem::Usage(complaint::of_rivals(
            &site.mc, first, second,
        )));
    }
    workshop.start(site, &built.text)?;
    await_sockets(workshop, daemons.len(), options)?;
    let sockets = workshop.host().sockets()?;
    let (target, open) = target(workshop, site, &built.cf, &daemons, &sockets);
    let inet = own_address(Family::Inet, &open);
    let inet = inet.unwrap_or_else(|| workshop.host().next_hop_address.ip());
    let inet6 = own_address(Family::Inet6, &open);
    workshop.name_client(inet, inet6)?;
    workshop.host().await_greetings(&open, GREETING, options)?;
    let access = site
        .files
        .get("access")
        .map(|text| String::from_utf8_lossy(text));
    let pace = |address: IpAddr| promise::pace(&built.cf, access.as_deref(), address);
    let paces = [
        pace(inet),
        pace(inet6.unwrap_or(Ipv6Addr::UNSPECIFIED.into())),
    ];
    let domain = target
        .envelope
        .local
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain);
    let probes = access
        .as_deref()
        .map(|table| Probes::of_access(table, domain));
    Ok(Served {
        supplied,
        purse: Purse::of(&paces[0], &paces[1], connections_until_now(&open)),
        pace: paces.into_iter().next().unwrap_or_default(),
        probes: probes.unwrap_or_default(),
        daemons,
        sockets,
        target,
        open,
        built,
    })
}

impl Served {
    /// What its dialogues and its sockets say.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn hear(&self, hooks: &Hooks<'_>) -> Result<Heard, Error> {
        let mut heard = dialogue::hear(
            &self.target,
            &self.open,
            &self.probes,
            &self.purse,
            hooks.shared,
        )?;
        heard.facts.extend(self.listener_facts());
        heard.facts.extend(limits(&self.built.cf));
        heard.facts.extend(pace(&self.pace));
        Ok(heard)
    }

    /// The cases that can be asked on every submission listener, and the others with the reason.
    pub fn plan(&self, order: &Order) -> (Plan, Vec<NotRun>) {
        let mut plan = catalogue::plan(&Selection::default()).on_every_submission_listener();
        plan.cases.retain(|planned| {
            !THE_PROGRAMS.contains(&planned.chapter) || planned.case.proves == Proves::Delivery
        });
        if self.open.iter().any(Listener::is_submission) {
            let jobs = self.jobs(order.jobs);
            return budget::fitting(
                plan,
                &self.target,
                &self.pace,
                &self.purse,
                jobs,
                order.budget,
            );
        }
        let not_run = plan.cases.iter().map(|planned| NotRun {
            id: planned.case.id.to_owned(),
            reason: NOT_REACHED.to_owned(),
        });
        let not_run = not_run.collect();
        let nothing = Plan {
            cases: Vec::new(),
            ..plan
        };
        (nothing, not_run)
    }

    /// Sessions at a time: no more than the server takes.
    fn jobs(&self, wanted: usize) -> usize {
        let children = self.built.cf.option("MaxDaemonChildren");
        let children = children.and_then(|number| number.parse().ok());
        let limits = [self.pace.connections, children.filter(|most| *most > 0)];
        let least = limits.into_iter().flatten().min();
        let least = least.and_then(|least| usize::try_from(least).ok());
        least.map_or(wanted, |least| wanted.min(least)).max(1)
    }

    /// Asks these cases on every submission listener.
    pub fn judge(&self, plan: &Plan, jobs: usize, hooks: &Hooks<'_>) -> Run {
        if !self.open.iter().any(Listener::is_submission) {
            return self.unasked(NOT_REACHED, None);
        }
        if plan.cases.is_empty() {
            return self.unasked("no case fits into the budget", None);
        }
        let run = run::run(&self.target, plan, self.jobs(jobs), hooks.shared, &());
        run.unwrap_or_else(|error| {
            let why = error.to_string();
            self.unasked(&why, Some(why.clone()))
        })
    }

    /// A run in which no case was asked.
    fn unasked(&self, why: &str, unjudged: Option<String>) -> Run {
        let nothing = Plan {
            cases: Vec::new(),
            untested: Vec::new(),
        };
        let error = Error::Target(why.to_owned());
        Run {
            unjudged,
            ..run::unjudged(&self.target.name, &nothing, &error)
        }
    }
}

/// Our address as these listeners see it; nothing is sent to learn it.
fn own_address(family: Family, listeners: &[Listener]) -> Option<IpAddr> {
    let any: IpAddr = match family {
        Family::Inet => Ipv4Addr::UNSPECIFIED.into(),
        Family::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut its = listeners
        .iter()
        .filter(|listener| listener.family() == family);
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(its.next()?.address).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The server with what its `.cf` promises, and its listeners that can be reached.
fn target(
    workshop: &Workshop,
    site: &Site,
    cf: &Cf,
    daemons: &[Daemon],
    sockets: &[SocketAddr],
) -> (Target, Vec<Listener>) {
    let promises = promise::harness_promises(cf, daemons);
    let mut target = workshop.host().target(site.mc.name.clone(), promises);
    target.known = known();
    target.versions = workshop.host().versions(&PACKAGES.map(str::to_owned));
    for listener in &mut target.listeners {
        let daemon = daemons
            .iter()
            .find(|daemon| daemon.listener() == listener.name());
        listener.implicit_tls = daemon.is_some_and(Daemon::implicit_tls);
    }
    let is_open = |listener: &&Listener| {
        let mut mine = daemons
            .iter()
            .filter(|daemon| daemon.listener() == listener.name());
        mine.any(|daemon| sockets.iter().any(|socket| is_of(socket, daemon)))
            && !sockets.iter().all(|socket| {
                name(socket) != listener.name()
                    || !(socket.ip().is_unspecified() || socket.ip() == listener.address.ip())
            })
    };
    let open: Vec<_> = target.listeners.iter().filter(is_open).cloned().collect();
    // A listener that is promised and closed is told by its socket, once.
    target.listeners = open.clone();
    let reachable: Vec<_> = open.iter().map(Listener::name).collect();
    target
        .promises
        .listeners
        .retain(|name| reachable.contains(name));
    (target, open)
}

/// What sendmail itself does otherwise is known, whoever configures it.
fn known() -> Known {
    let text = msaspec_fixtures::server("sendmail")
        .and_then(|folder| folder.get_file("known.toml"))
        .and_then(|file| file.contents_utf8())
        .unwrap_or_default();
    let mut entries: toml::Table = toml::from_str(text).unwrap_or_default();
    // This one is the site's own choice: it goes away with confAUTH_OPTIONS.
    entries.remove("rfc4954-4-no-plaintext-mechanism-without-tls");
    Known::parse(&entries.to_string()).unwrap_or_default()
}

/// The listeners were greeted once.
fn connections_until_now(open: &[Listener]) -> u32 {
    let inet = open
        .iter()
        .filter(|listener| listener.family() == Family::Inet);
    // And the first look of the run.
    u32::try_from(inet.count())
        .unwrap_or(u32::MAX)
        .saturating_mul(2)
        .saturating_add(2)
}

const PACKAGES: [&str; 3] = ["sendmail-bin", "libsasl2-2", "sasl2-bin"];
/// Chapters about how a program treats a message, behaves towards its next hop and tells of failures,
/// whoever configures it.
const THE_PROGRAMS: [&str; 3] = ["header", "relay", "reports"];
const NOT_REACHED: &str = "no submission listener can be reached from elsewhere";
/// The longest wait for a greeting. Some let their clients wait on purpose.
const GREETING: Duration = Duration::from_secs(20);
