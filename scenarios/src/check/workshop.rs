//! The machine in which configurations are built by the real m4 and served by the real sendmail.

use std::{
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use msaspec_harness::{
    error::Error,
    target::container::{Blueprint, Host, Options, Output},
};

use super::{cf::Cf, complaint, order::Problem, site::Site, supplies::Supply};

/// A running machine. It is removed when this is dropped.
pub struct Workshop {
    host: Host,
    /// The addresses that have our name already.
    named: Mutex<Vec<IpAddr>>,
}

/// What m4 has made.
#[derive(Clone, Debug)]
pub struct Built {
    /// The `.cf` as it is.
    pub text: String,
    /// The `.cf`, read.
    pub cf: Cf,
    /// What the build had to supply, a phrase each.
    pub supplied: Vec<String>,
    /// What m4 warned of.
    pub warnings: Vec<String>,
}

/// What m4 makes of a change to a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Whether it could be built.
    pub built: bool,
    /// Lines of the `.cf` that go.
    pub gone: Vec<String>,
    /// Lines of the `.cf` that come.
    pub come: Vec<String>,
}

impl Workshop {
    /// Starts the machine, with these kernel parameters besides its own.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn open(sysctls: &[(String, String)], options: &Options) -> Result<Workshop, Error> {
        let host = Host::start(&machine(sysctls), options)?;
        Ok(Workshop {
            host,
            named: Mutex::default(),
        })
    }

    /// The machine.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Does some work with the machine. Once it is interrupted nothing runs in the machine any more, so that
    /// the work comes to its end.
    pub fn unless_interrupted<T>(&self, options: &Options, work: impl FnOnce() -> T) -> T {
        let (working, end) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while end.recv_timeout(MOMENT) == Err(RecvTimeoutError::Timeout) {
                    if (options.interrupted)() {
                        // It may have gone already.
                        let _ = self.host.exec(&["kill", "-KILL", "--", "-1"]);
                    }
                }
            });
            let outcome = work();
            drop(working);
            outcome
        })
    }

    /// Takes away what was there, and puts the site's files in.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn install(&self, site: &Site) -> Result<(), Error> {
        self.done(&["site-clean"])?;
        let files: Vec<_> = site
            .files
            .iter()
            .map(|(name, contents)| (format!("{SITE}/{name}"), contents.as_slice()))
            .collect();
        self.host.server().put(
            files
                .iter()
                .map(|(path, contents)| (path.as_str(), *contents)),
        )?;
        self.done(&["site-install", &site.file_name()])
    }

    /// Builds the `.cf`.
    ///
    /// # Errors
    /// [`Problem::Usage`] with what m4 says and what to do.
    pub fn build(&self, site: &Site) -> Result<Built, Problem> {
        let name = site.file_name();
        let output = self.host.exec(&["site-m4", &name, CF])?;
        if output.status != 0 {
            return Err(Problem::Usage(complaint::of_m4(&site.mc, &output)));
        }
        let Some(octets) = self.host.server().file(CF) else {
            let problem = format!(
                "{}: m4 has written no .cf, or one larger than 1 MiB",
                site.mc.name
            );
            return Err(Problem::Usage(problem));
        };
        let text = String::from_utf8_lossy(&octets).into_owned();
        let supplied = output
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("supplied "));
        Ok(Built {
            cf: Cf::parse(&text),
            text,
            supplied: supplied.map(str::to_owned).collect(),
            warnings: complaint::warnings(&site.mc, &output),
        })
    }

    /// Builds variants of the installed `.mc`, and says how each `.cf` differs from the one that was
    /// built last.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn variants(&self, variants: &[Vec<u8>]) -> Result<Vec<Variant>, Error> {
        let base = self.host.server().file(CF).unwrap_or_default();
        let mut files = vec![(format!("{VARIANTS}/base.cf"), base.as_slice())];
        for (number, text) in variants.iter().enumerate() {
            files.push((format!("{VARIANTS}/{number:05}.mc"), text));
        }
        self.done(&["rm", "-rf", VARIANTS])?;
        self.host.server().put(
            files
                .iter()
                .map(|(path, contents)| (path.as_str(), *contents)),
        )?;
        let output = self.host.exec(&["site-variants", VARIANTS])?;
        let mut all = vec![
            Variant {
                built: false,
                gone: Vec::new(),
                come: Vec::new(),
            };
            variants.len()
        ];
        let mut current = None;
        for line in output.stdout.lines() {
            if let Some(head) = line.strip_prefix("== ") {
                let (name, status) = head.split_once(' ').unwrap_or((head, "1"));
                let number = name.trim_end_matches(".mc").parse::<usize>().ok();
                current = number.and_then(|number| all.get_mut(number));
                if let Some(variant) = &mut current {
                    variant.built = status == "0";
                }
            } else if let Some(variant) = &mut current {
                match (line.strip_prefix("< "), line.strip_prefix("> ")) {
                    (Some(line), _) => variant.gone.push(line.to_owned()),
                    (_, Some(line)) => variant.come.push(line.to_owned()),
                    _ => {}
                }
            }
        }
        Ok(all)
    }

    /// Supplies what a configuration needs and the site does not have: a phrase for each thing, and a
    /// sentence for what could not be supplied.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn supply(&self, supplies: &[Supply]) -> Result<Vec<String>, Error> {
        let mut problems = Vec::new();
        let mut lines = String::new();
        for supply in supplies {
            match supply {
                Supply::Port(port) => {
                    let port = port.to_string();
                    problems.extend(refusal(&self.host.names().exec(&["forward", &port])?));
                }
                Supply::NoSuchZone(zone) => {
                    problems.extend(refusal(&self.host.names().exec(&["absent", zone])?));
                }
                other => lines.extend(other.line().map(|line| line + "\n")),
            }
        }
        self.host.server().put([(SUPPLIES, lines.as_bytes())])?;
        let output = self.host.exec(&["site-supply", SUPPLIES])?;
        let script = "site-supply: ";
        let refused = output.stderr.lines();
        problems.extend(refused.map(|line| line.trim_start_matches(script).to_owned()));
        // What the machine has anyway was not supplied.
        let there: Vec<_> = output
            .stdout
            .lines()
            .filter_map(|line| line.strip_suffix(" is there")?.split(' ').next_back())
            .collect();
        let is_there = |supply: &&Supply| {
            let line = supply.line().unwrap_or_default();
            line.split('\t').any(|part| there.contains(&part))
        };
        let phrases = supplies.iter().filter(|supply| !is_there(supply));
        Ok(phrases.map(ToString::to_string).chain(problems).collect())
    }

    /// Puts the `.cf` where sendmail and its tools look for it.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn put_in_place(&self, cf: &str) -> Result<(), Error> {
        self.host
            .server()
            .put([("/etc/mail/sendmail.cf", cf.as_bytes())])
    }

    /// Starts saslauthd and sendmail.
    ///
    /// # Errors
    /// [`Problem::Usage`] with what sendmail says of its configuration.
    pub fn start(&self, site: &Site, cf: &str) -> Result<(), Problem> {
        let output = self.host.exec(&["site-start", "5s"])?;
        match output.status {
            0 => Ok(()),
            _ => Err(Problem::Usage(complaint::of_sendmail(
                &site.mc, cf, &output,
            ))),
        }
    }

    /// Stops sendmail.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn stop(&self) -> Result<(), Error> {
        self.done(&["site-stop"])
    }

    /// Where sendmail sends these addresses.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn routes(&self, addresses: &[String]) -> Result<Vec<(String, String)>, Error> {
        if addresses.is_empty() {
            return Ok(Vec::new());
        }
        let lines: String = addresses
            .iter()
            .map(|address| format!("{address}\n"))
            .collect();
        self.host.server().put([(ADDRESSES, lines.as_bytes())])?;
        let output = self.host.exec(&["site-routes", ADDRESSES])?;
        let routes = output
            .stdout
            .lines()
            .filter_map(|line| line.split_once('\t'));
        Ok(routes
            .map(|(address, route)| (address.to_owned(), route.to_owned()))
            .collect())
    }

    /// Whether sendmail still tries to open a socket: until then it serves nobody.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn is_opening(&self) -> Result<bool, Error> {
        // Its title says so; before that it is the command.
        Ok(self.host.exec(&["pgrep", "-f", SERVES])?.status != 0)
    }

    /// Our addresses get a name, as clients of a real site have one, and the name leads back to them.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn name_client(&self, inet: IpAddr, inet6: Option<IpAddr>) -> Result<(), Error> {
        let addresses: Vec<_> = [Some(inet), inet6].into_iter().flatten().collect();
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if *named == addresses {
            return Ok(());
        }
        let words: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let asked = |command: &[&str]| {
            let output = self.host.names().exec(command)?;
            refusal(&output).map_or(Ok(()), |problem| Err(Error::Target(problem)))
        };
        for address in &words {
            asked(&["publish-reverse", CLIENT, address])?;
        }
        let names = words.iter().map(String::as_str);
        asked(&Vec::from_iter(
            ["publish", CLIENT].into_iter().chain(names),
        ))?;
        *named = addresses;
        Ok(())
    }

    fn done(&self, command: &[&str]) -> Result<(), Error> {
        let output = self.host.exec(command)?;
        refusal(&output).map_or(Ok(()), |problem| Err(Error::Target(problem)))
    }
}

fn refusal(output: &Output) -> Option<String> {
    (output.status != 0).then(|| match output.stderr.trim() {
        "" => format!("a script ended with status {}", output.status),
        words => words.to_owned(),
    })
}

/// The machine, with kernel parameters as a site has them.
fn machine(sysctls: &[(String, String)]) -> Blueprint {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    // A site may name addresses that only its own machine has.
    let mut all = [
        ("net.ipv4.ip_nonlocal_bind", "1"),
        ("net.ipv6.ip_nonlocal_bind", "1"),
    ]
    .map(own)
    .to_vec();
    all.extend_from_slice(sysctls);
    Blueprint {
        server: "sendmail",
        hostname: "mail.site.example",
        command: &["/usr/local/bin/site-host"],
        ready: "site: ready",
        sysctls: all,
        memory: 1 << 30,
        processes: 512,
    }
}

/// The name of our addresses.
/// How soon an interruption is noticed.
const MOMENT: Duration = Duration::from_millis(100);
const CLIENT: &str = "client.example";
const SITE: &str = "/msaspec/site";
const CF: &str = "/msaspec/site.cf";
const SERVES: &str = "^sendmail: .*(accepting|rejecting) connections";
const VARIANTS: &str = "/msaspec/variants";
const SUPPLIES: &str = "/msaspec/supplies";
const ADDRESSES: &str = "/msaspec/addresses";
