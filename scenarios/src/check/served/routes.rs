//! Where sendmail sends the addresses that the tables of a site name.

use std::collections::BTreeSet;

use msaspec_harness::error::Error;

use super::Served;
use crate::check::{
    cf::{Cf, Mailer, Map},
    facts::{Area, Facts},
    site::Site,
    workshop::Workshop,
};

impl Served {
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

const MOST_ADDRESSES: usize = 200;
/// In another domain than any site's.
const ELSEWHERE: &str = "someone@far.example";
