//! TLS of the listeners: their settings, and the certificate that clients are shown.

mod generated;
mod given;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use crate::auth::{Mechanism, end_point};
use crate::config::{Config, ConfigError};
use crate::server::StartError;

pub(crate) use given::given;

/// Why no certificate or no TLS settings could be made; ours to mend, not the user's.
#[derive(Debug, thiserror::Error)]
enum TlsError {
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS settings: {0}")]
    Settings(#[from] rustls::Error),
    #[error("client certificates: {0}")]
    Authorities(#[from] VerifierBuilderError),
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        StartError::Tls(error.to_string())
    }
}

/// What the listeners need for TLS, and what a client needs to trust them.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority that was made for this start; empty where the certificate was given.
    pub(crate) ca_pem: String,
    /// What tls-server-end-point binds to (RFC 5929, section 4).
    pub(crate) end_point: Option<Vec<u8>>,
}

impl Identity {
    /// The identity that the configuration names, or a fresh one.
    pub(crate) fn new(config: &Config, listening: &[IpAddr]) -> Result<Self, StartError> {
        let provider = Arc::new(default_provider());
        let (certified, ca_pem) = match given(config, &provider)? {
            Some(certified) => {
                given::warn(config, &certified);
                (certified, String::new())
            }
            None => generated::generate(&config.hostname, listening, &provider)?,
        };
        let end_point = certified.cert.first().and_then(|leaf| end_point(leaf));
        let settings = settings(certified, client_authorities(config)?, provider)?;
        Ok(Identity {
            acceptor: TlsAcceptor::from(Arc::new(settings)),
            ca_pem,
            end_point,
        })
    }
}

/// The authorities of client certificates, if EXTERNAL is offered: nobody is asked for what no
/// mechanism would look at. An authority that cannot be read is
/// an error: leaving it out would lock somebody out without a word.
pub(crate) fn client_authorities(config: &Config) -> Result<Option<RootCertStore>, ConfigError> {
    let offered = config.mechanisms.contains(&Mechanism::External);
    let Some(path) = config.client_ca.as_ref().filter(|_| offered) else {
        return Ok(None);
    };
    authorities("client_ca", path).map(Some)
}

/// The authorities of a PEM file, which the key of the configuration names.
pub(crate) fn authorities(key: &'static str, path: &Path) -> Result<RootCertStore, ConfigError> {
    let fault = |reason: String| ConfigError::Value {
        key,
        message: format!("{}: {reason}", path.display()),
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fault(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|error| fault(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(fault("no certificate".to_owned()));
    }
    Ok(roots)
}

/// Clients are asked for a certificate of `authorities`, and need none.
fn settings(
    certified: CertifiedKey,
    authorities: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, TlsError> {
    let verifier = match authorities {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(roots) => {
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .allow_unauthenticated()
                .build()?
        }
    };
    Ok(ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified))))
}
