//! Mail over TLS to a next hop: where it is offered, where it fails, and where it is required.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use msaspec_server::spool::Queue;
use msaspec_server::{Config, HopTls, Server};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use client::submit;

/// What the hop does about STARTTLS.
#[derive(Clone, Copy, PartialEq)]
enum Hop {
    Encrypts,
    /// Sends replies behind 220 in clear, as an attacker would.
    Injects,
    /// Answers 454.
    Refuses,
    /// Says 220, and then no handshake can succeed.
    Garbles,
}

/// The lines that came, with a mark on those that came encrypted.
type Seen = Arc<Mutex<Vec<(bool, String)>>>;

async fn open(hop: Hop) -> (String, String, Seen, JoinSet<()>) {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = key.cert.pem();
    let settings = ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(
        vec![key.cert.der().clone()],
        PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into()),
    )
    .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let lines = seen.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut sessions = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            sessions.spawn(session(stream, hop, acceptor.clone(), lines.clone()));
        }
    });
    (format!("localhost:{port}"), pem, seen, tasks)
}

async fn session(stream: TcpStream, hop: Hop, acceptor: TlsAcceptor, seen: Seen) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 hop\r\n").await.unwrap();
    if !dialogue(&mut stream, false, hop, &seen).await {
        return;
    }
    let reply: &[u8] = match hop {
        Hop::Injects => b"220 go\r\n250-injected\r\n250 SIZE 1\r\n",
        _ => b"220 go\r\n",
    };
    stream.write_all(reply).await.unwrap();
    if hop == Hop::Garbles {
        let _ = stream.write_all(b"what?\r\n").await;
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
        let came = |word: &str| rest.windows(4).any(|octets| octets == word.as_bytes());
        if let Some(word) = ["MAIL", "EHLO", "QUIT"].into_iter().find(|word| came(word)) {
            let fault = format!("{word} after a failed handshake");
            seen.lock().unwrap().push((false, fault));
        }
        return;
    }
    if let Ok(stream) = acceptor.accept(stream.into_inner()).await {
        dialogue(&mut BufReader::new(stream), true, hop, &seen).await;
    }
}

/// Whether it ended in STARTTLS.
async fn dialogue<S>(stream: &mut BufReader<S>, encrypted: bool, hop: Hop, seen: &Seen) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut content = false;
    let mut line = String::new();
    loop {
        line.clear();
        if !stream
            .read_line(&mut line)
            .await
            .is_ok_and(|length| length > 0)
        {
            return false;
        }
        let text = line.trim_end();
        if content && text != "." {
            continue;
        }
        content = text == "DATA";
        seen.lock().unwrap().push((encrypted, text.to_owned()));
        let reply = match text {
            "STARTTLS" if hop == Hop::Refuses => "454 4.7.0 not now",
            "STARTTLS" => return true,
            "DATA" => "354 go on",
            // Offered inside TLS too, where nobody is to take it.
            _ if text.starts_with("EHLO") => "250-hop\r\n250 STARTTLS",
            _ => "250 2.0.0 yes",
        };
        let reply = format!("{reply}\r\n");
        if stream.write_all(reply.as_bytes()).await.is_err() {
            return false;
        }
        let _ = stream.flush().await;
    }
}

fn config(spool: &Path, hop: String, tls: HopTls) -> Config {
    let mut config = Config::origin("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0,M=a".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.next_hop = Some(hop);
    config.retry_seconds = 0.1;
    config.delivery.tls = tls;
    config
}

/// Submits a message and waits until it was tried, or has gone. Whether it has gone.
async fn delivered(config: Config, spool: &Path) -> bool {
    let server = Server::start(config).await.unwrap();
    submit(&server, &["b@example.com"]).await;
    let queue = Queue::open(spool).unwrap();
    let tried = async {
        loop {
            match queue.list().unwrap().first() {
                None => return true,
                Some(entry) if entry.recipients[0].attempts > 0 => return false,
                Some(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(20), tried)
        .await
        .unwrap();
    server.shutdown().await;
    gone
}

/// How MAIL came: encrypted or not; nothing if it did not come.
fn mail(seen: &Seen) -> Option<bool> {
    let seen = seen.lock().unwrap();
    seen.iter()
        .find(|(_, line)| line.starts_with("MAIL"))
        .map(|(encrypted, _)| *encrypted)
}

#[rstest::rstest]
#[case(Hop::Encrypts, HopTls::Opportunistic, Some(true))]
#[case(Hop::Encrypts, HopTls::None, Some(false))]
#[case(Hop::Encrypts, HopTls::Required, Some(true))]
#[case(Hop::Injects, HopTls::Opportunistic, Some(true))]
#[case(Hop::Refuses, HopTls::Opportunistic, Some(false))]
#[case(Hop::Refuses, HopTls::Required, None)]
#[case(Hop::Garbles, HopTls::Opportunistic, Some(false))]
#[case(Hop::Garbles, HopTls::Required, None)]
#[tokio::test]
async fn mail_goes_as_it_may(
    #[case] hop: Hop,
    #[case] tls: HopTls,
    #[case] expected: Option<bool>,
) {
    let folder = tempfile::tempdir().unwrap();
    let (address, pem, seen, _tasks) = open(hop).await;
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let spool = folder.path().join("spool");
    let mut config = config(&spool, address, tls);
    config.delivery.ca_file = Some(ca_file);
    assert_eq!(delivered(config, &spool).await, expected.is_some());
    assert_eq!(mail(&seen), expected);
    let seen = seen.lock().unwrap();
    assert!(
        !seen.iter().any(|(_, line)| line.contains("handshake")),
        "{seen:?}"
    );
    let inside: Vec<_> = seen.iter().filter(|(encrypted, _)| *encrypted).collect();
    if expected == Some(true) {
        assert!(inside[0].1.starts_with("EHLO "), "{seen:?}");
        assert!(inside.iter().all(|(_, line)| line != "STARTTLS"));
        // SIZE was offered by the attacker alone.
        assert!(
            inside.iter().all(|(_, line)| !line.contains("SIZE=")),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn where_tls_is_required_a_stranger_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _, seen, _tasks) = open(Hop::Encrypts).await;
    let (_, other, _, _others) = open(Hop::Encrypts).await;
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, other).unwrap();
    let spool = folder.path().join("spool");
    let mut config = config(&spool, address, HopTls::Opportunistic);
    config.delivery.ca_file = Some(ca_file);
    let tls_for = &mut config.delivery.tls_for;
    tls_for.insert("LocalHost".to_owned(), HopTls::Required);
    assert!(!delivered(config, &spool).await);
    assert_eq!(mail(&seen), None);
}
