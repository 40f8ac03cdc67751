//! What the user says about a running server, and what may be done to it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;
use msaspec_harness::{
    mechanism::Credentials,
    next_hop::NextHop,
    target::remote::{self, Remote},
};

use super::{Failure, files};

/// Options for `smtp://` and `smtps://` targets.
#[derive(Debug, Default, Args)]
#[group(id = "remote")]
#[command(next_help_heading = "For smtp:// and smtps:// targets")]
pub(super) struct Arguments {
    /// An account of the target; its password comes from --password-file or $MSASPEC_PASSWORD
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    access: Access,
    /// Send credentials although the certificate does not verify
    #[arg(long)]
    insecure: bool,
    /// The envelope sender; belongs to the account [default: the account at the target's host, or at
    /// its address where the host is a single word such as localhost]
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// The envelope recipient; without it nothing is sent beyond RCPT
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// The server has no reason to trust our address: ask what strangers must not do
    #[arg(long)]
    untrusted: bool,
    /// What the server promises (TOML: listeners, starttls, tls_required,
    /// authentication_required, mechanisms, extensions, retries_within); promised and absent is a failure
    #[arg(long, value_name = "FILE")]
    promise: Option<PathBuf>,
    /// Listen here: the target relays to this address what it accepts for the domains of --from and --to
    #[arg(long, value_name = "ADDR:PORT")]
    next_hop: Option<SocketAddr>,
    /// Allow what could disturb a server in use, such as more than 3 failed logins
    #[arg(long)]
    strain: bool,
}

/// What gives access to a server, and means the same to every command that speaks to one.
#[derive(Debug, Default, Args)]
#[group(id = "access")]
pub(super) struct Access {
    /// The file that holds the password; one line end behind it is not part of it
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(super) password_file: Option<PathBuf>,
    /// Send credentials in clear text too
    #[arg(long)]
    pub(super) allow_clear_login: bool,
    /// Trust the authorities in this PEM file instead of those of the system
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Verify and send this name instead of the target's host
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

impl Arguments {
    /// Reads the files, and listens for the next hop.
    pub(super) fn read(&self) -> Result<Remote, Failure> {
        Ok(Remote {
            account: self.account()?,
            from: mailbox("--from", self.from.as_ref())?,
            to: mailbox("--to", self.to.as_ref())?,
            trust: self.access.trust()?,
            insecure: self.insecure,
            clear_login: self.access.allow_clear_login,
            server_name: self.access.server_name()?,
            untrusted: self.untrusted,
            promises: match &self.promise {
                Some(path) => files::read_toml(path)?,
                None => Default::default(),
            },
            strain: self.strain,
            next_hop: match self.next_hop {
                Some(address) => Some(NextHop::listen(address).map_err(usage)?),
                None => None,
            },
        })
    }

    /// An option that would be ignored where no target is remote; those that only allow something
    /// are not counted, since other targets allow it anyway.
    pub(super) fn without_use(&self) -> Option<&'static str> {
        let options = [
            ("--user", self.user.is_some()),
            ("--from", self.from.is_some()),
            ("--to", self.to.is_some()),
            ("--ca", self.access.ca.is_some()),
            ("--server-name", self.access.server_name.is_some()),
            ("--promise", self.promise.is_some()),
            ("--next-hop", self.next_hop.is_some()),
        ];
        let given = options.into_iter().find(|(_, given)| *given);
        given.map(|(option, _)| option)
    }

    fn account(&self) -> Result<Option<Credentials>, Failure> {
        let account = self.user.as_ref().map(|user| self.access.account(user));
        account.transpose()
    }
}

impl Access {
    /// A user, with the password from the file or from the environment.
    pub(super) fn account(&self, user: &str) -> Result<Credentials, Failure> {
        if user.is_empty() || user.contains(char::is_control) {
            return refuse("--user: a name without control characters is needed");
        }
        let (password, source) = match &self.password_file {
            Some(path) => (files::read_password(path)?, path.display().to_string()),
            None => match std::env::var(PASSWORD) {
                Ok(text) => {
                    let source = format!("${PASSWORD}");
                    (files::password(&text, &source)?, source)
                }
                Err(_) => {
                    return refuse(
                        "--user needs a password: give --password-file FILE or set $MSASPEC_PASSWORD",
                    );
                }
            },
        };
        let mut named = password.strip_prefix(user).unwrap_or_default().chars();
        if named.next() == Some(':') {
            tracing::warn!(
                "{source}: the password begins with \"{user}:\"; the file has to hold it without the name"
            );
        }
        Ok(Credentials::new(user, &password))
    }

    /// The authorities to trust, unless they are those of the system.
    pub(super) fn trust(&self) -> Result<Option<Arc<remote::Trust>>, Failure> {
        let Some(path) = &self.ca else {
            return Ok(None);
        };
        let pem = files::read(path)?;
        let refuse = |why| Failure::Usage(format!("{}: {why}", path.display()));
        remote::trust(&pem)
            .map(|trust| Some(Arc::new(trust)))
            .map_err(refuse)
    }

    /// The name to verify, unless it is the target's.
    pub(super) fn server_name(&self) -> Result<Option<String>, Failure> {
        match &self.server_name {
            Some(name) if !msaspec_harness::transcript::is_host(name) => {
                refuse(&format!("--server-name {name:?} is no host name"))
            }
            name => Ok(name.clone()),
        }
    }
}

/// An address that can stand between angle brackets as it is.
pub(super) fn mailbox(option: &str, address: Option<&String>) -> Result<Option<String>, Failure> {
    let Some(address) = address else {
        return Ok(None);
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>');
    match address.rsplit_once('@') {
        Some((local, domain))
            if !local.is_empty() && !domain.is_empty() && !address.contains(odd) =>
        {
            Ok(Some(address.clone()))
        }
        _ => refuse(&format!(
            "{option} {address:?} is no mail address: write it as NAME@DOMAIN"
        )),
    }
}

fn refuse<T>(why: &str) -> Result<T, Failure> {
    Err(Failure::Usage(why.to_owned()))
}

/// What the user has to change, in one sentence.
pub(super) fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(error.to_string())
}

const PASSWORD: &str = "MSASPEC_PASSWORD";
