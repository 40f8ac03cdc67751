//! Certificates for tests and containers: an authority that lives as long as the run.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

/// A certification authority with a fresh P-256 key (RFC 5280 section 3).
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// Whether the dates of a certificate include today (RFC 5280 section 4.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From yesterday for a year.
    Valid,
    /// It ended a year ago.
    Expired,
    /// It begins in a year.
    NotYetValid,
}

impl Authority {
    /// A new authority, unlike every other.
    pub fn new() -> Result<Authority, rcgen::Error> {
        let mut params = CertificateParams::default();
        let key = KeyPair::generate()?;
        // Of two authorities of one name OpenSSL would ask the wrong one about a signature.
        let name = format!("msaspec test authority {}", short_digest(&key));
        params.distinguished_name = common_name(&name);
        // Before and after everything that it issues, so that only the leaf's dates can be wrong.
        set_dates(&mut params, -4 * YEAR, 4 * YEAR);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Authority {
            certificate: params.self_signed(&key)?,
            issuer: Issuer::new(params, key),
        })
    }

    /// A server's certificate for DNS names and IP literals, the first of which is its subject.
    pub fn issue(&self, names: &[&str], kind: Kind) -> Result<Leaf, rcgen::Error> {
        let mut params = server(names, kind)?;
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf::new(&[&leaf, &self.certificate], &key))
    }

    /// The authority's own certificate in PEM.
    pub fn ca_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The authority's own certificate.
    pub fn ca_der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// A store that trusts this authority and no other.
    pub fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates([self.ca_der()]);
        Arc::new(roots)
    }
}

/// A server's certificate with its key.
pub struct Leaf {
    /// The certificate, then that of its authority, in PEM.
    pub certificate_pem: String,
    /// The key as PKCS #8 in PEM.
    pub key_pem: String,
    /// The certificate, then that of its authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key.
    pub key: PrivateKeyDer<'static>,
}

impl Leaf {
    /// A certificate that vouches for itself.
    pub fn self_signed(names: &[&str]) -> Result<Leaf, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = server(names, Kind::Valid)?.self_signed(&key)?;
        Ok(Leaf::new(&[&certificate], &key))
    }

    /// A server's side of TLS 1.2 and 1.3 with this certificate.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        Ok(Arc::new(config))
    }

    fn new(chain: &[&Certificate], key: &KeyPair) -> Leaf {
        Leaf {
            certificate_pem: chain.iter().map(|certificate| certificate.pem()).collect(),
            key_pem: key.serialize_pem(),
            chain: chain
                .iter()
                .map(|certificate| certificate.der().clone())
                .collect(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        }
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

fn server(names: &[&str], kind: Kind) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let subject = names.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = common_name(&subject);
    let (from, until) = match kind {
        Kind::Valid => (-1, YEAR),
        Kind::Expired => (-2 * YEAR, -YEAR),
        Kind::NotYetValid => (YEAR, 2 * YEAR),
    };
    set_dates(&mut params, from, until);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// At most 64 characters (RFC 5280 appendix A.1, ub-common-name); names are looked up in
/// subjectAltName anyway.
/// What tells a key from others: the beginning of its digest, in hexadecimal digits.
fn short_digest(key: &KeyPair) -> String {
    let digest = Sha256::digest(key.public_key_raw());
    let beginning = digest.iter().take(4);
    beginning.map(|octet| format!("{octet:02x}")).collect()
}

fn common_name(name: &str) -> DistinguishedName {
    let name: String = name.chars().take(64).collect();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

/// A span of whole days, counted from midnight UTC of today.
fn set_dates(params: &mut CertificateParams, from: i64, until: i64) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    // rcgen takes the type of a crate that it does not hand on, hence this way of writing it.
    let midnight = |days: i64| {
        let day = today.saturating_add(days.days());
        rcgen::date_time_ymd(
            day.year().into(),
            day.month().unsigned_abs(),
            day.day().unsigned_abs(),
        )
    };
    params.not_before = midnight(from);
    params.not_after = midnight(until);
}

const YEAR: i64 = 365;

#[cfg(test)]
mod tests {
    use x509_parser::prelude::*;

    use super::*;

    #[test]
    fn a_leaf_says_what_it_is_for_and_who_issued_it() {
        let authority = Authority::new().unwrap();
        let leaf = authority.issue(&["mx.example", "::1", "127.0.0.1"], Kind::Valid);
        let leaf = leaf.unwrap();
        let (_, certificate) = X509Certificate::from_der(&leaf.chain[0]).unwrap();
        let (_, issuer) = X509Certificate::from_der(&leaf.chain[1]).unwrap();

        assert_eq!(certificate.subject().to_string(), "CN=mx.example");
        assert_eq!(certificate.issuer(), issuer.subject());
        let name = issuer.subject().to_string();
        assert!(name.starts_with("CN=msaspec test authority "), "{name}");
        let other = Authority::new().unwrap().ca_der();
        let (_, other) = X509Certificate::from_der(&other).unwrap();
        assert_ne!(other.subject(), issuer.subject());
        assert!(issuer.is_ca() && !certificate.is_ca());
        assert!(certificate.validity().is_valid() && issuer.validity().is_valid());
        let usage = certificate.extended_key_usage().unwrap().unwrap();
        assert!(usage.value.server_auth);
        let usage = issuer.key_usage().unwrap().unwrap();
        assert!(usage.value.key_cert_sign());
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names.len(), 3);
        assert_eq!(
            names.value.general_names[0],
            GeneralName::DNSName("mx.example")
        );

        let subject_key =
            issuer
                .iter_extensions()
                .find_map(|extension| match extension.parsed_extension() {
                    ParsedExtension::SubjectKeyIdentifier(key) => Some(key.clone()),
                    _ => None,
                });
        let authority_key = certificate.iter_extensions().find_map(|extension| {
            match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(key) => key.key_identifier.clone(),
                _ => None,
            }
        });
        assert!(subject_key.is_some());
        assert_eq!(subject_key, authority_key);
    }

    #[test]
    fn dates_are_those_of_the_kind() {
        let authority = Authority::new().unwrap();
        for (kind, begun, ended) in [
            (Kind::Valid, true, false),
            (Kind::Expired, true, true),
            (Kind::NotYetValid, false, false),
        ] {
            let leaf = authority.issue(&["mx.example"], kind).unwrap();
            let (_, certificate) = X509Certificate::from_der(&leaf.chain[0]).unwrap();
            let validity = certificate.validity();
            assert_eq!(validity.not_before < ASN1Time::now(), begun, "{kind:?}");
            assert_eq!(validity.not_after < ASN1Time::now(), ended, "{kind:?}");
        }
    }

    #[test]
    fn authorities_differ_and_debug_output_has_no_key() {
        let authority = Authority::new().unwrap();
        assert_ne!(authority.ca_der(), Authority::new().unwrap().ca_der());
        let leaf = authority.issue(&["mx.example"], Kind::Valid).unwrap();
        assert!(leaf.key_pem.contains("PRIVATE KEY"));
        assert!(!format!("{leaf:?} {authority:?}").contains("PRIVATE KEY"));
    }
}
