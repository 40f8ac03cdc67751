//! Whatever a client says at whatever step, it is answered.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Octets at random, and words of the mechanisms in any order.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let words = proptest::sample::select(vec![
        "n,,",
        "y,,",
        "p=tls-exporter,,",
        "n,a=user,",
        "n=user",
        "n=tom",
        "n=a=2C",
        "r=abc",
        "m=x",
        "c=biws",
        "c=",
        "p=AAAA",
        ",p=",
        ",",
        "=",
        "\x01",
        "auth=Bearer t",
        "\x01\x01",
        "user=tom",
        "host=localhost",
        "port=587",
        "user",
        "\0",
        "pencil",
        "username=\"user\"",
        "realm=\"",
        "nc=00000001",
        "response=",
        "\u{2168}",
        "\u{ad}",
        "\u{7}",
        " ",
    ]);
    let text = vec(words, 0..12).prop_map(|words| words.concat().into_bytes());
    prop_oneof![vec(any::<u8>(), 0..100), text]
}

/// The server's last words, so that a client can go on from them.
fn echo(step: &Step, response: Vec<u8>) -> Vec<u8> {
    match step {
        Step::Challenge(challenge) if response.len().is_multiple_of(3) => {
            let nonce = challenge.split(|octet| *octet == b',').next();
            [
                b"c=biws,",
                nonce.unwrap_or_default(),
                &b",p="[..],
                &response,
            ]
            .concat()
        }
        _ => response,
    }
}

proptest! {
    #[test]
    fn every_step_has_an_answer(
        mechanism in proptest::sample::select(Mechanism::ALL.to_vec()),
        begun in any::<bool>(),
        responses in vec(response(), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let backends = BACKENDS.get_or_init(|| {
            let mut config = Config::modern("server.example.com", "unused");
            config.users = BTreeMap::from([("user".to_owned(), "pencil".to_owned())]);
            config.tokens = BTreeMap::from([("tom".to_owned(), vec!["t".to_owned()])]);
            config.mechanisms = Mechanism::ALL.to_vec();
            Backends::new(&config).unwrap()
        });
        let mut exchange = Exchange::new(mechanism, Channel::bound(b"a", b"b", Some("user")));
        let mut step = Step::Challenge(Vec::new());
        if begun {
            step = exchange.begin("server.example.com");
        }
        for response in responses {
            let response = echo(&step, response);
            step = runtime.block_on(exchange.answer(&response, backends, Rank::default()));
        }
    }
}

static BACKENDS: std::sync::OnceLock<Backends> = std::sync::OnceLock::new();
