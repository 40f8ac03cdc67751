//! The log, at its most talkative, has no secret of any mechanism.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod scram_client;
#[allow(dead_code, reason = "not every test program needs all of it")]
mod tls_client;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};
use msaspec_server::{Config, Mechanism, Server};
use rustls::version::TLS13;
use scram_client::{Credentials, ScramClient};
use tls_client::TlsClient;

const PASSWORD: &str = "correct-horse-battery";
const WRONG_PASSWORD: &str = "incorrect-mule-battery";
const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29t";
const WRONG_TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuWRONG";

#[tokio::test]
async fn no_secret_of_any_mechanism_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let spool = tempfile::tempdir().unwrap();
    let server = Server::start(config(spool.path())).await.unwrap();
    let mut said = Vec::new();
    for mechanism in MECHANISMS {
        for right in [false, true] {
            let mut client = Client::connect(&server).await;
            let reply = client.log_in(mechanism, right).await;
            let code = if right { "235 " } else { "535 " };
            assert!(reply.starts_with(code), "{mechanism}: {reply}");
            said.append(&mut client.said);
        }
    }
    said.append(&mut slips(&server).await);
    server.shutdown().await;

    let log = log.text();
    let count = |word: &str| log.matches(word).count();
    assert_eq!(count(": authenticated "), MECHANISMS.len(), "{log}");
    assert!(
        count(": authentication failed ") > MECHANISMS.len(),
        "{log}"
    );
    assert!(
        count("TRACE") > 0 && count("TLS13") > 0,
        "rustls says something too: {log}"
    );
    for secret in said {
        assert!(!log.contains(&secret), "{secret:?} is in the log:\n{log}");
    }
}

fn config(spool: &std::path::Path) -> Config {
    let mut config = Config::modern("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0/tls".parse().unwrap()];
    config.users.insert("alice".to_owned(), PASSWORD.to_owned());
    config
        .tokens
        .insert("alice".to_owned(), vec![TOKEN.to_owned()]);
    config.mechanisms = MECHANISMS.to_vec();
    config.limits.login_delay_seconds = 0;
    config
}

const MECHANISMS: [Mechanism; 8] = [
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::CramMd5,
    Mechanism::DigestMd5,
    Mechanism::ScramSha1,
    Mechanism::ScramSha256,
    Mechanism::XOAuth2,
    Mechanism::OAuthBearer,
];

/// Passwords where no password belongs; returns what must not be seen.
async fn slips(server: &Server) -> Vec<String> {
    let mut client = Client::connect(server).await;
    for line in [
        PASSWORD.to_owned(),
        format!("PASS {PASSWORD}"),
        format!("AUTH {PASSWORD}"),
        format!("AUTH PLAIN {PASSWORD}"),
        format!("AUTH PLAIN {}", STANDARD.encode(PASSWORD)),
        format!("MAIL FROM:<alice@example.org> PASSWORD={PASSWORD}"),
        format!("VRFY {PASSWORD}"),
        STANDARD.encode(format!("\0alice\0{PASSWORD}")),
    ] {
        let reply = client.tls.say(&line).await;
        assert!(reply.starts_with(['5', '2']), "{line}: {reply}");
        client.said.push(line);
    }
    // Name and password the wrong way round.
    client.tls.say("AUTH LOGIN").await;
    client.respond(PASSWORD).await;
    let reply = client.respond("alice").await;
    assert!(reply.starts_with("535 "), "{reply}");
    client.said
}

/// A client, and everything it said that the log has no business with.
struct Client {
    tls: TlsClient,
    said: Vec<String>,
}

impl Client {
    async fn connect(server: &Server) -> Client {
        let mut tls = TlsClient::connect(server, &TLS13, None).await.unwrap();
        tls.say("EHLO client.example").await;
        let secrets = [PASSWORD, WRONG_PASSWORD, TOKEN, WRONG_TOKEN];
        let mut said: Vec<_> = secrets.map(str::to_owned).into();
        said.extend(secrets.map(|secret| STANDARD.encode(secret)));
        Client { tls, said }
    }

    async fn respond(&mut self, response: &str) -> String {
        let encoded = STANDARD.encode(response);
        let reply = self.tls.say(&encoded).await;
        // The name is none, and dummies are in every log.
        if response != "alice" && response.len() > 4 {
            self.said.extend([encoded, response.to_owned()]);
        }
        reply
    }

    /// The final reply to one exchange.
    async fn log_in(&mut self, mechanism: Mechanism, right: bool) -> String {
        let password = if right { PASSWORD } else { WRONG_PASSWORD };
        let token = if right { TOKEN } else { WRONG_TOKEN };
        let challenge = self.tls.say(&format!("AUTH {mechanism}")).await;
        match mechanism {
            Mechanism::Plain => self.respond(&format!("\0alice\0{password}")).await,
            Mechanism::Login => {
                self.respond("alice").await;
                self.respond(password).await
            }
            Mechanism::CramMd5 => {
                let mut mac = Hmac::<Md5>::new_from_slice(password.as_bytes()).unwrap();
                mac.update(decoded(&challenge).as_bytes());
                let digest = hex(&mac.finalize().into_bytes());
                self.said.push(digest.clone());
                self.respond(&format!("alice {digest}")).await
            }
            Mechanism::DigestMd5 => {
                let reply = self
                    .respond(&digest_md5(&decoded(&challenge), password))
                    .await;
                match reply.strip_prefix("334 ") {
                    Some(_) => self.respond("").await,
                    None => reply,
                }
            }
            Mechanism::XOAuth2 => {
                let response = format!("user=alice\x01auth=Bearer {token}\x01\x01");
                let reply = self.respond(&response).await;
                if right { reply } else { self.respond("").await }
            }
            Mechanism::OAuthBearer => {
                let response = format!("n,a=alice,\x01auth=Bearer {token}\x01\x01");
                let reply = self.respond(&response).await;
                if right {
                    reply
                } else {
                    self.respond("\x01").await
                }
            }
            _ => self.scram(mechanism, challenge, password).await,
        }
    }

    async fn scram(
        &mut self,
        mechanism: Mechanism,
        challenge: String,
        password: &'static str,
    ) -> String {
        let credentials = Credentials {
            password,
            binding: None,
        };
        let mut scram = ScramClient::new(&mechanism.to_string(), credentials);
        let mut reply = challenge;
        while let Some(response) = scram.response(&reply) {
            reply = self.respond(&response).await;
        }
        reply
    }
}

fn decoded(challenge: &str) -> String {
    let text = challenge.strip_prefix("334 ").unwrap();
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

/// A digest-response (RFC 2831, section 2.1.2).
fn digest_md5(challenge: &str, password: &str) -> String {
    let value = |key: &str| {
        let (_, rest) = challenge.split_once(&format!("{key}=\"")).unwrap();
        rest.split('"').next().unwrap()
    };
    let (realm, nonce) = (value("realm"), value("nonce"));
    let uri = "smtp/msa.example.org";
    let user = Md5::digest(format!("alice:{realm}:{password}"));
    let first = [user.as_slice(), format!(":{nonce}:abc").as_bytes()].concat();
    let [first, second] =
        [first, format!("AUTHENTICATE:{uri}").into()].map(|a| hex(&Md5::digest(a)));
    let response = hex(&Md5::digest(format!(
        "{first}:{nonce}:00000001:abc:auth:{second}"
    )));
    format!(
        "username=\"alice\",realm=\"{realm}\",nonce=\"{nonce}\",cnonce=\"abc\",nc=00000001,qop=auth,\
         digest-uri=\"{uri}\",response={response},charset=utf-8"
    )
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
