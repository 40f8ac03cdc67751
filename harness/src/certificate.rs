//! A server's certificate, judged without breaking off the handshake.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate};

/// What a handshake showed of the server's certificate. The texts of the errors contain names
/// and dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whether it leads to a trust anchor, with valid dates all the way (RFC 5280 section 6).
    pub chain: Result<(), String>,
    /// Whether it names the server that was wanted (RFC 6125 section 6).
    pub name: Result<(), String>,
    /// The certificate itself in DER.
    pub end_entity: Vec<u8>,
    /// The dNSNames of its subjectAltName, in their order (RFC 5280 section 4.2.1.6).
    pub dns_names: Vec<String>,
}

impl Verification {
    /// Whether credentials may be sent to this server.
    pub fn is_trusted(&self) -> bool {
        self.chain.is_ok() && self.name.is_ok()
    }
}

/// A verifier that lets every certificate pass and records what is wrong with it. That the
/// server holds the certificate's key is still demanded.
#[derive(Debug)]
pub struct RecordingVerifier {
    roots: Arc<RootCertStore>,
    name: ServerName<'static>,
    algorithms: WebPkiSupportedAlgorithms,
    verification: Mutex<Option<Verification>>,
}

impl RecordingVerifier {
    /// A verifier for one connection to the server that is called `name`, whatever name the
    /// handshake asks for.
    pub fn new(roots: Arc<RootCertStore>, name: ServerName<'static>) -> RecordingVerifier {
        RecordingVerifier {
            roots,
            name,
            algorithms: ring::default_provider().signature_verification_algorithms,
            verification: Mutex::default(),
        }
    }

    /// The result; none until the server's certificate has come.
    pub fn verification(&self) -> Option<Verification> {
        self.verification
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Verification {
        let parsed = ParsedCertificate::try_from(end_entity);
        let chain = match &parsed {
            _ if self.roots.is_empty() => Err("no trust anchor was given".to_owned()),
            Err(error) => Err(error.to_string()),
            Ok(parsed) => verify_server_cert_signed_by_trust_anchor(
                parsed,
                &self.roots,
                intermediates,
                now,
                self.algorithms.all,
            )
            .or_else(|error| self.self_signed(end_entity, now, &error)),
        };
        let name = parsed
            .and_then(|parsed| verify_server_name(&parsed, &self.name))
            .map_err(|error| error.to_string());
        Verification {
            chain,
            name,
            end_entity: end_entity.to_vec(),
            dns_names: dns_names(end_entity),
        }
    }

    /// A certificate that is a trust anchor itself needs nobody to sign it: its dates remain. That is
    /// how the users of a self-signed certificate trust it.
    fn self_signed(
        &self,
        end_entity: &CertificateDer<'_>,
        now: UnixTime,
        error: &Error,
    ) -> Result<(), String> {
        let Ok(certificate) = lenient(end_entity) else {
            return Err(error.to_string());
        };
        if certificate.subject() != certificate.issuer() {
            return Err(error.to_string());
        }
        let mut own = RootCertStore::empty();
        let added = own.add(end_entity.clone().into_owned()).is_ok();
        if !added || !own.roots.iter().all(|own| self.roots.roots.contains(own)) {
            return Err("it is self-signed, and is not trusted itself".to_owned());
        }
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        match ASN1Time::from_timestamp(seconds) {
            Ok(now) if certificate.validity().is_valid_at(now) => Ok(()),
            _ => Err(
                "it is self-signed and trusted, and its dates are over or still to come".to_owned(),
            ),
        }
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _asked_for: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verification = self.verify(end_entity, intermediates, now);
        *self
            .verification
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(verification);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if ParsedCertificate::try_from(certificate).is_ok() {
            return verify_tls12_signature(message, certificate, signed, &self.algorithms);
        }
        let certificate = lenient(certificate)?;
        let key = &certificate.public_key().subject_public_key.data;
        let schemes = self.algorithms.mapping.iter();
        let valid = schemes
            .filter(|(scheme, _)| *scheme == signed.scheme)
            .flat_map(|(_, algorithms)| algorithms.iter())
            .any(|algorithm| {
                let verified = algorithm.verify_signature(key, message, signed.signature());
                verified.is_ok()
            });
        match valid {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if ParsedCertificate::try_from(certificate).is_ok() {
            return verify_tls13_signature(message, certificate, signed, &self.algorithms);
        }
        let certificate = lenient(certificate)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A client's side of TLS 1.2 and 1.3 for one connection: no ALPN, nothing resumed, so that
/// every handshake shows a certificate.
pub fn client_config(verifier: Arc<RecordingVerifier>) -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Reads a certificate that webpki does not, such as one of version 1, for the sake of its key.
fn lenient<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    match X509Certificate::from_der(certificate) {
        Ok((_, certificate)) => Ok(certificate),
        Err(_) => Err(CertificateError::BadEncoding.into()),
    }
}

fn dns_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(certificate) = lenient(certificate) else {
        return Vec::new();
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = names.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
