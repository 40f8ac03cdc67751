//! A client inside TLS that speaks line by line.

use std::sync::Arc;

use msaspec_server::Server;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct TlsClient(BufReader<TlsStream<TcpStream>>);

impl TlsClient {
    /// Connects to the first listener with TLS and reads the greeting; certificate and key are in DER.
    pub(crate) async fn connect(
        server: &Server,
        version: &'static SupportedProtocolVersion,
        certificate: Option<(Vec<u8>, Vec<u8>)>,
    ) -> std::io::Result<Self> {
        TlsClient::trusting(server.ca_pem(), server, version, certificate).await
    }

    /// The same, but this authority, in PEM, is trusted.
    pub(crate) async fn trusting(
        authority: &str,
        server: &Server,
        version: &'static SupportedProtocolVersion,
        certificate: Option<(Vec<u8>, Vec<u8>)>,
    ) -> std::io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let settings = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let settings = match certificate {
            None => settings.with_no_client_auth(),
            Some((certificate, key)) => settings
                .with_client_auth_cert(
                    vec![CertificateDer::from(certificate)],
                    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)),
                )
                .unwrap(),
        };
        let stream = TcpStream::connect(server.submissions().unwrap()).await?;
        let name = ServerName::try_from("msa.example.org").unwrap();
        let connector = TlsConnector::from(Arc::new(settings));
        let mut client = TlsClient(BufReader::new(connector.connect(name, stream).await?));
        client.reply().await?;
        Ok(client)
    }

    /// Sends a line and returns the whole reply, its lines joined by spaces.
    pub(crate) async fn say(&mut self, line: &str) -> String {
        self.say_octets(line.as_bytes()).await
    }

    pub(crate) async fn say_octets(&mut self, line: &[u8]) -> String {
        let line = [line, b"\r\n"].concat();
        self.0.write_all(&line).await.unwrap();
        self.0.flush().await.unwrap();
        self.reply().await.unwrap()
    }

    pub(crate) fn exporter(&self, label: &[u8]) -> Vec<u8> {
        let (_, tls) = self.0.get_ref().get_ref();
        tls.export_keying_material(vec![0; 32], label, Some(b""))
            .unwrap()
    }

    pub(crate) fn server_certificate(&self) -> Vec<u8> {
        let (_, tls) = self.0.get_ref().get_ref();
        tls.peer_certificates().unwrap()[0].to_vec()
    }

    pub(crate) async fn reply(&mut self) -> std::io::Result<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            lines.push(line.trim_end_matches(['\r', '\n']).to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(lines.join(" "));
            }
        }
    }
}
