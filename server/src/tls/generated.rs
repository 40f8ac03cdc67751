//! A fresh certificate authority and server certificate at each start.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rustls_pki_types::PrivateKeyDer;
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::sign::CertifiedKey;

use super::TlsError;

/// Years a certificate is good for; a server that runs longer has to be started again.
const VALIDITY_YEARS: i16 = 2;

/// A certificate for a host name and for every address a client may have connected to, and its
/// authority in PEM.
pub(super) fn generate(
    hostname: &str,
    listening: &[IpAddr],
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, String), TlsError> {
    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    // Of two authorities of one name OpenSSL would ask the wrong one about a signature.
    let name = format!("msaspec CA of {hostname} {}", short_digest(&ca_key));
    ca.distinguished_name.push(DnType::CommonName, name);
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
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let certified = CertifiedKey::from_der(vec![leaf.der().clone()], key, provider)?;
    Ok((certified, ca_pem))
}

/// What tells a key from others: the beginning of its digest, in hexadecimal digits.
fn short_digest(key: &KeyPair) -> String {
    let digest = Sha256::digest(key.public_key_raw());
    let beginning = digest.iter().take(4);
    beginning.map(|octet| format!("{octet:02x}")).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use x509_parser::prelude::{FromDer, X509Certificate};

    #[test]
    fn no_two_authorities_have_one_name() {
        let names = [0, 1].map(|_| {
            let made = generate("submission.example", &[], &default_provider());
            let (certified, pem) = made.unwrap();
            let ca = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            let (_, ca) = X509Certificate::from_der(&ca).unwrap();
            let (_, leaf) = X509Certificate::from_der(&certified.cert[0]).unwrap();
            assert_eq!(leaf.issuer(), ca.subject());
            ca.subject().to_string()
        });
        assert_ne!(names[0], names[1]);
        assert!(names[0].starts_with("CN=msaspec CA of submission.example "));
    }
}
