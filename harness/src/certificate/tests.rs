//! Handshakes on loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyPair};
use rstest::rstest;
use rustls::{ClientConnection, ServerConfig, ServerConnection, Stream, SupportedProtocolVersion};
use rustls_pki_types::PrivatePkcs8KeyDer;

use super::*;
use crate::authority::{Authority, Kind, Leaf};

/// What a handshake on loopback records, after an octet was exchanged through it.
fn handshake(
    server: Arc<ServerConfig>,
    roots: &Arc<RootCertStore>,
    name: &str,
) -> Result<Verification, std::io::Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let served = thread::spawn(move || -> std::io::Result<()> {
        let (mut socket, _) = listener.accept()?;
        let mut tls = ServerConnection::new(server).unwrap();
        Stream::new(&mut tls, &mut socket).write_all(b"!")
    });
    let name = ServerName::try_from(name).unwrap().to_owned();
    let verifier = Arc::new(RecordingVerifier::new(Arc::clone(roots), name.clone()));
    let config = client_config(Arc::clone(&verifier)).unwrap();
    let mut tls = ClientConnection::new(config, name).unwrap();
    let mut socket = TcpStream::connect(address)?;
    let read = Stream::new(&mut tls, &mut socket).read_exact(&mut [0]);
    drop(socket);
    read?;
    served.join().unwrap()?;
    Ok(verifier.verification().unwrap())
}

fn verify(leaf: &Leaf, roots: &Arc<RootCertStore>, name: &str) -> Verification {
    handshake(leaf.server_config().unwrap(), roots, name).unwrap()
}

#[rstest]
#[case("mx.example")]
#[case("MX.Example")]
#[case("127.0.0.1")]
#[case("::1")]
fn right(#[case] name: &str) {
    let authority = Authority::new().unwrap();
    let names = ["mx.example", "smtp.example", "127.0.0.1", "::1"];
    let leaf = authority.issue(&names, Kind::Valid).unwrap();
    let verification = verify(&leaf, &authority.roots(), name);
    assert_eq!(verification.chain, Ok(()));
    assert_eq!(verification.name, Ok(()));
    assert_eq!(verification.dns_names, ["mx.example", "smtp.example"]);
    assert_eq!(verification.end_entity, leaf.chain[0].as_ref());
    assert!(verification.is_trusted());
}

#[rstest]
#[case(Kind::Expired, "expired")]
#[case(Kind::NotYetValid, "not valid yet")]
fn wrong_dates(#[case] kind: Kind, #[case] part: &str) {
    let authority = Authority::new().unwrap();
    let leaf = authority.issue(&["mx.example"], kind).unwrap();
    let verification = verify(&leaf, &authority.roots(), "mx.example");
    let error = verification.chain.unwrap_err();
    assert!(error.contains(part), "{error}");
    assert_eq!(verification.name, Ok(()));
}

#[test]
fn unknown_authority() {
    let authority = Authority::new().unwrap();
    let roots = authority.roots();
    let stranger = Authority::new().unwrap();
    for leaf in [
        stranger.issue(&["mx.example"], Kind::Valid).unwrap(),
        Leaf::self_signed(&["mx.example"]).unwrap(),
    ] {
        let verification = verify(&leaf, &roots, "mx.example");
        assert!(verification.chain.is_err());
        assert_eq!(verification.name, Ok(()));
        assert!(!verification.is_trusted());
    }
}

/// As `openssl req -x509` makes it: an authority's certificate that serves.
#[rstest]
#[case(IsCa::NoCa)]
#[case(IsCa::Ca(BasicConstraints::Unconstrained))]
fn self_signed_and_trusted(#[case] is_ca: IsCa) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["mx.example".to_owned()]).unwrap();
    parameters.is_ca = is_ca;
    let certificate = parameters.self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private.into())
        .unwrap();
    let verification = handshake(Arc::new(server), &Arc::new(roots), "mx.example").unwrap();
    assert_eq!(verification.chain, Ok(()));
    assert_eq!(verification.name, Ok(()));
}

#[test]
fn no_trust_anchor() {
    let leaf = Leaf::self_signed(&["mx.example"]).unwrap();
    let verification = verify(&leaf, &Arc::new(RootCertStore::empty()), "mx.example");
    assert_eq!(
        verification.chain,
        Err("no trust anchor was given".to_owned())
    );
}

#[rstest]
#[case("other.example")]
#[case("127.0.0.2")]
fn wrong_name(#[case] name: &str) {
    let authority = Authority::new().unwrap();
    let leaf = authority.issue(&["mx.example", "127.0.0.1"], Kind::Valid);
    let verification = verify(&leaf.unwrap(), &authority.roots(), name);
    assert_eq!(verification.chain, Ok(()));
    assert!(verification.name.unwrap_err().contains(name));
}

/// A certificate that webpki refuses to read still ends in a finished handshake, and a
/// signature by another key still does not.
#[rstest]
fn what_webpki_cannot_read(
    #[values(&rustls::version::TLS12, &rustls::version::TLS13)]
    version: &'static SupportedProtocolVersion,
    #[values(true, false)] own_key: bool,
) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["mx.example".to_owned()]).unwrap();
    let mut unknown = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![5, 0]);
    unknown.set_criticality(true);
    params.custom_extensions = vec![unknown];
    let certificate = params.self_signed(&key).unwrap().der().clone();
    assert!(ParsedCertificate::try_from(&certificate).is_err());

    let signing = match own_key {
        true => key.serialize_der(),
        false => KeyPair::generate().unwrap().serialize_der(),
    };
    let provider = ring::default_provider();
    let signing = PrivatePkcs8KeyDer::from(signing).into();
    let signing = provider.key_provider.load_private_key(signing).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(rustls::sign::CertifiedKey::new(
            vec![certificate],
            signing,
        )))));
    let roots = Authority::new().unwrap().roots();
    match handshake(Arc::new(server), &roots, "mx.example") {
        Ok(verification) => {
            assert!(own_key, "a stranger's signature was believed");
            assert!(verification.chain.is_err() && verification.name.is_err());
            assert_eq!(verification.dns_names, ["mx.example"]);
        }
        Err(error) => assert!(!own_key, "{error}"),
    }
}

#[test]
fn the_key_has_to_be_the_certificates() {
    let authority = Authority::new().unwrap();
    let leaf = authority.issue(&["mx.example"], Kind::Valid).unwrap();
    let other = authority.issue(&["mx.example"], Kind::Valid).unwrap();
    let provider = ring::default_provider();
    let signing = provider.key_provider.load_private_key(other.key).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(rustls::sign::CertifiedKey::new(
            leaf.chain, signing,
        )))));
    let handshake = handshake(Arc::new(server), &authority.roots(), "mx.example");
    assert!(handshake.is_err());
}

#[derive(Debug)]
struct Always(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Always {
    fn resolve(
        &self,
        _hello: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
