use super::*;
use rcgen::{CertificateParams, DnType, KeyPair, SignatureAlgorithm};
use rstest::rstest;

fn certificate(names: &[&str], algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    for name in names {
        parameters
            .distinguished_name
            .push(DnType::CommonName, *name);
    }
    let key = KeyPair::generate_for(algorithm).unwrap();
    parameters.self_signed(&key).unwrap().der().to_vec()
}

#[rstest]
#[case(&rcgen::PKCS_ECDSA_P256_SHA256, Some(32))]
#[case(&rcgen::PKCS_ECDSA_P384_SHA384, Some(48))]
#[case(&rcgen::PKCS_ED25519, None)]
fn an_end_point_has_the_hash_of_its_signature(
    #[case] algorithm: &'static SignatureAlgorithm,
    #[case] octets: Option<usize>,
) {
    let digest = end_point(&certificate(&["x"], algorithm));
    assert_eq!(digest.map(|digest| digest.len()), octets);
}

/// A kind of signature as it stands in a certificate: name and parameters.
#[rstest]
#[case::md5("300d06092a864886f70d0101040500", Some(32))]
#[case::sha1("300d06092a864886f70d0101050500", Some(32))]
#[case::sha224("300d06092a864886f70d01010e0500", Some(28))]
#[case::sha512("300d06092a864886f70d01010d0500", Some(64))]
#[case::pss_by_default("300d06092a864886f70d01010a3000", Some(32))]
#[case::pss_sha384(
    "301e06092a864886f70d01010a3011a00f300d06096086480165030402020500",
    Some(48)
)]
#[case::pss_without_parameters("300b06092a864886f70d01010a", None)]
#[case::md2("300d06092a864886f70d0101020500", None)]
fn every_signature_has_its_digest(#[case] der: &str, #[case] octets: Option<usize>) {
    let octet = |place: usize| u8::from_str_radix(&der[place..place + 2], 16).unwrap();
    let der: Vec<u8> = (0..der.len()).step_by(2).map(octet).collect();
    let (_, algorithm) = AlgorithmIdentifier::from_der(&der).unwrap();
    let digest = signature_digest(&algorithm);
    assert_eq!(digest.map(|digest| digest(b"x").len()), octets);
}

#[test]
fn what_is_no_certificate_has_no_end_point() {
    assert_eq!(end_point(b""), None);
    assert_eq!(user_of(b"x"), None);
}

#[rstest]
#[case(&["alice"], Some("alice"))]
#[case(&["\u{e4}lice"], Some("\u{e4}lice"))]
#[case(&[], None)]
#[case(&[""], None)]
#[case(&["alice\0"], None)]
fn a_certificate_names_its_user(#[case] names: &[&str], #[case] user: Option<&str>) {
    let certificate = certificate(names, &rcgen::PKCS_ECDSA_P256_SHA256);
    assert_eq!(user_of(&certificate).as_deref(), user);
}

#[rstest]
#[case(
    Channel::clear("a.example", 587, false),
    "CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 ANONYMOUS"
)]
#[case(
    Channel::clear("a.example", 587, true),
    "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 ANONYMOUS"
)]
#[case(
    Channel { tls: true, ..Channel::default() },
    "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER ANONYMOUS"
)]
#[case(
    Channel::bound(b"a", b"b", Some("alice")),
    "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-256-PLUS XOAUTH2 OAUTHBEARER EXTERNAL ANONYMOUS"
)]
fn what_a_channel_carries(#[case] channel: Channel, #[case] names: &str) {
    let carried = Mechanism::ALL
        .iter()
        .copied()
        .filter(|it| channel.carries(*it));
    let carried: Vec<_> = carried.map(|it| it.to_string()).collect();
    assert_eq!(carried.join(" "), names);
}
