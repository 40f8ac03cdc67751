//! What a target consists of: a network, the names in it, helpers, and the server itself.

use std::net::IpAddr;

use msaspec_fixtures::{User, users};

use super::{
    Options,
    context::Context,
    image::{self, Image},
    last_words,
    member::{Member, Recipe},
    network::{Addresses, Network},
    settings::Settings,
};
use crate::{
    authority::{Authority, Kind},
    error::Error,
    next_hop::NextHop,
};

/// Everything that was started for a target. It is removed when this is dropped: the containers with
/// their volumes in the order of the fields, and the network last.
pub(super) struct Containers {
    pub(super) server: Member,
    pub(super) helpers: Vec<(String, Member)>,
    pub(super) names: Member,
    pub(super) network: Network,
    /// The name server.
    pub(super) resolver: IpAddr,
    /// The server.
    pub(super) addresses: Addresses,
}

impl Containers {
    /// Starts everything, in this order: names and forwarder, helpers, the server, its name.
    pub(super) fn start(
        image: &Image,
        settings: &Settings,
        authority: &Authority,
        network: Network,
        next_hop: &NextHop,
        options: &Options,
    ) -> Result<Containers, Error> {
        let names = start_names(&network, next_hop, options)?;
        let resolver = IpAddr::V4(network.addresses(names.id())?.inet);
        let recipe = |hostname: &str| -> Result<Recipe, Error> {
            Ok(Recipe {
                hostname: Some(hostname.to_owned()),
                environment: vec![("MSASPEC_HOST".to_owned(), settings.host.clone())],
                files: files(settings, authority)?,
                dns: Some(resolver),
                ..Recipe::default()
            })
        };
        let mut helpers = Vec::new();
        for role in &settings.container.helpers {
            let image = helper_image(role, options)?;
            let helper = Member::start(role, &image, &network, recipe(role)?)?;
            helper.wait_for(&format!("{role}: ready"), options)?;
            helpers.push((role.clone(), helper));
        }
        let mut recipe = recipe(settings.hostname())?;
        recipe.sysctls = settings.container.sysctls.clone();
        recipe
            .environment
            .extend(settings.container.environment.clone());
        recipe.command = settings.container.command.clone();
        recipe.limits = settings.container.limits;
        let volumes = helpers.iter().map(|(_, helper)| helper.id().to_owned());
        recipe.volumes_from = volumes.collect();
        let server = Member::start("server", image, &network, recipe)?;
        server.check(options)?;
        // One that has just ended has no addresses any more: then its last words say more.
        let addresses = network.addresses(server.id());
        let addresses = addresses.or_else(|e| server.check(options).and(Err(e)))?;
        publish(&names, &settings.host, addresses)?;
        Ok(Containers {
            server,
            helpers,
            names,
            network,
            resolver,
            addresses,
        })
    }
}

/// From now on the name leads to these addresses.
pub(super) fn publish(names: &Member, host: &str, addresses: Addresses) -> Result<(), Error> {
    let (inet, inet6) = (addresses.inet.to_string(), addresses.inet6.to_string());
    done(names, &["publish", host, &inet, &inet6])
}

/// The image of a helper: always the copy in this program, which fits to it.
pub(super) fn helper_image(role: &str, options: &Options) -> Result<Image, Error> {
    let folder = msaspec_fixtures::helper(role)
        .ok_or_else(|| Error::Target(format!("there is no helper {role}")))?;
    image::build(role, &Context::of_embedded(folder), options)
}

/// Name server and forwarder, which leads to the next hop; whether it can is tried at once.
fn start_names(network: &Network, next_hop: &NextHop, options: &Options) -> Result<Member, Error> {
    let recipe = Recipe {
        hostname: Some("ns.test".to_owned()),
        environment: vec![(
            "MSASPEC_NEXT_HOP".to_owned(),
            next_hop.address().to_string(),
        )],
        ..Recipe::default()
    };
    let names = Member::start("names", &helper_image("names", options)?, network, recipe)?;
    names.wait_for("names: ready", options)?;
    done(&names, &["check-hop"])?;
    Ok(names)
}

fn done(member: &Member, command: &[&str]) -> Result<(), Error> {
    let output = member.exec(command)?;
    if output.status == 0 {
        return Ok(());
    }
    let said = [output.stderr.trim(), output.stdout.trim()].join(" ");
    Err(Error::Target(last_words::hide(said.trim())))
}

/// What every server and helper finds beneath `/msaspec`.
fn files(settings: &Settings, authority: &Authority) -> Result<Vec<(String, Vec<u8>, u32)>, Error> {
    let mut names = vec![settings.host.as_str()];
    names.extend(Some(settings.hostname()).filter(|name| *name != settings.host));
    let leaf = authority
        .issue(&names, Kind::Valid)
        .map_err(|e| Error::Certificates(e.to_string()))?;
    let line = |user: User| format!("{}:{}\n", user.name, user.password);
    let files = [
        ("tls/ca.pem", authority.ca_pem(), 0o644),
        ("tls/certificate.pem", leaf.certificate_pem, 0o644),
        ("tls/key.pem", leaf.key_pem, 0o600),
        ("users", users().into_iter().map(line).collect(), 0o644),
    ];
    let files = files.map(|(name, text, mode)| (format!("/msaspec/{name}"), text.into(), mode));
    let mut files = Vec::from(files);
    // Where the server is to write its own, ours would be taken for it.
    files.retain(|(path, _, _)| Some(path) != settings.container.ca.as_ref());
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::container::Source;

    #[test]
    fn a_server_that_writes_its_own_authority_does_not_find_ours() {
        let authority = Authority::new().unwrap();
        let paths = |name| {
            let settings = Settings::of(&Source::Embedded(name)).unwrap();
            let files = files(&settings, &authority).unwrap().into_iter();
            files
                .map(|(path, _, mode)| (path, mode))
                .collect::<Vec<_>>()
        };
        let ca = ("/msaspec/tls/ca.pem".to_owned(), 0o644);
        assert!(paths("sendmail").contains(&ca) && !paths("msaspec").contains(&ca));
        assert!(paths("msaspec").contains(&("/msaspec/tls/key.pem".to_owned(), 0o600)));
    }
}
