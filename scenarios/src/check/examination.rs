//! One configuration, built, started, asked: everything that is found out before it is compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use msaspec_harness::{
    error::Error,
    known::Known,
    promises::{Family, ListenerName},
    report::Run,
    run::{self, Plan},
    target::{Listener, Target, container::Options},
    verdict::Verdict,
};

use super::{
    advice::{self, Evidence},
    budget::{self, Purse},
    cf::{Cf, Mailer, Map},
    complaint,
    daemon::{Daemon, daemons},
    dialogue::{self, Heard, Probes},
    facts::{Area, Facts},
    findings::{Findings, ListenerFinding, NotRun},
    mc::Statement,
    order::{Hooks, Order, Problem},
    promise::{self, Pace},
    site::Site,
    supplies,
    workshop::{Built, Provenance, Workshop},
};
use crate::catalogue::{self, Selection};

/// What was found out about a configuration.
pub struct Examination {
    /// What stands in the report.
    pub findings: Findings,
    /// What the cases said.
    pub run: Run,
    /// What m4 has made.
    pub built: Built,
}

/// A configuration that is being served.
pub struct Served {
    /// What m4 has made.
    pub built: Built,
    supplied: Vec<String>,
    daemons: Vec<Daemon>,
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
    let sockets = workshop.sockets()?;
    let (target, open) = target(workshop, site, &built.cf, &daemons, &sockets);
    let inet = own_address(Family::Inet, &open);
    let inet = inet.unwrap_or_else(|| workshop.host().next_hop_address.ip());
    let inet6 = own_address(Family::Inet6, &open);
    workshop.name_client(inet, inet6)?;
    workshop.await_greetings(&open, GREETING, options)?;
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
    fn plan(&self, order: &Order) -> (Plan, Vec<NotRun>) {
        let plan = catalogue::plan(&Selection::default()).on_every_submission_listener();
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

    /// Where mail goes for the addresses that the site's tables name, and for one elsewhere.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn routes(&self, workshop: &Workshop, site: &Site) -> Result<Facts, Error> {
        let mailers = self.built.cf.mailers();
        let with_port = |route: &str| {
            let name = route.split_once(": ").map_or("", |(name, _)| name);
            let mailer = mailers.iter().find(|mailer| mailer.name == name);
            match mailer.and_then(Mailer::port) {
                Some(port) => format!("{route}, port {port}"),
                None => route.to_owned(),
            }
        };
        let mut facts = Facts::default();
        for (address, route) in workshop.routes(&addresses(site, &self.built.cf))? {
            // Those that an alias leads to come in no order.
            let mut routes: Vec<_> = match route.starts_with("not deliverable") {
                true => vec![route],
                false => route.split(", ").map(with_port).collect(),
            };
            routes.sort();
            facts.note(Area::Routes, "", address, routes.join(", "));
        }
        Ok(facts)
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

    fn findings(&self) -> Vec<ListenerFinding> {
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

    fn listener_facts(&self) -> Facts {
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

/// Everything about one configuration.
///
/// # Errors
/// As [`serve`].
pub fn examine(
    workshop: &Workshop,
    site: &Site,
    order: &Order,
    hooks: &Hooks<'_>,
    options: &Options<'_>,
) -> Result<Examination, Problem> {
    let served = serve(workshop, site, options)?;
    (hooks.progress)("talking to sendmail");
    let (provenance, routes, asked) = thread::scope(|scope| {
        let behind = scope.spawn(|| {
            let provenance = Provenance::find(workshop, &site.mc);
            (provenance, served.routes(workshop, site))
        });
        let asked = served.hear(hooks).map(|heard| {
            (hooks.progress)("asking the cases");
            let (plan, not_run) = served.plan(order);
            (heard, served.judge(&plan, order.jobs, hooks), not_run)
        });
        let behind = behind.join();
        let failed = || Error::Target("the search for lines of the .mc failed".to_owned());
        match behind {
            Ok((provenance, routes)) => (provenance, routes, asked),
            Err(_) => (Err(failed()), Err(failed()), asked),
        }
    });
    if hooks.shared.interrupted() {
        return Err(Error::Interrupted.into());
    }
    let (provenance, (mut heard, run, not_run)) = (provenance?, asked?);
    heard.facts.extend(routes?);
    heard.facts.extend(verdicts(&run));
    let placed = |line: &str| provenance.of(line).cloned();
    let mut promises = promise::explained(&served.built.cf, &served.daemons);
    for promise in &mut promises {
        // A feature can take lines away and add none.
        let feature = |statement: &&Statement| statement.argument(0) == promise.subject;
        promise.place = placed(&promise.cf).or_else(|| {
            let statement = site.mc.find("FEATURE").find(feature)?;
            Some(site.mc.place(statement.first, statement.last))
        });
    }
    let listeners = served.findings();
    let advice = advice::advice(&Evidence {
        mc: &site.mc,
        cf: &served.built.cf,
        daemons: &served.daemons,
        facts: &heard.facts,
        listeners: &listeners,
        placed: &placed,
    });
    let warnings = complaint::advice(&served.built.warnings, &site.mc);
    let advice = warnings.into_iter().chain(advice).collect::<Vec<_>>();
    heard.not_run.extend(not_run);
    let mut supplied = served.supplied.clone();
    supplied.extend(SURROUNDINGS.iter().map(|&words| words.to_owned()));
    let left_out = site.left_out.iter();
    let findings = Findings {
        file: site.mc.name.clone(),
        supplied,
        left_out: left_out
            .map(|(name, why)| format!("{name}: {why}"))
            .collect(),
        promises,
        listeners,
        not_run: heard.not_run,
        dialogues: heard.dialogues,
        advice,
        facts: heard.facts,
        comparison: None,
        bisection: None,
    };
    Ok(Examination {
        findings,
        run,
        built: served.built,
    })
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

/// Two listeners that want the same socket, of which sendmail can open only the first.
fn rivals(daemons: &[Daemon]) -> Option<(&Daemon, &Daemon)> {
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
fn await_sockets(workshop: &Workshop, daemons: usize, options: &Options) -> Result<(), Error> {
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

fn is_of(socket: &SocketAddr, daemon: &Daemon) -> bool {
    let fits = match daemon.address.as_deref().map(str::parse::<IpAddr>) {
        Some(Ok(address)) => socket.ip() == address,
        _ => socket.ip().is_unspecified(),
    };
    name(socket) == daemon.listener() && fits
}

fn name(socket: &SocketAddr) -> ListenerName {
    ListenerName {
        port: socket.port(),
        family: match socket {
            SocketAddr::V4(_) => Family::Inet,
            SocketAddr::V6(_) => Family::Inet6,
        },
    }
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
    Known::parse(text).unwrap_or_default()
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

/// The addresses that the tables of the site name, as far as the `.cf` looks them up, and one elsewhere; at
/// most so many as a question takes.
fn addresses(site: &Site, cf: &Cf) -> Vec<String> {
    let usual = ["alice", "postmaster", ELSEWHERE];
    let mut all = BTreeSet::from(usual.map(str::to_owned));
    for table in ["virtusertable", "aliases", "mailertable"] {
        let Some(contents) = site.files.get(table).filter(|_| is_used(cf, table)) else {
            continue;
        };
        for line in String::from_utf8_lossy(contents).lines() {
            let key = line.split([':', ' ', '\t']).next().unwrap_or_default();
            let allowed = |c: char| c.is_ascii_alphanumeric() || "@._-+".contains(c);
            if key.is_empty() || key.len() > 200 || !key.chars().all(allowed) {
                continue;
            }
            all.insert(match table {
                "mailertable" => format!("someone@{}", key.trim_start_matches('.')),
                _ if key.starts_with('@') => format!("someone{key}"),
                _ => key.to_owned(),
            });
        }
    }
    all.extend(local_domains(site, cf).map(|domain| format!("alice@{domain}")));
    all.into_iter().take(MOST_ADDRESSES).collect()
}

/// The domains that the site calls its own: those of the `.cf` and of local-host-names.
fn local_domains(site: &Site, cf: &Cf) -> impl Iterator<Item = String> {
    let of_the_cf = cf.class("w").members.into_iter();
    let file = site.files.get("local-host-names").map(Vec::as_slice);
    let text = String::from_utf8_lossy(file.unwrap_or_default()).into_owned();
    let of_the_file = text
        .lines()
        .map(str::trim)
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    of_the_cf
        .chain(of_the_file)
        .filter(move |name| name.contains('.') && name.len() <= 200 && name.chars().all(allowed))
}

/// Whether a map or the aliases are read from a file of this name.
fn is_used(cf: &Cf, table: &str) -> bool {
    let is_it = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".db").unwrap_or(name) == table
    };
    cf.maps().iter().filter_map(Map::file).any(is_it)
        || cf
            .options("AliasFile")
            .iter()
            .any(|files| files.split(',').any(is_it))
}

/// How long a client waits for its greeting, and how often it may come.
fn pace(pace: &Pace) -> Facts {
    let mut facts = Facts::default();
    if let Some(pause) = pace.greet_pause {
        let words = format!("{:.1} s", pause.as_secs_f64());
        facts.note(Area::Limits, "", "greet_pause", words);
    }
    if let Some(rate) = pace.rate_per_minute {
        facts.note(Area::Limits, "", "ratecontrol", rate.to_string());
    }
    facts
}

/// Limits that a user can run into.
fn limits(cf: &Cf) -> Facts {
    let mut facts = Facts::default();
    let options: BTreeMap<_, _> = LIMITS
        .iter()
        .filter_map(|name| Some((*name, cf.option(name)?)))
        .collect();
    for (name, value) in options {
        facts.note(Area::Limits, "", name, value);
    }
    for option in cf.every_option() {
        if option.name.to_ascii_lowercase().starts_with("timeout.") {
            facts.note(Area::Limits, "", option.name, option.value);
        }
    }
    for milter in cf.milters() {
        let words = match milter.flag {
            Some('T') => "mail is put off while it does not run",
            Some('R') => "mail is refused while it does not run",
            Some('4') => "connections are put off while it does not run",
            _ => "mail passes unfiltered while it does not run",
        };
        facts.note(Area::Limits, "", format!("milter {}", milter.name), words);
    }
    facts
}

pub(super) fn verdicts(run: &Run) -> Facts {
    let mut facts = Facts::default();
    for case in &run.cases {
        if case.verdict != Verdict::Inconclusive {
            facts.note(
                Area::Verdicts,
                "",
                case.id.as_str(),
                case.verdict.to_string(),
            );
        }
    }
    facts
}

/// What surrounds every configuration.
const SURROUNDINGS: [&str; 3] = [
    "accounts alice and bob, in saslauthd and in sasldb",
    "next hop for every domain, on port 25",
    "name of the client: client.example",
];
const LIMITS: [&str; 19] = [
    "AuthMechanisms",
    "AuthOptions",
    "SmtpGreetingMessage",
    "PrivacyOptions",
    "MaxMessageSize",
    "MaxRecipientsPerMessage",
    "MaxHeadersLength",
    "MaxMimeHeaderLength",
    "MaxHopCount",
    "BadRcptThrottle",
    "ConnectionRateThrottle",
    "MaxDaemonChildren",
    "DeliveryMode",
    "RefuseLA",
    "QueueLA",
    "DelayLA",
    "MinFreeBlocks",
    "ConnectionRateWindowSize",
    "MaxNOOPCommands",
];
const PACKAGES: [&str; 3] = ["sendmail-bin", "libsasl2-2", "sasl2-bin"];
const NOT_REACHED: &str = "no submission listener can be reached from elsewhere";
const UNPRIVILEGED: u16 = 1024;
const MOST_ADDRESSES: usize = 200;
/// The longest wait for a greeting. Some let their clients wait on purpose.
const GREETING: Duration = Duration::from_secs(20);
/// How long sendmail may need to open one of its sockets: it gives up after 50 s.
const OPENING: Duration = Duration::from_secs(60);
const LONGEST_OPENING: Duration = Duration::from_secs(240);
/// In another domain than any site's.
const ELSEWHERE: &str = "someone@far.example";
