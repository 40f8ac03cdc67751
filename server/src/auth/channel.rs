//! What the layers below an exchange know: where it runs, what TLS can bind it to, whose
//! certificate the client has shown.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use tokio_rustls::rustls::{ProtocolVersion, ServerConnection};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use super::Mechanism;

/// The connection of one client at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Channel {
    pub(super) place: Place,
    tls: bool,
    /// Whether passwords may cross a connection without TLS.
    clear_text_login: bool,
    pub(super) bindings: Bindings,
    /// The user of the client's certificate.
    pub(super) certificate: Option<String>,
}

/// What the server is called here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a -PLUS mechanism can be bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bindings {
    /// tls-exporter (RFC 9266).
    pub(super) exporter: Option<Vec<u8>>,
    /// tls-server-end-point (RFC 5929, section 4).
    pub(super) end_point: Option<Vec<u8>>,
    /// Whether a -PLUS mechanism is offered here, so that a client cannot rightly believe there
    /// is none.
    pub(super) offered: bool,
}

/// The label of RFC 9266, section 2.
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

impl Channel {
    /// A connection without TLS.
    pub(crate) fn clear(host: &str, port: u16, clear_text_login: bool) -> Self {
        Channel {
            place: Place {
                host: host.to_owned(),
                port,
            },
            clear_text_login,
            ..Channel::default()
        }
    }

    /// The same connection inside TLS; `end_point` is the digest of the server's certificate.
    ///
    /// Only TLS 1.3 is bound to: before it tls-unique would be owed as well (RFC 5929, section 3),
    /// which the TLS library does not tell, and a master secret may not be unique (RFC 9266,
    /// section 4.2).
    pub(crate) fn with_tls(self, tls: &ServerConnection, end_point: Option<&[u8]>) -> Self {
        let mut bindings = Bindings::default();
        if tls.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            bindings.exporter = tls.export_keying_material(vec![0; 32], EXPORTER, None).ok();
            bindings.end_point = end_point.map(<[u8]>::to_vec);
        }
        let certificate = tls.peer_certificates().and_then(<[_]>::first);
        Channel {
            tls: true,
            bindings,
            certificate: certificate.and_then(|certificate| user_of(certificate)),
            ..self
        }
    }

    /// The same connection for one exchange, which has to know whether `offered` has a twin that
    /// binds.
    pub(crate) fn among(mut self, mechanism: Mechanism, offered: &[Mechanism]) -> Self {
        self.bindings.offered = offered
            .iter()
            .any(|twin| twin.binds() && twin.need() == mechanism.need());
        self
    }

    /// Whether a mechanism can be used here.
    pub(crate) fn carries(&self, mechanism: Mechanism) -> bool {
        match mechanism {
            Mechanism::Plain | Mechanism::Login => self.tls || self.clear_text_login,
            // RFC 7628, section 3; a token in clear is a login for whoever reads it.
            Mechanism::OAuthBearer | Mechanism::XOAuth2 => self.tls,
            Mechanism::ScramSha1Plus | Mechanism::ScramSha256Plus => {
                self.bindings.exporter.is_some()
            }
            Mechanism::External => self.certificate.is_some(),
            Mechanism::CramMd5
            | Mechanism::DigestMd5
            | Mechanism::ScramSha1
            | Mechanism::ScramSha256
            | Mechanism::Anonymous => true,
        }
    }
}

impl Bindings {
    /// The data of a type of binding, if there is any here.
    pub(super) fn data(&self, name: &str) -> Option<&[u8]> {
        match name {
            "tls-exporter" => self.exporter.as_deref(),
            "tls-server-end-point" => self.end_point.as_deref(),
            _ => None,
        }
    }
}

/// The digest of a server's certificate for tls-server-end-point (RFC 5929, section 4.1): that of
/// its signature, but SHA-256 in place of MD5 and SHA-1; nothing where a signature has none.
pub(crate) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let digest = signature_digest(&parsed.signature_algorithm)?;
    Some(digest(certificate))
}

type DigestOf = fn(&[u8]) -> Vec<u8>;

/// The digest of a kind of signature, as it is used here.
fn signature_digest(algorithm: &AlgorithmIdentifier<'_>) -> Option<DigestOf> {
    let name = match algorithm.algorithm.to_id_string().as_str() {
        // RSASSA-PSS, whose hash is a parameter (RFC 4055, section 3.1).
        "1.2.840.113549.1.1.10" => {
            let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
            parameters.hash_algorithm_oid().to_id_string()
        }
        name => name.to_owned(),
    };
    match name.as_str() {
        // RSA with MD5, SHA-1 and SHA-256; ECDSA with SHA-1 and SHA-256; SHA-1 and SHA-256 of PSS.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2"
        | "1.3.14.3.2.26"
        | "2.16.840.1.101.3.4.2.1" => Some(digest::<Sha256>),
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" | "2.16.840.1.101.3.4.2.4" => {
            Some(digest::<Sha224>)
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => {
            Some(digest::<Sha384>)
        }
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => {
            Some(digest::<Sha512>)
        }
        _ => None,
    }
}

fn digest<D: Digest>(octets: &[u8]) -> Vec<u8> {
    D::digest(octets).to_vec()
}

/// The user of a certificate: the one common name of its subject. Two of them would be two users.
fn user_of(certificate: &[u8]) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let (name, None) = (names.next()?.as_str().ok()?, names.next()) else {
        return None;
    };
    (!name.is_empty() && !name.contains('\0')).then(|| name.to_owned())
}

#[cfg(test)]
impl Channel {
    /// A TLS connection with made-up bindings and a certificate.
    pub(super) fn bound(exporter: &[u8], end_point: &[u8], user: Option<&str>) -> Self {
        Channel {
            tls: true,
            bindings: Bindings {
                exporter: Some(exporter.to_vec()),
                end_point: Some(end_point.to_vec()),
                offered: true,
            },
            certificate: user.map(str::to_owned),
            ..Channel::clear("server.example.com", 587, false)
        }
    }
}

#[cfg(test)]
mod tests;
