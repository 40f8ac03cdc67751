//! A certificate that the server was given, as clients are shown it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

#[allow(dead_code, reason = "no exchange is looked at here")]
mod tls_client;

use msaspec_server::Server;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::version::{TLS12, TLS13};
use tls_client::TlsClient;

fn authority(name: &str) -> CertificateParams {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
}

#[tokio::test]
async fn clients_that_know_the_root_are_led_to_it() {
    let keys: Vec<_> = (0..3).map(|_| KeyPair::generate().unwrap()).collect();
    let [root_key, intermediate_key, key] = keys.try_into().ok().unwrap();
    let root_pem = authority("root").self_signed(&root_key).unwrap().pem();
    let root = Issuer::new(authority("root"), root_key);
    let intermediate = authority("intermediate");
    let intermediate_pem = intermediate
        .signed_by(&intermediate_key, &root)
        .unwrap()
        .pem();
    let intermediate = Issuer::new(intermediate, intermediate_key);
    let leaf = CertificateParams::new(["msa.example.org".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &intermediate).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let (chain, key_file) = (
        folder.path().join("chain.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&chain, format!("{}{intermediate_pem}", leaf.pem())).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let server = Server::builder()
        .user("alice", "secret")
        .listen("127.0.0.1:0/tls")
        .certificate(chain, key_file)
        .start()
        .await
        .unwrap();
    assert_eq!(server.ca_pem(), "");
    for version in [&TLS12, &TLS13] {
        let client = TlsClient::trusting(&root_pem, &server, version, None).await;
        assert_eq!(client.unwrap().server_certificate(), leaf.der().to_vec());
    }
}
