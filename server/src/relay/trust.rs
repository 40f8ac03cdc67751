//! TLS towards the next hop: any certificate where TLS is a bonus, a good one where it is required.

use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::config::{ConfigError, Delivery};
use crate::tls::authorities;

/// The two ways to begin TLS.
pub(super) struct Trust {
    anybody: TlsConnector,
    /// The authorities that are configured; without them the system's, read when they are needed.
    configured: Option<RootCertStore>,
    verifying: OnceLock<TlsConnector>,
}

impl Trust {
    /// Reads the authorities that are configured.
    pub(super) fn new(delivery: &Delivery) -> Result<Self, ConfigError> {
        let path = delivery.ca_file.as_deref();
        let provider = Arc::new(ring::default_provider());
        let anybody = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(VERSIONS)
            .map_err(|error| ConfigError::Value {
                key: "delivery.tls",
                message: error.to_string(),
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth();
        Ok(Trust {
            anybody: Arc::new(anybody).into(),
            configured: path
                .map(|path| authorities("delivery.ca_file", path))
                .transpose()?,
            verifying: OnceLock::new(),
        })
    }

    /// Accepts every certificate (RFC 7435, section 3).
    pub(super) fn anybody(&self) -> &TlsConnector {
        &self.anybody
    }

    /// Accepts certificates that a trusted authority made for the host's name.
    pub(super) fn verifying(&self) -> Result<&TlsConnector, Error> {
        if let Some(connector) = self.verifying.get() {
            return Ok(connector);
        }
        let roots = self.configured.clone().unwrap_or_else(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        });
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(VERSIONS)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(self.verifying.get_or_init(|| Arc::new(config).into()))
    }
}

/// RFC 8996 ends the older ones.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// Looks at no certificate: an attacker on the way could as well have taken STARTTLS away.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
