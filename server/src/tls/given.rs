//! The certificate and the key that the configuration names.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::{Config, ConfigError};

/// Octets of a file of certificates or of a key; real ones have some thousands.
const FILE_LIMIT: u64 = 1024 * 1024;

/// The chain and the key, if the configuration names both; they belong together.
pub(crate) fn given(
    config: &Config,
    provider: &CryptoProvider,
) -> Result<Option<CertifiedKey>, ConfigError> {
    let (chain_path, key_path) = match (&config.certificate, &config.key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => return Err(fault("certificate", NEEDS_KEY)),
        (None, Some(_)) => return Err(fault("key", NEEDS_CERTIFICATE)),
    };
    let wrong_chain = |reason: String| named("certificate", chain_path, &reason);
    let wrong_key = |reason: String| named("key", key_path, &reason);
    let chain = chain(chain_path).map_err(wrong_chain)?;
    let key = key(key_path).map_err(wrong_key)?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| wrong_key(format!("this kind of key cannot be used: {error}")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Some(certified)),
        Err(Error::InconsistentKeys(_)) => Err(wrong_key(format!(
            "does not belong to the first certificate in {}, which has to be the server's own",
            chain_path.display()
        ))),
        Err(error) => Err(wrong_chain(format!(
            "its first certificate cannot be used: {error}"
        ))),
    }
}

/// Says in the log what clients will take offence at. The server starts all the same: mail from
/// those who do not look is better than none, and it may be the clock that is wrong.
pub(super) fn warn(config: &Config, certified: &CertifiedKey) {
    let Some((path, leaf)) = config.certificate.as_ref().zip(certified.cert.first()) else {
        return;
    };
    for doubt in doubts(leaf, &config.hostname, Timestamp::now()) {
        tracing::warn!(certificate = %path.display(), "{doubt}");
    }
}

/// What is wrong with a certificate for this host at this time.
fn doubts(leaf: &CertificateDer<'_>, hostname: &str, now: Timestamp) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Ok((_, parsed)) = X509Certificate::from_der(leaf) {
        let validity = parsed.validity();
        if now.as_second() < validity.not_before.timestamp() {
            doubts.push(format!("not valid before {}", validity.not_before));
        }
        if now.as_second() > validity.not_after.timestamp() {
            doubts.push(format!("expired on {}; renew it", validity.not_after));
        }
    }
    let named = ServerName::try_from(hostname).is_ok_and(|name| {
        ParsedCertificate::try_from(leaf)
            .is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    });
    if !named {
        doubts.push(format!("not for {hostname}, which is hostname"));
    }
    doubts
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    match chain.is_empty() {
        true => Err(NO_CERTIFICATE.to_owned()),
        false => Ok(chain),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let octets = read(path)?;
    let mut keys = PrivateKeyDer::pem_slice_iter(&octets)
        .collect::<Result<Vec<_>, _>>()
        // Of a key nothing is shown, not even what is wrong with it.
        .map_err(|_| "not PEM".to_owned())?;
    match (keys.pop(), keys.len()) {
        (Some(key), 0) => Ok(key),
        (Some(_), _) => Err(SEVERAL_KEYS.to_owned()),
        (None, _) => Err(NO_KEY.to_owned()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut octets))
        .map_err(|error: io::Error| format!("cannot be read: {error}"))?;
    match octets.len() as u64 > FILE_LIMIT {
        true => Err("larger than 1 MiB; this is something else".to_owned()),
        false => Ok(octets),
    }
}

fn named(key: &'static str, path: &Path, reason: &str) -> ConfigError {
    fault(key, format!("{}: {reason}", path.display()))
}

fn fault(key: &'static str, message: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        key,
        message: message.into(),
    }
}

const NEEDS_KEY: &str = "needs key as well, the file of its private key";
const NEEDS_CERTIFICATE: &str = "needs certificate as well, the file of the chain it belongs to";
const NO_CERTIFICATE: &str =
    "no certificate in it; PEM is needed, the server's own first, then those it was signed by";
const NO_KEY: &str =
    "no private key in it; PEM is needed (PKCS #8, PKCS #1 or SEC1), without a passphrase";
const SEVERAL_KEYS: &str = "several private keys in it; leave the one of the certificate";

#[cfg(test)]
mod tests;
