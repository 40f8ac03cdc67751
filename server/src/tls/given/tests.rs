use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384,
    date_time_ymd,
};
use rstest::rstest;
use sha2::Digest as _;
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring::default_provider;

use crate::tls::Identity;

/// A leaf for `msa.example.org`, good in 2026, its chain, and its key; all in PEM.
struct Made {
    leaf: String,
    intermediate: String,
    key: String,
}

fn made() -> Made {
    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let intermediate = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(["msa.example.org".to_owned()]).unwrap();
    leaf.not_before = date_time_ymd(2026, 1, 1);
    leaf.not_after = date_time_ymd(2027, 1, 1);
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    Made {
        leaf: leaf.pem(),
        intermediate,
        key: key.serialize_pem(),
    }
}

/// A configuration whose files have this content.
fn config(certificate: &str, key: &str) -> (Config, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Some(path)
    };
    let mut config = Config::modern("msa.example.org", folder.path());
    config.listeners = vec!["127.0.0.1:0".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.certificate = path("chain.pem", certificate);
    config.key = path("key.pem", key);
    (config, folder)
}

fn refusal(config: &Config) -> String {
    config.validate().unwrap_err().to_string()
}

#[test]
fn a_chain_and_its_key_are_taken() {
    let made = made();
    let whole = format!("{}{}", made.leaf, made.intermediate);
    let (config, _folder) = config(&whole, &made.key);
    assert_eq!(config.validate(), Ok(()));
    let certified = given(&config, &default_provider()).unwrap().unwrap();
    assert_eq!(certified.cert.len(), 2);
    // The authority's key, and not the leaf's own, decides about the hash.
    let identity = Identity::new(&config, &[]).map_err(|_| ()).unwrap();
    let digest = sha2::Sha384::digest(&certified.cert[0]).to_vec();
    assert_eq!(identity.end_point, Some(digest));
    assert_eq!(identity.ca_pem, "");
}

#[test]
fn both_may_be_in_one_file() {
    let made = made();
    let whole = format!("{}{}", made.key, made.leaf);
    assert_eq!(config(&whole, &whole).0.validate(), Ok(()));
}

#[test]
fn one_is_not_enough() {
    let made = made();
    let (whole, _folder) = config(&made.leaf, &made.key);
    let mut half = whole.clone();
    half.key = None;
    assert!(refusal(&half).starts_with("certificate: needs key"));
    let mut half = whole;
    half.certificate = None;
    assert!(refusal(&half).starts_with("key: needs certificate"));
}

#[rstest]
#[case::none("", "{key}", "certificate: ", "chain.pem: no certificate")]
#[case::key_for_chain("{key}", "{key}", "certificate: ", "chain.pem: no certificate")]
#[case::cut(
    "-----BEGIN CERTIFICATE-----\nMIIB",
    "{key}",
    "certificate: ",
    "chain.pem: "
)]
#[case::no_der("{junk}", "{key}", "certificate: ", "first certificate cannot be used")]
#[case::no_key("{leaf}", "{leaf}", "key: ", "key.pem: no private key")]
#[case::several("{leaf}", "{key}{key}", "key: ", "key.pem: several private keys")]
#[case::other(
    "{leaf}",
    "{other}",
    "key: ",
    "does not belong to the first certificate"
)]
#[case::order("{intermediate}{leaf}", "{key}", "key: ", "does not belong")]
#[case::encrypted("{leaf}", "{encrypted}", "key: ", "without a passphrase")]
#[case::no_key_der("{leaf}", "{junk-key}", "key: ", "kind of key cannot be used")]
#[case::not_pem(
    "{leaf}",
    "-----BEGIN PRIVATE KEY-----\n#4711#",
    "key: ",
    "key.pem: not PEM"
)]
fn what_cannot_work_is_refused(
    #[case] certificate: &str,
    #[case] key: &str,
    #[case] named: &str,
    #[case] reason: &str,
) {
    let made = made();
    let other = KeyPair::generate().unwrap().serialize_pem();
    let fill = |text: &str| {
        text.replace("{leaf}", &made.leaf)
            .replace("{intermediate}", &made.intermediate)
            .replace("{key}", &made.key)
            .replace("{other}", &other)
            .replace(
                "{encrypted}",
                &made.key.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            )
            .replace(
                "{junk}",
                "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            )
            .replace(
                "{junk-key}",
                "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
            )
    };
    let (config, _folder) = config(&fill(certificate), &fill(key));
    let refusal = refusal(&config);
    assert!(refusal.starts_with(named), "{refusal}");
    assert!(refusal.contains(reason), "{refusal}");
    assert!(!refusal.contains("4711"), "{refusal}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let made = made();
    let (mut config, folder) = config(&made.leaf, &made.key);
    config.key = Some(folder.path().to_path_buf());
    assert!(refusal(&config).starts_with("key: "));
    config.certificate = Some("/nonexistent/chain.pem".into());
    let missing = refusal(&config);
    assert!(missing.starts_with("certificate: /nonexistent/chain.pem: cannot be read"));
    config.certificate = Some("/dev/zero".into());
    assert!(refusal(&config).contains("larger than 1 MiB"));
}

#[rstest]
#[case("msa.example.org", "2026-11-24T00:00:00Z", &[])]
#[case("msa.example.org", "2025-11-24T00:00:00Z", &["not valid before"])]
#[case("msa.example.org", "2027-11-24T00:00:00Z", &["expired on"])]
#[case("mail.example.org", "2026-11-24T00:00:00Z", &["not for mail.example.org"])]
#[case("mail.example.org", "2027-11-24T00:00:00Z", &["expired on", "not for"])]
fn doubts_are_told(#[case] hostname: &str, #[case] now: Timestamp, #[case] expected: &[&str]) {
    let leaf = CertificateDer::from_pem_slice(made().leaf.as_bytes()).unwrap();
    let doubts = doubts(&leaf, hostname, now);
    assert_eq!(doubts.len(), expected.len(), "{doubts:?}");
    for (doubt, start) in doubts.iter().zip(expected) {
        assert!(doubt.starts_with(start), "{doubt}");
    }
}
