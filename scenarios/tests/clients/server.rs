//! Our server in the modern profile with every mechanism that has a password, and the containers of its clients.

use std::{
    fs,
    sync::{Arc, OnceLock},
};

use libtest_mimic::Failed;
use msaspec_harness::{
    promises::Family,
    target::{
        Target,
        container::{Client, Options, Running},
    },
};
use tempfile::TempDir;
use toml::{Table, Value};

use crate::stage::{Stage, Told};

const MECHANISMS: [&str; 8] = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "DIGEST-MD5",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
];

/// The server, and beside it a container with mail programs for each family, once somebody needs it.
pub(crate) struct Server {
    clients: [OnceLock<Result<Client, String>>; 2],
    /// Its containers.
    pub(crate) stage: Arc<Stage>,
    _folder: TempDir,
}

impl Server {
    /// A server that nobody has started yet: the fixture as a user would change it.
    pub(crate) fn new() -> Result<Arc<Server>, Failed> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("msaspec");
        let fixture = msaspec_fixtures::server("msaspec").ok_or("no fixture")?;
        msaspec_fixtures::write_to(fixture, &path)?;
        let settings = path.join("target.toml");
        let changed = modern(fs::read_to_string(&settings)?.parse()?)?;
        fs::write(settings, changed.to_string())?;
        Ok(Arc::new(Server {
            clients: Default::default(),
            stage: Stage::new(path.to_string_lossy().into_owned().leak()),
            _folder: folder,
        }))
    }

    /// The server and the container whose programs reach it over this family only.
    pub(crate) fn with_client(
        &self,
        family: Family,
        story: impl FnOnce(&Running, &Client) -> Told,
    ) -> Told {
        self.stage.shared(|running| {
            let client = &self.clients[usize::from(family == Family::Inet6)];
            let client = client.get_or_init(|| {
                client_over(family, "clients", running).map_err(|e| format!("{e:?}"))
            });
            story(running, client.as_ref().map_err(String::as_str)?)
        })
    }
}

/// A container of this helper, in which the server's name has an address of this family only.
pub(crate) fn client_over(
    family: Family,
    helper: &str,
    running: &Running,
) -> Result<Client, Failed> {
    let target = &running.target;
    let mut listeners = target.listeners.iter();
    let listener = listeners.find(|listener| listener.family() == family);
    let address = listener.ok_or("no such listener")?.address.ip().to_string();
    let client = client(helper, running)?;
    // sendmail would go on to ask for an address of the other family.
    let script = "echo \"$0 $1\" >> /etc/hosts; echo hosts: files > /etc/nsswitch.conf";
    let output = client.exec(&["sh", "-c", script, &address, host(target)?])?;
    match output.status {
        0 => Ok(client),
        _ => Err(format!("{output:?}").into()),
    }
}

/// A container of this helper. Whoever has signed for the others is no authority for our server.
pub(crate) fn client(helper: &str, running: &Running) -> Result<Client, Failed> {
    let client = running.client_of(helper, &Options::default())?;
    client.put([(OTHER_CA, running.authority.ca_pem().as_bytes())])?;
    Ok(client)
}

/// The name that users configure.
pub(crate) fn host(target: &Target) -> Result<&str, Failed> {
    Ok(target.host.as_deref().ok_or("the target has no name")?)
}

/// Whom clients have to trust.
pub(crate) const CA: &str = "/msaspec/tls/ca.pem";
/// An authority that has not signed the server's certificate.
pub(crate) const OTHER_CA: &str = "/msaspec/tls/other.pem";

fn modern(mut settings: Table) -> Result<Table, Failed> {
    let mut section = |name: &str, key: &str, value: Value| {
        let table = settings.get_mut(name).and_then(Value::as_table_mut);
        table.map(|table| table.insert(key.to_owned(), value));
    };
    let environment = [
        ("MSASPEC_PROFILE", "modern".to_owned()),
        ("MSASPEC_MECHANISMS", MECHANISMS.join(" ")),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), Value::String(value)));
    section(
        "container",
        "environment",
        Table::from_iter(environment).into(),
    );
    section("promises", "mechanisms", MECHANISMS.to_vec().into());
    Ok(settings)
}
