//! `msaspec load`: how many messages a second a server takes, and how long it takes for each.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, value_parser};
use msaspec::load::{self, Document, Idle, IdleDocument, Login, Order, Sessions, Tls, Until};
use msaspec_harness::{
    certificate::{RecordingVerifier, client_config},
    mechanism::{Credentials, Mechanism},
    target::{
        Target,
        remote::{Place, Remote, Trust},
    },
};
use rustls::{
    ClientConfig,
    client::{Resumption, WebPkiServerVerifier},
    crypto::ring,
};
use rustls_pki_types::ServerName;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{
    Failure,
    reader::Reader,
    remote,
    reports::{Format, Reports},
    status,
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// smtp://HOST[:PORT] in clear text, smtp+starttls://HOST[:PORT], or smtps://HOST[:PORT]
    #[arg(value_name = "TARGET")]
    target: String,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// End after so many messages, or sessions, whether or not they fail [default: 1000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=100_000_000))]
    messages: Option<u64>,
    /// End after this time
    #[arg(long, value_name = "S", conflicts_with = "messages", value_parser = value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// Octets of a message
    #[arg(long, value_name = "OCTETS", default_value_t = 4096, value_parser = size)]
    size: usize,
    /// Open a new connection for every message; nothing of TLS is resumed
    #[arg(long)]
    new: bool,
    /// Send nothing: open a connection, log in where an account is given, say goodbye, again and
    /// again; nothing of TLS is resumed
    #[arg(long, conflicts_with = "new")]
    sessions: bool,
    /// Send nothing: open so many connections, log in where an account is given, and hold them for
    /// --seconds or until a signal; a line tells when all are open
    #[arg(long, value_name = "N", conflicts_with_all = ["messages", "new", "sessions"], value_parser = value_parser!(u16).range(1..))]
    idle: Option<u16>,
    /// An account; without :PASSWORD that comes from --password-file or $MSASPEC_PASSWORD
    #[arg(long, value_name = "NAME[:PASSWORD]")]
    user: Option<String>,
    #[command(flatten)]
    access: remote::Access,
    /// Go on although the certificate does not verify
    #[arg(long)]
    insecure: bool,
    /// How to log in
    #[arg(long, value_name = "NAME", default_value_t = Mechanism::Plain, requires = "user")]
    mechanism: Mechanism,
    /// The envelope sender [default: the account, or msaspec, at the target's host, or at its address
    /// where the host is a single word such as localhost]
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// The envelope recipient
    #[arg(long, value_name = "ADDRESS", default_value = "load@msaspec.invalid")]
    to: String,
    /// The longest wait for one reply
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = value_parser!(u16).range(1..=3600))]
    timeout: u16,
    /// Load a server that is not on this machine: it can be harmed, and so can whoever gets its mail
    #[arg(long)]
    yes_this_is_my_server: bool,
    /// Everything, as a JSON document; "-" is standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  msaspec load smtp://127.0.0.1:2525 --connections 20 --seconds 10 --to sink@example.net
  msaspec load smtps://127.0.0.1:4650 --new --user alice:secret --mechanism SCRAM-SHA-256 --ca ca.pem
  msaspec load smtps://127.0.0.1:4650 --idle 5000 --ca ca.pem

The mail goes wherever the server sends it: point its next hop at something that discards it.
Every message has the subject \"msaspec load\".

Exit status: 0 every message or session was accepted, 1 some were not, 2 usage or an unreadable file,
3 nothing could be measured, 130 or 143 a signal ended it.";

/// Puts the load on, and returns the exit status.
pub(super) fn load(arguments: &Arguments) -> Result<u8, Failure> {
    let reports = Reports::open(&[(Format::Json, arguments.json.as_deref())])?;
    let mut reader = Reader::beside(&reports);
    let order = arguments.order()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (status, json) = runtime.block_on(async {
        let (signalled, mut stop) = listen()?;
        let order = match order {
            Ok((order, others)) => tokio::select! {
                rehearsed = rehearse(order, &others) => rehearsed,
                _ = stop.wait_for(|stop| *stop) => Err("nothing was sent before the signal".to_owned()),
            },
            Err(why) => Err(why),
        };
        let interrupted = || u8::try_from(128 + *signalled.borrow()).ok().filter(|s| *s != 128);
        match order {
            Err(why) => {
                reader.tell(|out| writeln!(out, "{}: {why}", arguments.target));
                let status = interrupted().unwrap_or(status::NOT_JUDGED);
                Ok((status, serde_json::json!({ "format": 1, "target": arguments.target, "unmeasured": why })))
            }
            Ok(order) => match arguments.idle {
                None => send(arguments, order, stop, &interrupted, &mut reader).await,
                Some(count) => hold(arguments, order, count, stop, &interrupted, &mut reader).await,
            },
        }
    })?;
    // Whoever does not answer any more is not waited for.
    runtime.shutdown_background();
    let written = reports.write(|_| serde_json::to_string_pretty(&json).map_err(|e| e.to_string()));
    reader.finish()?;
    written.map(|()| status)
}

type Outcome = Result<(u8, serde_json::Value), Failure>;

async fn send(
    arguments: &Arguments,
    order: Order,
    stop: watch::Receiver<bool>,
    interrupted: &dyn Fn() -> Option<u8>,
    reader: &mut Reader,
) -> Outcome {
    let document = Document::new(&arguments.target, &order);
    let measured = load::run(order, stop).await;
    let measured = measured.map_err(|error| Failure::Usage(error.to_string()))?;
    let signal = interrupted();
    let document = document.measured(&measured, signal.is_some());
    reader.tell(|out| load::write_table(out, &document, &measured));
    let status = match (measured.accepted, measured.failed()) {
        (0, _) => status::NOT_JUDGED,
        (_, 0) => status::AS_EXPECTED,
        _ => status::DEVIATES,
    };
    Ok((signal.unwrap_or(status), json(&document)?))
}

async fn hold(
    arguments: &Arguments,
    order: Order,
    count: u16,
    stop: watch::Receiver<bool>,
    interrupted: &dyn Fn() -> Option<u8>,
    reader: &mut Reader,
) -> Outcome {
    let count = usize::from(count);
    let document = IdleDocument::new(&arguments.target, &order, count);
    let time = Duration::from_secs(arguments.seconds.map_or(u64::from(u32::MAX), u64::from));
    let told = |idle: &Idle| {
        reader.tell(|out| writeln!(out, "{} connections are open", idle.opened));
    };
    let idle = load::idle(order, count, time, stop, told).await;
    let document = document.fared(&idle);
    reader.tell(|out| load::write_idle(out, &document));
    let status = match (idle.opened, idle.opened == count && idle.ended == 0) {
        (0, _) => status::NOT_JUDGED,
        (_, true) => status::AS_EXPECTED,
        _ => status::DEVIATES,
    };
    Ok((interrupted().unwrap_or(status), json(&document)?))
}

fn json(document: &impl serde::Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(document).map_err(|error| Failure::Usage(error.to_string()))
}

/// The number of the signal that came, and whether one has.
fn listen() -> io::Result<(watch::Receiver<i32>, watch::Receiver<bool>)> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (number, signalled) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let kind = tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
        };
        number.send_replace(kind.as_raw_value());
        stop.send_replace(true);
        // The receivers are told as long as the senders live.
        stop.closed().await;
    });
    Ok((signalled, stopped))
}

/// Opens one connection at the first of the host's addresses that answers.
async fn rehearse(mut order: Order, others: &[SocketAddr]) -> Result<Order, String> {
    let mut others = others.iter();
    loop {
        match (order.rehearse().await, others.next()) {
            (Ok(()), _) => return Ok(order),
            (Err(load::Trouble::Connect(_)), Some(other)) => order.address = *other,
            (Err(trouble), _) => {
                return Err(match trouble.words() {
                    Some(words) => format!("{trouble}: {words}"),
                    None => trouble.to_string(),
                });
            }
        }
    }
}

/// What is to be done, and the other addresses of the host; or why it cannot be.
type Ordered = Result<(Order, Vec<SocketAddr>), String>;

impl Arguments {
    fn order(&self) -> Result<Ordered, Failure> {
        let (place, tls) = place(&self.target)?;
        let login = self.login(tls)?;
        let remote = Remote {
            account: login.as_ref().map(|(account, _)| account.clone()),
            from: remote::mailbox("--from", self.from.as_ref())?,
            trust: match self.access.trust()? {
                None if tls == Tls::Never || self.insecure => Some(Arc::new(Trust::empty())),
                trust => trust,
            },
            server_name: self.access.server_name()?,
            ..Remote::default()
        };
        let to = remote::mailbox("--to", Some(&self.to))?;
        let target = match place.target(remote) {
            Ok(target) => target,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut addresses = target.listeners.iter().map(|listener| listener.address);
        if !self.yes_this_is_my_server {
            load::only_loopback(addresses.clone().map(|address| address.ip()))
                .map_err(remote::usage)?;
        }
        let (Some(address), Some(listener)) = (addresses.next(), target.listeners.first()) else {
            return Ok(Err("the host has no address".to_owned()));
        };
        let server_name = target.server_name(listener);
        let order = Order {
            address,
            tls,
            tls_config: self.tls_config(&target, &server_name)?,
            server_name,
            login: login.map(|(account, mechanism)| Login::new(account, mechanism)),
            sender: target.envelope.sender.clone(),
            recipient: to.unwrap_or_default(),
            connections: self.connections.into(),
            until: match self.seconds {
                Some(seconds) => Until::Elapsed(Duration::from_secs(seconds.into())),
                None => Until::Messages(self.messages.unwrap_or(1000)),
            },
            size: self.size,
            sessions: match (self.new, self.sessions) {
                (_, true) => Sessions::WithoutMail,
                (true, false) => Sessions::New,
                (false, false) => Sessions::Reused,
            },
            timeout: Duration::from_secs(self.timeout.into()),
        };
        Ok(Ok((order, addresses.collect())))
    }

    fn login(&self, tls: Tls) -> Result<Option<(Credentials, Mechanism)>, Failure> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        if tls == Tls::Never && self.mechanism.is_plaintext() && !self.access.allow_clear_login {
            return Err(Failure::Usage(format!(
                "{} sends the password in clear text here: give --allow-clear-login, or begin TLS \
                 with smtp+starttls:// or smtps://",
                self.mechanism
            )));
        }
        let account = match user.split_once(':') {
            Some((name, password)) if self.access.password_file.is_none() => {
                if name.is_empty() || password.is_empty() {
                    return Err(Failure::Usage("--user: write NAME:PASSWORD".to_owned()));
                }
                Credentials::new(name, password)
            }
            _ => self.access.account(user)?,
        };
        Ok(Some((account, self.mechanism)))
    }

    fn tls_config(
        &self,
        target: &Target,
        name: &ServerName<'static>,
    ) -> Result<Arc<ClientConfig>, Failure> {
        if self.insecure || target.trust.is_empty() {
            let verifier = RecordingVerifier::new(target.trust.clone(), name.clone());
            return client_config(Arc::new(verifier)).map_err(remote::usage);
        }
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(target.trust.clone(), provider.clone())
                .build()
                .map_err(remote::usage)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(remote::usage)?
            .with_webpki_verifier(verifier)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

/// Where, and when TLS begins.
fn place(target: &str) -> Result<(Place, Tls), Failure> {
    let (text, starttls) = match target.split_once("://") {
        Some(("smtp+starttls", rest)) => (format!("smtp://{rest}"), true),
        Some(("smtp" | "smtps", _)) => (target.to_owned(), false),
        _ => {
            let why = "the target's scheme is not spoken here: write smtp://HOST, \
                       smtp+starttls://HOST or smtps://HOST";
            return Err(Failure::Usage(why.to_owned()));
        }
    };
    let place: Place = text.parse().map_err(Failure::Usage)?;
    let tls = match (place.implicit_tls, starttls) {
        (true, _) => Tls::Implicit,
        (false, true) => Tls::StartTls,
        (false, false) => Tls::Never,
    };
    Ok((place, tls))
}

fn size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| load::SIZES.contains(size));
    let (least, most) = load::SIZES.into_inner();
    size.ok_or_else(|| format!("a number from {least} to {most} is needed"))
}
