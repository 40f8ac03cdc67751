//! `msaspec serve`: the reference server alone, until SIGINT or SIGTERM; the second one does not wait for
//! what is under way.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use msaspec_harness::target::embedded::HOST;
use msaspec_server::{Config, ListenerConfig, Server};
use tempfile::NamedTempFile;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, files, spool_folder, status};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration (TOML); every option here overrides it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen; /tls begins with TLS; without M= a listener has the modifier a
    /// (authentication required); repeatable [default: free ports of loopback, IPv4 and IPv6,
    /// one with STARTTLS and one with TLS each]
    #[arg(long, value_name = "ADDR:PORT[/tls][,M=MODIFIERS]")]
    listen: Vec<ListenerConfig>,
    /// An account; repeatable [default: alice:secret, where there is no configuration and every listener is
    /// loopback's]
    #[arg(long, value_name = "NAME:PASSWORD")]
    user: Vec<Account>,
    /// Where accepted mail goes [default: it stays in the spool]
    #[arg(long, value_name = "HOST:PORT")]
    next_hop: Option<String>,
    /// The server's name [default: submission.example, where there is no configuration]
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// Write the certificate of this start's authority here; there is none where the configuration
    /// has a certificate [default: a file of its own, removed at the end]
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
    /// How the log on the standard error is written; RUST_LOG says how much of it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub(super) log: LogForm,
    /// Where accepted mail is kept [default: $XDG_STATE_HOME/msaspec/spool or ~/.local/state/msaspec/spool]
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Keep accepted mail in memory only: what is not delivered at the end is lost; for tests and benchmarks
    #[arg(long, conflicts_with = "spool")]
    spool_in_memory: bool,
}

/// One line an event, for people or for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogForm {
    Text,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  msaspec serve                                   loopback, free ports, alice / secret
  msaspec serve --listen 127.0.0.1:5870 --listen [::1]:4650/tls --user bob:builder
  msaspec serve --config msaspec.toml --ca-out ca.pem

When the server is ready, one line of JSON on the standard output says where it listens and where
the certificate of its authority is (null where the configuration has a certificate). Relative
paths, those of a configuration too, begin at the working directory.

Exit status: 0 a signal ended it, 2 usage, or a server that cannot start, 130 or 143 a second
signal did not wait for what was under way.";

/// How long what blocks a thread may take then, such as a look at the name server.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// `NAME:PASSWORD`; the name has no colon. Taken apart by us, since clap would show a password that
/// has no name.
#[derive(Clone)]
struct Account(String);

impl From<String> for Account {
    fn from(text: String) -> Account {
        Account(text)
    }
}

impl Account {
    fn name_and_password(&self) -> Result<(String, String), Failure> {
        match self.0.split_once(':') {
            Some((name, password)) if !name.is_empty() && !password.is_empty() => {
                Ok((name.to_owned(), password.to_owned()))
            }
            _ => Err(Failure::Usage("--user: write NAME:PASSWORD".to_owned())),
        }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account")
    }
}

pub(super) fn serve(arguments: Arguments) -> Result<u8, Failure> {
    let ca_out = arguments.ca_out.clone();
    let config = arguments.config()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Usage(format!("the server does not start: {e}")))?;
    let ended = runtime.block_on(async {
        // Before anybody can be told that the server is ready.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let hostname = config.hostname.clone();
        let server = Server::start(config)
            .await
            .map_err(|e| Failure::Usage(format!("the server does not start: {e}")))?;
        let ca = match server.ca_pem() {
            "" => None,
            pem => Some(CaFile::write(pem, ca_out)?),
        };
        let ca = ca.as_ref().map(CaFile::path);
        let mut line = ready(&server, &hostname, ca).to_string();
        line.push('\n');
        let mut out = io::stdout();
        out.write_all(line.as_bytes())?;
        out.flush()?;
        let mut signals = async || {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            }
        };
        signals().await;
        tokio::select! {
            () = server.shutdown() => Ok(status::AS_EXPECTED),
            // As a shell reports a process that a signal has ended.
            signal = signals() => Ok(u8::try_from(128 + signal.as_raw_value()).unwrap_or(u8::MAX)),
        }
    });
    match ended {
        Ok(status::AS_EXPECTED) => runtime.shutdown_timeout(LAST_WORDS),
        _ => runtime.shutdown_background(),
    }
    ended
}

impl Arguments {
    fn config(self) -> Result<Config, Failure> {
        let accounts = self.user.iter().map(Account::name_and_password);
        let accounts: Vec<_> = accounts.collect::<Result<_, _>>()?;
        let mut config = match &self.config {
            Some(path) => {
                let text = files::read_text(path)?;
                let refuse = |e| Failure::Usage(format!("{}: {e}", path.display()));
                Config::from_toml(&text).map_err(refuse)?
            }
            None => {
                let spool = self.spool.clone().map_or_else(spool_folder::default, Ok)?;
                let mut config = Config::modern(HOST, spool);
                config.listeners = match self.listen.as_slice() {
                    [] => ListenerConfig::loopback(),
                    listeners => listeners.to_vec(),
                };
                let mut listeners = config.listeners.iter();
                let local = listeners.all(|listener| listener.address.ip().is_loopback());
                if accounts.is_empty() {
                    // Whoever reaches the server could relay with a password that everybody knows.
                    if !local {
                        let why =
                            "an account is needed where others can connect: --user NAME:PASSWORD";
                        return Err(Failure::Usage(why.to_owned()));
                    }
                    config.users.insert("alice".to_owned(), "secret".to_owned());
                }
                if local {
                    // Every client has one address, and tests fail to log in on purpose.
                    config.limits = config.limits.without_login_delays();
                }
                config
            }
        };
        if let Some(hostname) = self.hostname {
            config.hostname = hostname;
        }
        if let Some(spool) = self.spool {
            config.spool = Some(spool);
        }
        if self.spool_in_memory {
            config.spool = None;
        }
        if !self.listen.is_empty() {
            config.listeners = self.listen;
        }
        if self.ca_out.is_some() && config.certificate.is_some() {
            let why = "--ca-out: the configuration has a certificate, and no authority is made";
            return Err(Failure::Usage(why.to_owned()));
        }
        config.next_hop = self.next_hop.or(config.next_hop);
        config.users.extend(accounts);
        Ok(config)
    }
}

fn ready(server: &Server, hostname: &str, ca: Option<&Path>) -> serde_json::Value {
    let listeners: Vec<_> = server
        .listeners()
        .iter()
        .map(|bound| {
            serde_json::json!({
                "name": bound.name,
                "address": bound.address.to_string(),
                "tls": bound.implicit_tls,
                "modifiers": bound.modifiers.to_string(),
            })
        })
        .collect();
    serde_json::json!({ "listeners": listeners, "ca": ca, "hostname": hostname })
}

/// The certificate that clients have to trust.
enum CaFile {
    Named(PathBuf),
    UntilTheEnd(NamedTempFile),
}

impl CaFile {
    fn write(pem: &str, path: Option<PathBuf>) -> Result<CaFile, Failure> {
        let failed = |path: &Path, e: io::Error| {
            Failure::Usage(format!(
                "{}: the certificate cannot be written: {e}",
                path.display()
            ))
        };
        if let Some(path) = path {
            std::fs::write(&path, pem).map_err(|e| failed(&path, e))?;
            return Ok(CaFile::Named(path));
        }
        let file = tempfile::Builder::new()
            .prefix("msaspec-ca-")
            .suffix(".pem")
            .tempfile();
        let mut file = file.map_err(|e| failed(&std::env::temp_dir(), e))?;
        file.write_all(pem.as_bytes())
            .map_err(|e| failed(file.path(), e))?;
        Ok(CaFile::UntilTheEnd(file))
    }

    fn path(&self) -> &Path {
        match self {
            CaFile::Named(path) => path,
            CaFile::UntilTheEnd(file) => file.path(),
        }
    }
}
