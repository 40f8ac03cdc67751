//! What TLS tells the mechanisms: channel bindings and client certificates of real handshakes.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod scram_client;
mod tls_client;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use msaspec_server::{Config, Limits, Mechanism, Server};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rstest::rstest;
use rustls::version::{TLS12, TLS13};
use scram_client::{Credentials, ScramClient};
use sha2::Digest as _;
use tls_client::TlsClient;

/// A server with every mechanism, one listener with TLS, and an authority for clients.
struct Running {
    server: Server,
    authority: Issuer<'static, KeyPair>,
    _files: tempfile::TempDir,
}

async fn start() -> Running {
    start_with(Limits::default()).await
}

async fn start_with(limits: Limits) -> Running {
    let files = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let path = files.path().join("ca.pem");
    std::fs::write(&path, ca.self_signed(&key).unwrap().pem()).unwrap();
    let mut config = Config::modern("msa.example.org", files.path().join("spool"));
    config.listeners = vec!["127.0.0.1:0/tls".parse().unwrap()];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config
        .tokens
        .insert("alice".to_owned(), vec!["t".to_owned()]);
    config.mechanisms = Mechanism::ALL.to_vec();
    config.client_ca = Some(path);
    config.limits = limits;
    Running {
        server: Server::start(config).await.unwrap(),
        authority: Issuer::new(ca, key),
        _files: files,
    }
}

/// The final reply to one exchange.
async fn scram(
    client: &mut TlsClient,
    mechanism: &str,
    binding: (&'static str, Vec<u8>),
) -> String {
    let credentials = Credentials {
        password: "secret",
        binding: Some(binding),
    };
    let mut scram = ScramClient::new(mechanism, credentials);
    let mut reply = client.say(&format!("AUTH {mechanism}")).await;
    while let Some(response) = scram.response(&reply) {
        reply = client.say(&STANDARD.encode(response)).await;
    }
    reply
}

#[rstest]
#[case("SCRAM-SHA-1-PLUS", "tls-exporter")]
#[case("SCRAM-SHA-256-PLUS", "tls-exporter")]
#[case("SCRAM-SHA-256-PLUS", "tls-server-end-point")]
#[tokio::test]
async fn an_exchange_is_bound_to_its_channel(#[case] mechanism: &str, #[case] name: &'static str) {
    let running = start().await;
    let mut client = TlsClient::connect(&running.server, &TLS13, None)
        .await
        .unwrap();
    client.say("EHLO client.example").await;
    let data = match name {
        "tls-exporter" => client.exporter(b"EXPORTER-Channel-Binding"),
        _ => sha2::Sha256::digest(client.server_certificate()).to_vec(),
    };
    let wrong = data.iter().map(|octet| !octet).collect();
    let reply = scram(&mut client, mechanism, (name, wrong)).await;
    assert!(reply.starts_with("535 "), "{reply}");
    let reply = scram(&mut client, mechanism, (name, data)).await;
    assert!(reply.starts_with("235 "), "{reply}");
}

#[tokio::test]
async fn tls_1_2_is_not_bound_to() {
    let running = start().await;
    let mut client = TlsClient::connect(&running.server, &TLS12, None)
        .await
        .unwrap();
    let offer = client.say("EHLO client.example").await;
    assert!(
        offer.contains("SCRAM-SHA-256 ") && !offer.contains("-PLUS"),
        "{offer}"
    );
    let reply = client.say("AUTH SCRAM-SHA-256-PLUS").await;
    assert!(reply.starts_with("504 "), "{reply}");
    // "y": the client could have bound, and rightly believes that the server cannot.
    let command = format!("AUTH SCRAM-SHA-256 {}", STANDARD.encode("y,,n=alice,r=abc"));
    let reply = client.say(&command).await;
    assert!(reply.starts_with("334 "), "{reply}");
}

#[rstest]
#[case(&TLS12)]
#[case(&TLS13)]
#[tokio::test]
async fn a_certificate_is_a_login(#[case] version: &'static rustls::SupportedProtocolVersion) {
    let running = start().await;
    let certificate = client_certificate(&running.authority, "carol");
    let client = TlsClient::connect(&running.server, version, Some(certificate)).await;
    let mut client = client.unwrap();
    let offer = client.say("EHLO client.example").await;
    assert!(offer.contains(" EXTERNAL"), "{offer}");
    let other = format!("AUTH EXTERNAL {}", STANDARD.encode("alice"));
    assert!(client.say(&other).await.starts_with("535 "));
    assert_eq!(client.say("AUTH EXTERNAL").await, "334 ");
    assert!(client.say("").await.starts_with("235 "));
    assert!(
        client
            .say("MAIL FROM:<carol@example.org>")
            .await
            .starts_with("250 ")
    );
}

#[tokio::test]
async fn without_a_certificate_there_is_no_external() {
    let running = start().await;
    let mut client = TlsClient::connect(&running.server, &TLS13, None)
        .await
        .unwrap();
    let offer = client.say("EHLO client.example").await;
    assert!(
        offer.contains(" ANONYMOUS") && !offer.contains("EXTERNAL"),
        "{offer}"
    );
    assert!(client.say("AUTH EXTERNAL =").await.starts_with("504 "));
}

#[tokio::test]
async fn a_certificate_of_another_authority_ends_the_handshake() {
    let running = start().await;
    let other = Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    let certificate = client_certificate(&other, "alice");
    let client = TlsClient::connect(&running.server, &TLS12, Some(certificate)).await;
    assert!(client.is_err());
}

/// A client knows that its token is wrong before the exchange has ended.
#[rstest]
#[case("*", "501 5.0.0 ")]
#[case("?", "501 5.5.2 ")]
#[case("", "535 5.7.8 ")]
#[tokio::test]
async fn a_wrong_token_counts_however_the_exchange_ends(
    #[case] last: &str,
    #[case] expected: &str,
) {
    let running = start_with(Limits {
        failed_logins_per_session: 3,
        failed_logins_per_address: 4,
        login_delay_seconds: 0,
        ..Limits::default()
    })
    .await;
    let client = || async {
        let client = TlsClient::connect(&running.server, &TLS13, None).await;
        let mut client = client.unwrap();
        client.say("EHLO client.example").await;
        client
    };
    let auth = STANDARD.encode("user=alice\x01auth=Bearer wrong\x01\x01");
    let auth = format!("AUTH XOAUTH2 {auth}");
    let mut staying = client().await;
    for expected in [expected, expected, "421 4.7.0 "] {
        assert!(staying.say(&auth).await.starts_with("334 "));
        let answer = staying.say(last).await;
        assert!(answer.starts_with(expected), "{answer}");
    }
    let mut leaving = client().await;
    assert!(leaving.say(&auth).await.starts_with("334 "));
    drop(leaving);
    let answer = client().await.say(&auth).await;
    assert!(answer.starts_with("454 4.7.0 "), "{answer}");
}

#[tokio::test]
async fn anonymity_permits_nothing() {
    let running = start().await;
    let mut client = TlsClient::connect(&running.server, &TLS13, None)
        .await
        .unwrap();
    client.say("EHLO client.example").await;
    assert!(
        client
            .say("AUTH ANONYMOUS c2lyaGM=")
            .await
            .starts_with("235 ")
    );
    assert!(
        client
            .say("MAIL FROM:<a@example.org>")
            .await
            .starts_with("530 ")
    );
    assert!(
        client
            .say("AUTH ANONYMOUS c2lyaGM=")
            .await
            .starts_with("503 ")
    );
    assert!(!client.say("EHLO client.example").await.contains("AUTH"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]
    #[test]
    fn every_response_has_a_reply(
        mechanism in proptest::sample::select(Mechanism::ALL.to_vec()),
        responses in proptest::collection::vec((any_octets(), proptest::bool::ANY), 1..6),
    ) {
        let (runtime, running) = SHARED.get_or_init(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let running = runtime.block_on(start());
            (runtime, running)
        });
        runtime.block_on(async {
            let certificate = Some(client_certificate(&running.authority, "carol"));
            let client = TlsClient::connect(&running.server, &TLS13, certificate).await;
            let mut client = client.unwrap();
            client.say("EHLO client.example").await;
            let mut reply = client.say(&format!("AUTH {mechanism}")).await;
            for (octets, encoded) in responses {
                if !reply.starts_with("334 ") {
                    break;
                }
                let line = if encoded { STANDARD.encode(octets).into_bytes() } else { octets };
                reply = client.say_octets(&line).await;
            }
            let code = reply.as_bytes()[..3].to_vec();
            assert!(matches!(&code[..], b"334" | b"235" | b"501" | b"535"), "{reply}");
        });
    }
}

static SHARED: std::sync::OnceLock<(tokio::runtime::Runtime, Running)> = std::sync::OnceLock::new();

/// Octets without CR and LF, which would be two lines.
fn any_octets() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    let octet = proptest::sample::select(
        (0..=u8::MAX)
            .filter(|octet| !b"\r\n".contains(octet))
            .collect::<Vec<_>>(),
    );
    proptest::collection::vec(octet, 0..300)
}

fn client_certificate(authority: &Issuer<'static, KeyPair>, name: &str) -> (Vec<u8>, Vec<u8>) {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    (certificate.der().to_vec(), key.serialize_der())
}
