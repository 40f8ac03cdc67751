//! What the container has to supply, so that a configuration starts as it does at the site.

mod paths;
mod supply;

use std::collections::BTreeSet;

use super::cf::{Cf, Map};
pub use supply::Supply;

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
    let maps = cf.maps();
    let zones = cf.rulesets().into_iter().flat_map(|ruleset| ruleset.rules);
    let zones = zones.filter_map(|rule| zone(&rule, &maps));
    needs.supplies.extend(zones.map(Supply::NoSuchZone));
    needs.supplies.into_iter().collect()
}

struct Needs<'a> {
    site: &'a BTreeSet<String>,
    supplies: BTreeSet<Supply>,
}

impl Needs<'_> {
    /// Supplies something at a path where something may be made. Its folder is made on the way.
    fn at(&mut self, what: &str, path: &str, supply: impl FnOnce(String) -> Supply) {
        if paths::allowed(path) {
            self.supplies.insert(supply(path.to_owned()));
            return;
        }
        let roots = paths::ROOTS.join(", ");
        self.refuse(
            what,
            path,
            &format!("only absolute paths below {roots} are made"),
        );
    }

    /// A second certificate, for another kind of key, stands after a comma.
    fn tls(&mut self, cf: &Cf, option: &str, what: &str, supply: fn(String) -> Supply) {
        for path in cf.option(option).unwrap_or_default().split(',') {
            let path = path.trim().trim_end_matches('/');
            if !path.is_empty() {
                self.at(what, path, supply);
            }
        }
    }

    fn folder(&mut self, path: &str, supply: impl FnOnce(String) -> Supply) {
        if !paths::ALWAYS_THERE.contains(&path) {
            self.at("folder", path, supply);
        }
    }

    /// Whether the site has the file of a path below its folder.
    fn has(&self, path: &str) -> bool {
        let name = path.strip_prefix(SITE);
        name.is_some_and(|name| self.site.contains(name))
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
        let below = path.strip_prefix(SITE).unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let mut names = [below, last].into_iter().filter(|name| !name.is_empty());
        names
            .find(|name| self.site.contains(*name))
            .map(str::to_owned)
    }
}

fn certificates(cf: &Cf, needs: &mut Needs<'_>) {
    needs.tls(
        cf,
        "CACertPath",
        "authorities' folder",
        Supply::AuthorityFolder,
    );
    needs.tls(
        cf,
        "CACertFile",
        "authority's certificate",
        Supply::Authority,
    );
    for (certificate, key) in [
        ("ServerCertFile", "ServerKeyFile"),
        ("ClientCertFile", "ClientKeyFile"),
    ] {
        needs.tls(cf, certificate, "certificate", Supply::Certificate);
        needs.tls(cf, key, "private key", Supply::Key);
    }
    for option in ["CRLFile", "CRLPath", "DHParameters"] {
        let path = cf.option(option).filter(|path| path.starts_with('/'));
        if let Some(path) = path.filter(|path| !needs.has(path)) {
            needs.refuse(option, path, "put it beside the .mc if TLS depends on it");
        }
    }
}

fn maps(cf: &Cf, needs: &mut Needs<'_>) {
    for map in cf.maps() {
        if map.class.eq_ignore_ascii_case("cdb") {
            needs.refuse("map", &map.argument, "this sendmail is built without cdb");
        } else if let Some(path) = map.file() {
            // Red Hat names the database, others the text.
            let name = path.strip_suffix(".db").unwrap_or(path);
            let text = needs.text(name);
            if text.is_none() && needs.has(&format!("{name}.db")) {
                continue;
            }
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
            let elsewhere = ["ldap", "nis", "nisplus", "null"].contains(&class);
            if !elsewhere && !path.is_empty() && !needs.has(path) {
                let text = needs.text(path);
                needs.at("aliases", path, |path| Supply::Aliases { path, text });
            }
        }
    }
}

fn files(cf: &Cf, needs: &mut Needs<'_>) {
    for file in cf.class_files() {
        let no_file = file.path.starts_with('|') || file.path.contains('@');
        let text = needs.text(&file.path);
        // Without its file an optional class stays empty, at the site as here.
        let wanted = !file.optional || text.is_some();
        if wanted && !no_file && !needs.has(&file.path) {
            needs.at("file of a class", &file.path, |path| Supply::File {
                path,
                text,
            });
        }
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
            needs.folder(folder, Supply::Folder);
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
            needs.folder(&paths::queue(folder), Supply::Queue);
        }
    }
}

fn users(cf: &Cf, needs: &mut Needs<'_>) {
    // The older way to write a group is with a point; other options take it for a part of the name.
    let options = [
        ("DefaultUser", &[':', '/', '.'][..]),
        ("RunAsUser", &[':', '/']),
        ("TrustedUser", &[]),
    ];
    let options = options.map(|(option, ends)| (cf.option(option).unwrap_or_default(), ends));
    let mailers = cf.mailers();
    let of_mailers = mailers.iter().flat_map(|mailer| mailer.line.split(','));
    let of_mailers = of_mailers.filter_map(|field| field.trim().strip_prefix("U="));
    let of_mailers = of_mailers.map(|user| (user, &[':', '/'][..]));
    for (name, ends) in options.into_iter().chain(of_mailers) {
        let mut names = name.split(ends).map(str::trim);
        let name = names.next().unwrap_or_default();
        if paths::user(name) && !paths::USERS.contains(&name) {
            let group = names.next().filter(|group| paths::user(group));
            let group = group.map(|group| format!(":{group}"));
            let user = format!("{name}{}", group.unwrap_or_default());
            needs.supplies.insert(Supply::User(user));
        }
    }
}

fn mailers(cf: &Cf, needs: &mut Needs<'_>) {
    let mut programs = BTreeSet::new();
    for mailer in cf.mailers() {
        needs.supplies.extend(mailer.port().map(Supply::Port));
        let path = paths::program(&mailer.path);
        let seen = programs.replace(path.clone()).is_some();
        if path.starts_with('/') && !seen && !paths::PROGRAMS.contains(&path.as_str()) {
            let word = |text: &str| -> String {
                let allowed = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
                text.chars().filter(allowed).take(40).collect()
            };
            let (name, flags) = (word(&mailer.name), word(&mailer.flags));
            needs.at("program of a mailer", &path, |path| Supply::Mailer {
                name,
                path,
                flags,
            });
        }
    }
}

/// The zone that a rule asks by a `dns` map, as `FEATURE(dnsbl)` and its kin do.
pub(super) fn zone(rule: &str, maps: &[Map]) -> Option<String> {
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

/// Where the files beside the `.mc` are laid.
const SITE: &str = "/etc/mail/";

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
    #[case("O ServerCertFile=/etc/mail/certs/host.cert", &[ "certificate\t/etc/mail/certs/host.cert"])]
    #[case("O ServerKeyFile=/etc/mail/a.pem,/etc/mail/b.pem", &["key\t/etc/mail/a.pem", "key\t/etc/mail/b.pem"])]
    #[case("O CACertPath=/etc/ssl/certs/\nO CACertFile=/etc/mail/ca.pem", &["authority\t/etc/mail/ca.pem", "authority-folder\t/etc/ssl/certs"])]
    #[case("Kmailertable hash -o /etc/mail/mailertable", &["map\thash\t/etc/mail/mailertable"])]
    #[case("Kdequote dequote\nKarith arith\nKx ldap -k (a=%0)", &[])]
    #[case("Fw/etc/mail/local-host-names", &["file\t/etc/mail/local-host-names"])]
    #[case("O DefaultUser=SERVER.SENDMAIL\nO TrustedUser=SERVER.SENDMAIL", &["user\tSERVER.SENDMAIL", "user\tSERVER:SENDMAIL"])]
    #[case("Mcyrus, P=/usr/bin/procmail, F=lsD, U=cyrus:mail, A=x", &["user\tcyrus:mail"])]
    #[case("Mcyrus, P=/usr/bin/procmail, F=lsD, U=12:mail, A=x", &[])]
    #[case("FR-o /etc/mail/relay-domains", &[])]
    #[case("O AliasFile=/etc/mail/aliases,dbm:/usr/local/lists", &[ "map\taliases\t/etc/mail/aliases", "map\taliases\t/usr/local/lists"])]
    #[case("O QueueDirectory=/var/spool/mqueue/q*", &["folder\t/var/spool/mqueue/q1\tqueue"])]
    #[case("Qslow, P=/var/spool/slow, F=f, I=5m", &["folder\t/var/spool/slow\tqueue"])]
    #[case("O DefaultUser=mailnull:mailnull\nO TrustedUser=smmta\nO RunAsUser=12:12", &["user\tmailnull:mailnull"])]
    #[case("Mcyrus,\tP=/usr/sbin/cyrdeliver, F=lsD, A=cyrdeliver -m $u", &["mailer\tcyrus\t/usr/sbin/cyrdeliver\tlsD"])]
    #[case("Mlocal, P=/usr/bin/procmail, F=lsD, A=procmail\nMprog, P=/bin/sh, A=sh", &[])]
    #[case("Mlocal, P=/bin/mail, F=lsD, A=mail -d $u", &["mailer\tlocal\t/usr/bin/mail\tlsD"])]
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
        let site = BTreeSet::from(["access", "tables/virt", "made.db"].map(str::to_owned));
        let cf = Cf::parse(
            "Kaccess hash /etc/mail/access\nKv hash /etc/mail/tables/virt\nKm hash /etc/mail/m\nKmade hash /etc/mail/made\nKa hash /usr/local/access\nKb hash -o /etc/mail/access.db\n",
        );
        let phrases: Vec<_> = needed(&cf, &site).iter().map(ToString::to_string).collect();
        assert_eq!(
            phrases,
            [
                "map /etc/mail/access, made from access",
                "map /etc/mail/access.db, made from access",
                "empty map /etc/mail/m",
                "map /etc/mail/tables/virt, made from tables/virt",
                "map /usr/local/access, made from access",
            ]
        );
    }

    #[test]
    fn what_is_configured_elsewhere_is_copied_from_beside_the_mc() {
        let site = BTreeSet::from(["aliases", "local-host-names", "relays"].map(str::to_owned));
        let cf = Cf::parse(
            "O AliasFile=/etc/aliases\nFw/etc/local-host-names\nFR-o /opt/mail/relays\nFt-o /opt/mail/trusted\n",
        );
        let phrases: Vec<_> = needed(&cf, &site).iter().map(ToString::to_string).collect();
        assert_eq!(
            phrases,
            [
                "file /etc/local-host-names, copied from local-host-names",
                "file /opt/mail/relays, copied from relays",
                "aliases at /etc/aliases, copied from aliases",
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
