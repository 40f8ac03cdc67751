//! A fresh certificate authority and server certificate at each start, and the TLS settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use crate::auth::{Mechanism, end_point};
use crate::config::{Config, ConfigError};

/// Why no certificate or no TLS settings could be made; ours to mend, not the user's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS settings: {0}")]
    Settings(#[from] rustls::Error),
    #[error("client certificates: {0}")]
    Authorities(#[from] VerifierBuilderError),
}

/// Years a certificate is good for; a server that runs longer has to be started again.
const VALIDITY_YEARS: i16 = 2;

/// What the listeners need for TLS, and what a client needs to trust them.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
    /// What tls-server-end-point binds to (RFC 5929, section 4).
    pub(crate) end_point: Option<Vec<u8>>,
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

impl Identity {
    /// An identity for a host name and for every address a client may have connected to. Clients
    /// are asked for a certificate of `authorities`, and need none.
    pub(crate) fn generate(
        hostname: &str,
        listening: &[IpAddr],
        authorities: Option<RootCertStore>,
    ) -> Result<Self, TlsError> {
        let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut ca = CertificateParams::new(Vec::<String>::new())?;
        ca.distinguished_name
            .push(DnType::CommonName, format!("msaspec CA of {hostname}"));
        let day = |date: Date| {
            let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
            date_time_ymd(date.year().into(), month, day)
        };
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        ca.not_before = day(today.saturating_sub(1.day()));
        ca.not_after = day(today.saturating_add(VALIDITY_YEARS.years()));
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut names = vec![hostname.to_owned(), "localhost".to_owned()];
        names.dedup();
        let mut leaf = CertificateParams::new(names)?;
        (leaf.not_before, leaf.not_after) = (ca.not_before, ca.not_after);
        leaf.distinguished_name.push(DnType::CommonName, hostname);
        leaf.subject_alt_names
            .extend(addresses(listening).into_iter().map(SanType::IpAddress));
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = match authorities {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(roots) => {
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                    .allow_unauthenticated()
                    .build()?
            }
        };
        let settings = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )?;
        Ok(Identity {
            acceptor: TlsAcceptor::from(Arc::new(settings)),
            ca_pem,
            end_point: end_point(leaf.der()),
        })
    }
}

/// Loopback, the concrete addresses listened on, and those of the host's interfaces, each once.
fn addresses(listening: &[IpAddr]) -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the interfaces' addresses are missing from the certificate");
        Vec::new()
    });
    let mut addresses: Vec<IpAddr> = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        .into_iter()
        .chain(
            listening
                .iter()
                .copied()
                .filter(|address| !address.is_unspecified()),
        )
        .chain(interfaces.iter().map(if_addrs::Interface::ip))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
