//! TLS on both sides of the proxy.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{
    authority::{Authority, Kind, Leaf},
    error::Error,
    lie::{Certificate, Lie},
};

/// Towards the client: a certificate for `host`, or the one that a lie asks for.
pub(super) fn acceptor(
    authority: &Authority,
    host: &str,
    lies: &[Lie],
) -> Result<TlsAcceptor, Error> {
    let names = [host, "localhost", "127.0.0.1", "::1"];
    let lie = lies.iter().find_map(|lie| match lie {
        Lie::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let leaf = match lie {
        None => authority.issue(&names, Kind::Valid),
        Some(Certificate::OtherName) => authority.issue(&["other.example"], Kind::Valid),
        Some(Certificate::Expired) => authority.issue(&names, Kind::Expired),
        Some(Certificate::SelfSigned) => Leaf::self_signed(&names),
    };
    let config = leaf
        .map_err(|e| Error::Certificates(e.to_string()))?
        .server_config();
    Ok(TlsAcceptor::from(
        config.map_err(|e| Error::Certificates(e.to_string()))?,
    ))
}

/// Towards the server: whatever certificate it has.
pub(super) fn connector() -> Result<TlsConnector, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Certificates(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A name for a handshake that verifies none.
pub(super) fn any_name() -> io::Result<ServerName<'static>> {
    ServerName::try_from("upstream.example").map_err(io::Error::other)
}

#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
