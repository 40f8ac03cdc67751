//! The limit of new sessions: whole TLS handshakes, both sides on the same cores and without a network, and
//! the exchange of SCRAM-SHA-256 on the client's side.

use std::{
    io::{self, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use msaspec_harness::{
    authority::{Authority, Kind},
    mechanism::{
        Credentials, Exchange,
        scram::{Hash, KeyCache, Scram},
    },
};
use rustls::{
    ClientConfig, ClientConnection, ServerConfig, ServerConnection, client::Resumption,
    crypto::ring,
};
use rustls_pki_types::ServerName;

/// How long each is measured.
const TIME: Duration = Duration::from_secs(2);
const NAME: &str = "submission.example";

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` and the like only want to know whether this builds.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let threads = thread::available_parallelism()?.get();
    let authority = Authority::new()?;
    let server = authority.issue(&[NAME], Kind::Valid)?.server_config()?;
    let mut client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    client.resumption = Resumption::disabled();
    let client = Arc::new(client);
    let handshakes = rate(threads, || handshake(&client, &server))?;
    let keys = KeyCache::default();
    let logins = rate(threads, || exchange(&KeyCache::default()))?;
    let kept = rate(threads, || exchange(&keys))?;
    let mut out = io::stdout().lock();
    for (what, rate) in [
        ("TLS 1.3 handshakes, client and server", handshakes),
        ("SCRAM-SHA-256, client, keys derived", logins),
        ("SCRAM-SHA-256, client, keys kept", kept),
    ] {
        writeln!(out, "{what:<40}{rate:>10.0} a second, {threads} threads")?;
    }
    Ok(())
}

/// How often a second, on so many threads.
fn rate(threads: usize, once: impl Fn() -> Result<(), Failure> + Sync) -> Result<f64, Failure> {
    let count = || -> Result<f64, Failure> {
        let (clock, mut count) = (Instant::now(), 0_u32);
        while clock.elapsed() < TIME {
            once()?;
            count += 1;
        }
        Ok(f64::from(count) / clock.elapsed().as_secs_f64())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        let rates = threads.into_iter().map(|thread| match thread.join() {
            Ok(rate) => rate,
            Err(_) => Err("a thread ended early".into()),
        });
        rates.sum()
    })
}

fn handshake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<(), Failure> {
    let mut client = ClientConnection::new(client.clone(), ServerName::try_from(NAME)?)?;
    let mut server = ServerConnection::new(server.clone())?;
    let mut wire = Vec::new();
    while client.is_handshaking() || server.is_handshaking() {
        wire.clear();
        client.write_tls(&mut wire)?;
        let mut octets = wire.as_slice();
        while !octets.is_empty() {
            server.read_tls(&mut octets)?;
            server.process_new_packets()?;
        }
        wire.clear();
        server.write_tls(&mut wire)?;
        let mut octets = wire.as_slice();
        while !octets.is_empty() {
            client.read_tls(&mut octets)?;
            client.process_new_packets()?;
        }
    }
    Ok(())
}

fn exchange(keys: &KeyCache) -> Result<(), Failure> {
    let credentials = Credentials::new("user", "pencil");
    let scram = Scram::new(Hash::Sha256, &credentials).nonce("rOprNGfwEbeRWgbNEkqO");
    let mut scram = scram.cache(keys.clone());
    scram.initial().ok_or("no first message")?;
    let salt = "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let challenge = format!("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj,{salt}");
    scram.respond(challenge.as_bytes())?;
    Ok(())
}
