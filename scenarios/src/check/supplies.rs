//! What the container has to supply, so that a configuration starts as it does at the site.

mod paths;

use std::{collections::BTreeSet, fmt};

use super::cf::{Cf, Map};

/// One thing that the site has and the container has not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Supply {
    /// The folder of a path.
    Folder(String),
    /// An empty file.
    File(String),
    /// A certificate of the harness's authority.
    Certificate(String),
    /// The certificate's private key.
    Key(String),
    /// The certificate of the harness's authority.
    Authority(String),
    /// A folder with the certificate of the harness's authority.
    AuthorityFolder(String),
    /// A map.
    Map {
        /// How it is stored, such as `hash`.
        class: String,
        /// Its path as the `.cf` has it, without the ending that its class adds.
        path: String,
        /// The file of the site that it is made from; none: it is empty.
        text: Option<String>,
    },
    /// The aliases, which `newaliases` makes; the file is empty where the site has none.
    Aliases {
        /// How they are stored, such as `hash`.
        class: String,
        /// Where the text belongs.
        path: String,
        /// The file of the site; none: it is empty.
        text: Option<String>,
    },
    /// A user of the machine.
    User(String),
    /// A program that a mailer runs and that the image does not have; it takes every message.
    Mailer {
        /// The name of the mailer.
        name: String,
        /// The program.
        path: String,
    },
    /// A port other than 25 that the next hop has to answer.
    Port(u16),
    /// A zone with a list of senders, in which no name may exist.
    NoSuchZone(String),
    /// Not supplied.
    Refused {
        /// What it is.
        what: String,
        /// The path.
        path: String,
        /// Why not.
        why: String,
    },
}

impl Supply {
    /// The line that tells the container what to make: kind and arguments with tabs between them.
    ///
    /// None where the container has nothing to do.
    pub fn line(&self) -> Option<String> {
        let fields = match self {
            Supply::Folder(path) => vec!["folder", path],
            Supply::File(path) => vec!["file", path],
            Supply::Certificate(path) => vec!["certificate", path],
            Supply::Key(path) => vec!["key", path],
            Supply::Authority(path) => vec!["authority", path],
            Supply::AuthorityFolder(path) => vec!["authority-folder", path],
            Supply::Map { class, path, .. } => vec!["map", class, path],
            Supply::Aliases { class, path, .. } => vec!["aliases", class, path],
            Supply::User(name) => vec!["user", name],
            Supply::Mailer { name, path } => vec!["mailer", name, path],
            Supply::Port(_) | Supply::NoSuchZone(_) | Supply::Refused { .. } => return None,
        };
        Some(fields.join("\t"))
    }
}

impl fmt::Display for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Supply::Folder(path) => write!(f, "folder {path}"),
            Supply::File(path) => write!(f, "empty file {path}"),
            Supply::Certificate(path) => write!(f, "certificate at {path}"),
            Supply::Key(path) => write!(f, "private key at {path}"),
            Supply::Authority(path) => write!(f, "authority's certificate at {path}"),
            Supply::AuthorityFolder(path) => write!(f, "authorities' folder {path}"),
            Supply::Map { path, text, .. } => match text {
                Some(text) => write!(f, "map {path}, made from {text}"),
                None => write!(f, "empty map {path}"),
            },
            Supply::Aliases { path, text, .. } => match text {
                Some(text) => write!(f, "aliases at {path}, made from {text}"),
                None => write!(f, "empty aliases at {path}"),
            },
            Supply::User(name) => write!(f, "user {name}"),
            Supply::Mailer { name, path } => write!(
                f,
                "program {path} of mailer {name}, which takes every message"
            ),
            Supply::Port(port) => write!(f, "next hop on port {port}"),
            Supply::NoSuchZone(zone) => write!(f, "zone {zone}, in which no name exists"),
            Supply::Refused { what, path, why } => {
                write!(
                    f,
                    "not supplied: {what} \"{}\": {why}",
                    path.escape_default()
                )
            }
        }
    }
}

/// What a configuration needs, in the order in which it is made.
///
/// `site` has the names of the files beside the `.mc`, relative to its folder. They are laid into
/// `/etc/mail`, and a file that is named elsewhere is also looked for by its last word.
pub fn needed(cf: &Cf, site: &BTreeSet<String>) -> Vec<Supply> {
    let mut needs = Needs {
        site,
        supplies: BTreeSet::new(),
    };
    certificates(cf, &mut needs);
    maps(cf, &mut needs);
    files(cf, &mut needs);
    users(cf, &mut needs);
    mailers(cf, &mut needs);
    let zones = cf.rulesets().into_iter().flat_map(|ruleset| ruleset.rules);
    let zones = zones.filter_map(|rule| zone(&rule, &cf.maps()));
    needs.supplies.extend(zones.map(Supply::NoSuchZone));
    needs.supplies.into_iter().collect()
}

struct Needs<'a> {
    site: &'a BTreeSet<String>,
    supplies: BTreeSet<Supply>,
}

impl Needs<'_> {
    /// Supplies something at a path that may be supplied, and its folder.
    fn at(&mut self, what: &'static str, path: &str, supply: impl FnOnce(String) -> Supply) {
        if !paths::allowed(path) {
            let why = format!(
                "only absolute paths below {} are made",
                paths::ROOTS.join(", ")
            );
            self.refuse(what, path, &why);
            return;
        }
        let supply = supply(path.to_owned());
        if let Some((folder, _)) = path.rsplit_once('/')
            && !matches!(supply, Supply::Folder(_) | Supply::AuthorityFolder(_))
            && paths::allowed(folder)
            && !paths::ALWAYS_THERE.contains(&folder)
        {
            self.supplies.insert(Supply::Folder(folder.to_owned()));
        }
        if !matches!(&supply, Supply::Folder(folder) if paths::ALWAYS_THERE.contains(&folder.as_str()))
        {
            self.supplies.insert(supply);
        }
    }

    fn refuse(&mut self, what: &str, path: &str, why: &str) {
        self.supplies.insert(Supply::Refused {
            what: what.to_owned(),
            path: path.to_owned(),
            why: why.to_owned(),
        });
    }

    /// The site's file that belongs at a path.
    fn text(&self, path: &str) -> Option<String> {
        let below = path.strip_prefix("/etc/mail/").unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let mut names = [below, last].into_iter().filter(|name| !name.is_empty());
        names
            .find(|name| self.site.contains(*name))
            .map(str::to_owned)
    }
}

fn certificates(cf: &Cf, needs: &mut Needs<'_>) {
    let options: [(&str, &'static str, fn(String) -> Supply); 6] = [
        ("CACertPath", "authorities' folder", Supply::AuthorityFolder),
        ("CACertFile", "authority's certificate", Supply::Authority),
        ("ServerCertFile", "certificate", Supply::Certificate),
        ("ServerKeyFile", "private key", Supply::Key),
        ("ClientCertFile", "certificate", Supply::Certificate),
        ("ClientKeyFile", "private key", Supply::Key),
    ];
    for (option, what, supply) in options {
        let value = cf.option(option).unwrap_or_default();
        let value = if option == "CACertPath" {
            value.trim_end_matches('/')
        } else {
            value
        };
        // A second certificate, of another kind of key, stands after a comma.
        for path in value
            .split(',')
            .map(str::trim)
            .filter(|path| !path.is_empty())
        {
            needs.at(what, path, supply);
        }
    }
    for option in ["CRLFile", "CRLPath", "DHParameters"] {
        let path = cf.option(option).filter(|path| path.starts_with('/'));
        if let Some(path) = path.filter(|path| needs.text(path).is_none()) {
            needs.refuse(option, path, "put it beside the .mc if TLS depends on it");
        }
    }
}

fn maps(cf: &Cf, needs: &mut Needs<'_>) {
    for map in cf.maps() {
        if let Some(path) = map.file() {
            let text = needs.text(path);
            let class = map.class.to_ascii_lowercase();
            needs.at("map", path, |path| Supply::Map { class, path, text });
        } else if map.class.eq_ignore_ascii_case("program") {
            let path = map.argument.split(' ').next().unwrap_or_default();
            needs.refuse("program of a map", path, "what it answers is not known");
        }
    }
    for files in cf.options("AliasFile") {
        for file in files
            .split(',')
            .map(str::trim)
            .filter(|file| !file.is_empty())
        {
            let (class, path) = paths::aliases(file);
            if ["ldap", "nis", "nisplus", "null"].contains(&class) || path.is_empty() {
                continue;
            }
            let text = needs.text(path);
            let class = class.to_owned();
            needs.at("aliases", path, |path| Supply::Aliases {
                class,
                path,
                text,
            });
        }
    }
}

fn files(cf: &Cf, needs: &mut Needs<'_>) {
    for file in cf.class_files() {
        let made_otherwise = file.path.starts_with(['|', '@']) || file.path.contains('@');
        if file.optional
            || made_otherwise
            || needs.text(&file.path).is_some() && file.path.starts_with("/etc/mail/")
        {
            continue;
        }
        needs.at("file of a class", &file.path, Supply::File);
    }
    for option in [
        "HelpFile",
        "StatusFile",
        "PidFile",
        "ControlSocketName",
        "DeadLetterDrop",
    ] {
        let folder = cf.option(option).and_then(|path| path.rsplit_once('/'));
        if let Some((folder, _)) = folder.filter(|(folder, _)| !folder.is_empty()) {
            needs.at("folder", folder, Supply::Folder);
        }
    }
    let groups = cf.lines().iter().filter_map(|line| line.strip_prefix('Q'));
    let groups = groups.flat_map(|group| {
        group
            .split(',')
            .filter_map(|field| field.trim().strip_prefix("P="))
    });
    let folders = cf.option("QueueDirectory").into_iter().chain(groups);
    for folder in folders.chain(cf.option("HostStatusDirectory")) {
        if folder.starts_with('/') {
            needs.at("folder", &paths::queue(folder), Supply::Folder);
        }
    }
}

fn users(cf: &Cf, needs: &mut Needs<'_>) {
    for option in ["DefaultUser", "RunAsUser", "TrustedUser"] {
        let name = cf.option(option).unwrap_or_default();
        let name = name.split([':', '.']).next().unwrap_or_default().trim();
        if paths::user(name) && !paths::USERS.contains(&name) {
            needs.supplies.insert(Supply::User(name.to_owned()));
        }
    }
}

fn mailers(cf: &Cf, needs: &mut Needs<'_>) {
    for mailer in cf.mailers() {
        needs.supplies.extend(mailer.port().map(Supply::Port));
        let path = paths::program(&mailer.path);
        if path.starts_with('/') && !paths::PROGRAMS.contains(&path.as_str()) {
            let name = mailer
                .name
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c));
            let name: String = name.collect();
            needs.at("program of a mailer", &path, |path| Supply::Mailer {
                name,
                path,
            });
        }
    }
}

/// The zone that a rule asks by a `dns` map, as `FEATURE(dnsbl)` and its kin do.
fn zone(rule: &str, maps: &[Map]) -> Option<String> {
    let (_, call) = rule.split_once("$(")?;
    let mut words = call.split_whitespace();
    let name = words.next()?;
    maps.iter()
        .find(|map| map.name == name && map.class == "dns")?;
    let asked = words.next()?;
    // The address comes first, octet by octet, last to first; a list of domains has `$1` or so alone.
    let labels = asked
        .trim_end_matches('.')
        .split('.')
        .skip_while(|label| label.contains('$'));
    let zone = labels.collect::<Vec<_>>().join(".");
    let host = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (zone.contains('.') && zone.chars().all(host) && asked.starts_with('$')).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn lines(text: &str, site: &[&str]) -> Vec<String> {
        let site = site.iter().map(|name| (*name).to_owned()).collect();
        let needed = needed(&Cf::parse(text), &site);
        needed
            .iter()
            .map(|supply| supply.line().unwrap_or_else(|| supply.to_string()))
            .collect()
    }

    #[rstest]
    #[case("O ServerCertFile=/etc/mail/certs/host.cert", &["folder\t/etc/mail/certs", "certificate\t/etc/mail/certs/host.cert"])]
    #[case("O ServerKeyFile=/etc/mail/a.pem,/etc/mail/b.pem", &["key\t/etc/mail/a.pem", "key\t/etc/mail/b.pem"])]
    #[case("O CACertPath=/etc/ssl/certs/\nO CACertFile=/etc/mail/ca.pem", &["authority\t/etc/mail/ca.pem", "authority-folder\t/etc/ssl/certs"])]
    #[case("Kmailertable hash -o /etc/mail/mailertable", &["map\thash\t/etc/mail/mailertable"])]
    #[case("Kdequote dequote\nKarith arith\nKx ldap -k (a=%0)", &[])]
    #[case("Fw/etc/mail/local-host-names", &["file\t/etc/mail/local-host-names"])]
    #[case("FR-o /etc/mail/relay-domains", &[])]
    #[case("O AliasFile=/etc/mail/aliases,dbm:/usr/local/lists", &["folder\t/usr/local", "aliases\tdbm\t/usr/local/lists", "aliases\thash\t/etc/mail/aliases"])]
    #[case("O QueueDirectory=/var/spool/mqueue/q*", &["folder\t/var/spool/mqueue/q1"])]
    #[case("Qslow, P=/var/spool/slow, F=f, I=5m", &["folder\t/var/spool/slow"])]
    #[case("O DefaultUser=mailnull:mailnull\nO TrustedUser=smmta\nO RunAsUser=12:12", &["user\tmailnull"])]
    #[case("Mcyrus,\tP=/usr/sbin/cyrdeliver, F=lsD, A=cyrdeliver -m $u", &["mailer\tcyrus\t/usr/sbin/cyrdeliver"])]
    #[case("Mlocal, P=/usr/bin/procmail, F=lsD, A=procmail\nMprog, P=/bin/sh, A=sh", &[])]
    #[case("Mlocal, P=/bin/mail, F=lsD, A=mail -d $u", &["mailer\tlocal\t/usr/bin/mail"])]
    #[case("Mrelay, P=[IPC], F=m, A=TCP $h 587", &["next hop on port 587"])]
    fn it_is_read_from_the_cf(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(lines(text, &[]), expected);
    }

    #[rstest]
    #[case("O ServerCertFile=/etc/../root/x")]
    #[case("O ServerCertFile=certs/x.pem")]
    #[case("O ServerCertFile=/proc/1/x")]
    #[case("O ServerCertFile=/etcetera/x")]
    #[case("O ServerCertFile=/etc/ma\u{7}il/x")]
    #[case("O ServerCertFile=/etc/a\u{85}/x")]
    #[case("Kx hash /dev/x")]
    #[case("Fw/x")]
    #[case("Mx, P=/proc/x, A=x")]
    #[case("O QueueDirectory=/")]
    fn nothing_is_made_in_other_places(#[case] text: &str) {
        let lines = lines(text, &[]);
        assert!(
            lines.iter().all(|line| line.starts_with("not supplied")),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn a_map_is_made_from_the_text_beside_it() {
        let site = BTreeSet::from(["access".to_owned(), "tables/virt".to_owned()]);
        let cf = Cf::parse(
            "Kaccess hash /etc/mail/access\nKv hash /etc/mail/tables/virt\nKm hash /etc/mail/m\n",
        );
        let phrases: Vec<_> = needed(&cf, &site).iter().map(ToString::to_string).collect();
        assert_eq!(
            phrases,
            [
                "folder /etc/mail/tables",
                "map /etc/mail/access, made from access",
                "empty map /etc/mail/m",
                "map /etc/mail/tables/virt, made from tables/virt",
            ]
        );
    }

    #[test]
    fn lists_of_senders_are_zones() {
        let text = "Kdnsbl dns -R A -T<TMP>\nKresolve host -a<OKR>\nSBasic_check_relay\n\
            R$-.$-.$-.$-\t\t$: <?> $(dnsbl $4.$3.$2.$1.dnsbl.example.org. $: OK $)\n\
            R$*\t$: $(resolve $1.not.a.zone $)\nR$+\t$: <$(dnsbl $1.rhs.example.net. $: OK $)>\n";
        assert_eq!(
            lines(text, &[]),
            [
                "zone dnsbl.example.org, in which no name exists",
                "zone rhs.example.net, in which no name exists"
            ]
        );
    }
}
