//! A next hop that knows STARTTLS, and in what ways.

#![allow(dead_code, reason = "not every test program needs all of it")]

use std::sync::{Arc, Mutex};

use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What the hop does about STARTTLS.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Hop {
    Encrypts,
    /// Offers REQUIRETLS inside TLS.
    Guards,
    /// Does not offer it.
    Plain,
    /// Sends replies behind 220 in clear, as an attacker would.
    Injects,
    /// Answers 454.
    Refuses,
    /// Answers 421.
    Closes,
    /// Says 220, and then no handshake can succeed.
    Garbles,
}

/// The lines that came, with a mark on those that came encrypted.
pub(crate) type Seen = Arc<Mutex<Vec<(bool, String)>>>;

/// Opens a hop at a free port: where it is, its certificate, and what it sees.
pub(crate) async fn open(hop: Hop) -> (String, String, Seen, JoinSet<()>) {
    open_at(hop, "127.0.0.1:0", "localhost").await
}

/// The same at an address, with a certificate for a name.
pub(crate) async fn open_at(
    hop: Hop,
    address: &str,
    name: &str,
) -> (String, String, Seen, JoinSet<()>) {
    let key = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
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
    let listener = TcpListener::bind(address).await.unwrap();
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
    (format!("{name}:{port}"), pem, seen, tasks)
}

/// How MAIL came: encrypted or not; nothing if it did not come.
pub(crate) fn mail(seen: &Seen) -> Option<bool> {
    let seen = seen.lock().unwrap();
    seen.iter()
        .find(|(_, line)| line.starts_with("MAIL"))
        .map(|(encrypted, _)| *encrypted)
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
            "STARTTLS" if hop == Hop::Closes => "421 4.3.2 closing",
            "STARTTLS" => return true,
            "DATA" => "354 go on",
            _ if hop == Hop::Plain && text.starts_with("EHLO") => "250 hop",
            _ if hop == Hop::Guards && encrypted && text.starts_with("EHLO") => {
                "250-hop\r\n250 REQUIRETLS"
            }
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
