//! TLS handshakes: begun and left, as large as they can be, one after the other without an end, and
//! begun again by those who have been through one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use msaspec_server::Server;
use rustls::version::TLS12;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedSender;
use tokio_rustls::TlsConnector;

use super::{Crowd, address, connect};

/// Clients of each kind.
const LARGE: usize = 400;
const LEFT: usize = 4;
const RENEWED: usize = 4;
/// Octets of a handshake message that is announced.
const ANNOUNCED: u16 = 0xF000;

/// All kinds of them.
pub(crate) fn crowd(server: &Server) -> Crowd {
    let tls = server.submissions().unwrap();
    let settings = settings(server);
    let mut crowd = Crowd::new(LARGE);
    for number in 0..LARGE {
        crowd.spawn(|in_place| large(tls, from(number), in_place));
    }
    for number in 0..LEFT {
        let hello = hello(settings.clone());
        crowd.spawn(|in_place| left(tls, from(number), hello, in_place));
    }
    for number in 0..RENEWED {
        let settings = settings.clone();
        crowd.spawn(|in_place| renewed(tls, from(number), settings, in_place));
    }
    crowd
}

fn from(number: usize) -> Ipv4Addr {
    address(3, number % 4)
}

fn settings(server: &Server) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(settings)
}

fn name() -> ServerName<'static> {
    ServerName::try_from("msa.example.org").unwrap()
}

/// A whole ClientHello.
fn hello(settings: Arc<ClientConfig>) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut connection = ClientConnection::new(settings, name()).unwrap();
    connection.write_tls(&mut octets).unwrap();
    octets
}

/// All of a large ClientHello but its last octets, in records of 4096.
async fn large(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut stream = connect(server, from).await;
    let [high, low] = ANNOUNCED.to_be_bytes();
    let mut message = vec![1, 0, high, low];
    message.resize(usize::from(ANNOUNCED), 0);
    for fragment in message.chunks(4096) {
        let [high, low] = u16::try_from(fragment.len()).unwrap().to_be_bytes();
        let record = [&[22, 3, 1, high, low], fragment].concat();
        stream.write_all(&record).await.unwrap();
    }
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}

/// Has the server answer, and goes.
async fn left(server: SocketAddr, from: Ipv4Addr, hello: Vec<u8>, in_place: UnboundedSender<()>) {
    let mut in_place = Some(in_place);
    loop {
        let mut stream = connect(server, from).await;
        stream.write_all(&hello).await.unwrap();
        let answered = stream.read(&mut [0; 64]).await;
        assert!(answered.is_ok_and(|octets| octets > 0));
        drop(in_place.take());
    }
}

/// Goes through a handshake and then begins another in the same connection.
async fn renewed(
    server: SocketAddr,
    from: Ipv4Addr,
    settings: Arc<ClientConfig>,
    in_place: UnboundedSender<()>,
) {
    let mut in_place = Some(in_place);
    let hello = hello(settings.clone());
    loop {
        let stream = connect(server, from).await;
        let connector = TlsConnector::from(settings.clone());
        let inside = connector.connect(name(), stream).await.unwrap();
        let (mut stream, _) = inside.into_inner();
        while stream.write_all(&hello).await.is_ok() {}
        drop(in_place.take());
    }
}
