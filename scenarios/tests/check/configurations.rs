//! Configurations of others: sendmail's own examples, Debian's, and the shapes of other systems. Each is served, or
//! ends with words that an administrator can act on.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use libtest_mimic::{Completion, Failed, Trial};
use msaspec::check::{Problem, complaint, findings::Kind, served, site::Site, workshop::Workshop};
use msaspec_harness::target::container::Options;

use crate::trial;

/// The machine in which they are built and served, one after the other.
#[derive(Default)]
pub(crate) struct Shop(Mutex<Option<Workshop>>);

/// What becomes of a configuration.
#[derive(Clone, Copy)]
enum End {
    /// It is served, with these listeners.
    Opens(&'static str),
    /// It is built all the same, and the report has a fault with all of these words.
    Complains(&'static [&'static str]),
    /// It is refused, with all of these words.
    Says(&'static [&'static str]),
}

use End::{Complains, Opens, Says};

const BOTH: End = Opens("25/inet 25/inet6 587/inet");
const ONE: End = Opens("25/inet 587/inet");
const BERKELEY: End = Complains(&[
    "outside of the Computer Science Division",
    "DOMAIN names a file of the university",
]);

/// All of `cf/cf/`.
const EXAMPLES: [(&str, End); 33] = [
    ("chez.cs", BERKELEY),
    (
        "clientproto",
        Complains(&["valid operating system type", "OSTYPE(`linux')dnl"]),
    ),
    ("cs-hpux10", BERKELEY),
    ("cs-hpux9", BERKELEY),
    ("cs-osf1", BERKELEY),
    ("cs-solaris2", BERKELEY),
    ("cs-sunos4.1", BERKELEY),
    ("cs-ultrix4", BERKELEY),
    ("cyrusproto", ONE),
    ("generic-bsd4.4", ONE),
    ("generic-hpux10", ONE),
    ("generic-hpux9", ONE),
    ("generic-linux", ONE),
    ("generic-mpeix", ONE),
    ("generic-nextstep3.3", ONE),
    ("generic-osf1", ONE),
    ("generic-solaris", ONE),
    ("generic-sunos4.1", ONE),
    ("generic-ultrix4", ONE),
    ("huginn.cs", BERKELEY),
    ("knecht", ONE),
    ("mail.cs", BERKELEY),
    ("mail.eecs", BERKELEY),
    ("mailspool.cs", BERKELEY),
    ("python.cs", BERKELEY),
    ("s2k-osf1", BERKELEY),
    ("s2k-ultrix4", BERKELEY),
    (
        "submit",
        Says(&["cannot be used as daemon", "check the server's .mc instead"]),
    ),
    (
        "tcpproto",
        Complains(&["valid operating system type", "OSTYPE(`linux')dnl"]),
    ),
    ("ucbarpa", BERKELEY),
    ("ucbvax", BERKELEY),
    (
        "uucpproto",
        Complains(&["valid operating system type", "OSTYPE(`linux')dnl"]),
    ),
    ("vangogh.cs", BERKELEY),
];

/// Written here, in the shape of other systems or with a mistake: name, `.mc`, end.
const SHAPES: [(&str, &str, End); 12] = [
    (
        "red-hat",
        "include(`/usr/share/sendmail-cf/m4/cf.m4')dnl\nOSTYPE(`linux')dnl\nFEATURE(`use_cw_file')dnl\nMAILER(`smtp')dnl\nMAILER(`procmail')dnl\n",
        ONE,
    ),
    (
        "an-odd-path-to-cf.m4",
        "include(`/opt/mail/sendmail-8.17/cf/m4/cf.m4')dnl\nOSTYPE(`linux')dnl\nMAILER(`smtp')dnl\n",
        ONE,
    ),
    (
        "freebsd-without-include",
        "VERSIONID(`site')\nOSTYPE(freebsd6)\nDOMAIN(generic)\nFEATURE(local_lmtp)\nDAEMON_OPTIONS(`Name=IPv4, Family=inet')\nDAEMON_OPTIONS(`Name=IPv6, Family=inet6, Modifiers=O')\nMAILER(local)\nMAILER(smtp)\n",
        BOTH,
    ),
    (
        "without-ostype",
        "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
        ONE,
    ),
    (
        "solaris-domain",
        "OSTYPE(`solaris8')dnl\nDOMAIN(`solaris-generic')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
        Says(&[
            "solaris-domain.mc:2: ",
            "solaris-generic.m4",
            "put its text into the .mc",
        ]),
    ),
    (
        "quotes-of-the-wrong-kind",
        "OSTYPE(`linux')dnl\nFEATURE('redirect')dnl\nMAILER(`smtp')dnl\n",
        Says(&[
            "quotes-of-the-wrong-kind.mc:2: ",
            "begins a quote with ` and ends it with '",
        ]),
    ),
    (
        "no-such-feature",
        "OSTYPE(`linux')dnl\nFEATURE(`redirekt')dnl\nMAILER(`smtp')dnl\n",
        Says(&["no-such-feature.mc:2: ", "no feature of this name"]),
    ),
    (
        "no-such-mailer",
        "OSTYPE(`linux')dnl\nMAILER(`nosuch')dnl\n",
        Says(&["no-such-mailer.mc:2: ", "no mailer of this name"]),
    ),
    (
        "a-feature-after-mailer",
        "OSTYPE(`linux')dnl\nMAILER(`smtp')dnl\nFEATURE(`redirect')dnl\n",
        Complains(&[
            "FEATURE() should be before MAILER()",
            "move every FEATURE",
            ":3",
        ]),
    ),
    (
        // m4 sees the quote end at the apostrophe, and stumbles where nobody looks.
        "a-quote-that-an-apostrophe-closes",
        "OSTYPE(`linux')dnl\ndefine(`confAUTH_OPTIONS', `p y)dnl\ndnl that's all\nMAILER(`smtp')dnl\n",
        Says(&["a-quote-that-an-apostrophe-closes.mc:2: ", "`p y)dnl"]),
    ),
    (
        "no-such-service",
        "OSTYPE(`linux')dnl\nDAEMON_OPTIONS(`Port=submision, Name=MSA, M=Ea')dnl\nMAILER(`smtp')dnl\n",
        Says(&[
            "no-such-service.mc:2: ",
            "write smtp (25), submission (587)",
        ]),
    ),
    (
        "m4exit",
        "OSTYPE(`linux')dnl\nm4exit(`0')\nMAILER(`smtp')dnl\n",
        Says(&["m4exit"]),
    ),
];

pub(crate) fn trials(shop: &Arc<Shop>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, end) in EXAMPLES {
        trials.push(shop.trial(
            &format!("configuration::example::{name}"),
            move |workshop| {
                let text = file(workshop, &format!("{FOLDER}/{name}.mc"))?;
                becomes(workshop, name, &text, end)
            },
        ));
    }
    for (name, text, end) in SHAPES {
        trials.push(
            shop.trial(&format!("configuration::shape::{name}"), move |workshop| {
                becomes(workshop, name, text, end)
            }),
        );
    }
    trials.push(shop.trial("configuration::debian's-default", |workshop| {
        let text = file(workshop, "/usr/share/sendmail/cf/debian/sendmail.mc")?;
        becomes(workshop, "sendmail", &text, Opens("25/inet 587/inet"))
    }));
    trials.push(shop.trial("configuration::all-are-here", all_are_here));
    trials
}

impl Shop {
    fn trial(
        self: &Arc<Self>,
        name: &str,
        story: impl FnOnce(&Workshop) -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        let shop = Arc::clone(self);
        trial(name, 1, move || {
            let mut workshop = shop.0.lock().unwrap_or_else(PoisonError::into_inner);
            if workshop.is_none() {
                *workshop = Some(Workshop::open(&[], &Options::default())?);
            }
            let workshop = workshop.as_ref().ok_or("no machine")?;
            story(workshop).map(|()| Completion::Completed)
        })
    }
}

/// Serves a configuration that stands alone in its folder.
fn becomes(workshop: &Workshop, name: &str, text: &str, end: End) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mc = folder.path().join(format!("{name}.mc"));
    fs::write(&mc, text)?;
    let site = Site::read(&mc)?;
    if let Complains(words) = end {
        return complains(workshop, &site, words);
    }
    let served = served::serve(workshop, &site, &Options::default());
    match (served, end) {
        (Err(Problem::Usage(said)), Says(words)) => has(&said, words),
        (Err(problem), _) => Err(said(problem)),
        (Ok(_), end) => {
            let open = open(workshop)?;
            match matches!(end, Opens(listeners) if open == listeners) {
                true => Ok(()),
                false => Err(format!("it is served on {open}").into()),
            }
        }
    }
}

/// It need not be served for that.
fn complains(workshop: &Workshop, site: &Site, words: &[&str]) -> Result<(), Failed> {
    workshop.install(site)?;
    let built = workshop.build(site).map_err(said)?;
    let advice = complaint::advice(&built.warnings, &site.mc);
    let faults = advice.iter().filter(|advice| advice.kind == Kind::Fault);
    let faults = faults.map(|fault| {
        let line = fault.place.as_ref().map_or(0, |place| place.first);
        format!(":{line} {} {}", fault.what, fault.reason)
    });
    has(&Vec::from_iter(faults).join("\n"), words)
}

fn said(problem: Problem) -> Failed {
    match problem {
        Problem::Usage(said) => said.into(),
        Problem::Target(error) => error.to_string().into(),
    }
}

fn has(said: &str, words: &[&str]) -> Result<(), Failed> {
    let missing: Vec<_> = words
        .iter()
        .filter(|words| !said.contains(**words))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("{missing:?} is not said in: {said}").into()),
    }
}

/// The services that listen, in order.
fn open(workshop: &Workshop) -> Result<String, Failed> {
    let sockets = workshop.host().sockets()?;
    let names = sockets
        .iter()
        .filter(|socket| [25, 465, 587].contains(&socket.port()));
    let names: BTreeSet<_> = names
        .map(|socket| match socket {
            SocketAddr::V4(_) => format!("{}/inet", socket.port()),
            SocketAddr::V6(_) => format!("{}/inet6", socket.port()),
        })
        .collect();
    Ok(Vec::from_iter(names).join(" "))
}

/// An example that the package adds is tested.
fn all_are_here(workshop: &Workshop) -> Result<(), Failed> {
    let output = workshop.host().exec(&["ls", FOLDER])?;
    let there: Vec<_> = output
        .stdout
        .lines()
        .filter_map(|name| name.strip_suffix(".mc"))
        .collect();
    let known: Vec<_> = EXAMPLES.iter().map(|(name, _)| *name).collect();
    match there == known {
        true => Ok(()),
        false => Err(format!("the package has {there:?}").into()),
    }
}

fn file(workshop: &Workshop, path: &str) -> Result<String, Failed> {
    let output = workshop.host().exec(&["cat", path])?;
    match output.status {
        0 => Ok(output.stdout),
        _ => Err(output.stderr.into()),
    }
}

const FOLDER: &str = "/usr/share/sendmail/cf/cf";
