//! The mechanisms against published and derived vectors.

mod any_octets;
mod identity;
mod saslprep;
mod tokens;

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::config::Config;
use backend::Accounts;

pub(super) const VECTORS: &str = include_str!("../../../fixtures/vectors/sasl-vectors.json");

pub(super) fn vectors(mechanism: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    all[mechanism].as_array().unwrap().clone()
}

pub(super) fn word<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap()
}

fn backends(user: &str, password: &str) -> Backends {
    let mut config = Config::modern("msa.example.org", "unused");
    config.users = BTreeMap::from([(user.to_owned(), password.to_owned())]);
    Backends::new(&config).unwrap()
}

fn accounts(user: &str, secret: &str) -> Accounts {
    Accounts::of_secrets([(user, secret)], &[])
}

#[tokio::test]
async fn plain_vectors() {
    for vector in vectors("PLAIN") {
        let user = word(&vector, "authcid");
        let backends = backends(user, word(&vector, "password"));
        let message = format!(
            "{}\0{user}\0{}",
            word(&vector, "authzid"),
            word(&vector, "password")
        );
        let outcome = plain::answer(message.as_bytes(), &backends, Rank::default()).await;
        let success = word(&vector, "expected_outcome") == "success";
        assert_eq!(
            outcome == Outcome::Accepted(user.to_owned()),
            success,
            "{vector}"
        );
        assert!(
            success || matches!(outcome, Outcome::Refused(_)),
            "{vector}"
        );
    }
}

#[rstest::rstest]
#[case(b"\0tim", false)]
#[case(b"\0tim\0secret\0", false)]
#[case(b"tim\0secret", false)]
#[case(b"\0\0secret", true)]
#[case(b"\0tim\0", true)]
#[case(b"\0tim\0secre", true)]
#[case(b"\0tom\0secret", true)]
#[tokio::test]
async fn plain_refuses(#[case] message: &[u8], #[case] well_formed: bool) {
    let outcome = plain::answer(message, &backends("tim", "secret"), Rank::default()).await;
    assert_eq!(
        matches!(outcome, Outcome::Refused(_)),
        well_formed,
        "{outcome:?}"
    );
    assert_eq!(
        matches!(outcome, Outcome::Malformed(_)),
        !well_formed,
        "{outcome:?}"
    );
}

#[tokio::test]
async fn login_vector() {
    let vector = &vectors("LOGIN")[0];
    let backends = backends(word(vector, "user"), word(vector, "password"));
    let mut exchange = Exchange::new(Mechanism::Login, Channel::default());
    let prompt = |name: &str| {
        Step::Challenge(
            vector["prompts"][name]["text"]
                .as_str()
                .unwrap()
                .as_bytes()
                .to_vec(),
        )
    };
    assert_eq!(exchange.begin("msa.example.org"), prompt("username"));
    let user = word(vector, "user");
    assert_eq!(
        exchange
            .answer(user.as_bytes(), &backends, Rank::default())
            .await,
        prompt("password")
    );
    let end = exchange
        .answer(
            word(vector, "password").as_bytes(),
            &backends,
            Rank::default(),
        )
        .await;
    assert_eq!(end, Step::End(Outcome::Accepted(user.to_owned())));
}

#[test]
fn cram_md5_vectors() {
    let verifiable = |vector: &Value| vector["digest_hex"].is_string();
    for vector in vectors("CRAM-MD5").into_iter().filter(verifiable) {
        let (user, digest) = (word(&vector, "user"), word(&vector, "digest_hex"));
        let secrets = accounts(user, word(&vector, "password"));
        let exchange = cram_md5::CramMd5::challenged(word(&vector, "challenge"));
        let answer = |text: String| exchange.answer(text.as_bytes(), &secrets);
        assert_eq!(
            answer(format!("{user} {digest}")),
            Outcome::Accepted(user.to_owned())
        );
        let wrong = [
            format!("{user} {}", digest.to_uppercase()),
            format!("{user} {}", &digest[..31]),
            format!("{user} "),
            format!("tom {digest}"),
            digest.to_owned(),
            format!(
                "{user} {}",
                vector["wrong_if_truncated_to_64"].as_str().unwrap_or("x")
            ),
        ];
        for text in wrong {
            assert!(matches!(answer(text), Outcome::Refused(_)));
        }
    }
}

#[test]
fn cram_md5_challenges_are_fresh() {
    let challenge = || match cram_md5::CramMd5::default().begin("msa.example.org") {
        Step::Challenge(challenge) => String::from_utf8(challenge).unwrap(),
        end => panic!("{end:?}"),
    };
    let first = challenge();
    assert!(
        first.starts_with('<') && first.ends_with("@msa.example.org>"),
        "{first}"
    );
    assert_ne!(first, challenge());
}

#[test]
fn digest_md5_vectors() {
    for vector in vectors("DIGEST-MD5") {
        let digest = digest_md5::TestDigest {
            user: word(&vector, "user"),
            realm: word(&vector, "realm"),
            secret: word(&vector, "password"),
            nonce: word(&vector, "nonce"),
            cnonce: word(&vector, "cnonce").as_bytes(),
            authzid: vector["authzid"].as_str().map(str::as_bytes),
            service: word(&vector, "digest-uri").as_bytes(),
        };
        let intermediate = &vector["intermediate"];
        assert_eq!(
            digest.response(),
            word(intermediate, "response"),
            "{vector}"
        );
        assert_eq!(digest.answer(), word(intermediate, "rspauth"), "{vector}");
    }
}

/// A digest-response for user chris with the secret "secret", and what the server makes of it.
fn digest_md5_answer(edit: impl Fn(String) -> String) -> Step {
    let vector = &vectors("DIGEST-MD5")[2];
    let (realm, nonce) = (word(vector, "realm"), word(vector, "nonce"));
    let response = format!(
        "charset=utf-8,username=\"chris\",realm=\"{realm}\",nonce=\"{nonce}\",nc=00000001,cnonce=\"{}\",digest-uri=\"{}\",response={},qop=auth,authzid=\"chris\"",
        word(vector, "cnonce"),
        word(vector, "digest-uri"),
        word(&vector["intermediate"], "response"),
    );
    let secrets = accounts("chris", "secret");
    let mut exchange = digest_md5::DigestMd5::challenged(realm, nonce);
    exchange.answer(edit(response).as_bytes(), &secrets)
}

#[rstest::rstest]
#[case::as_it_is("", "")]
#[case::quoted_pair("\"chris\",realm", "\"\\c\\hris\",realm")]
#[case::null_elements(",nc=", ", ,\t,nc = ")]
#[case::unknown_directive("charset=utf-8", "foo=\"b,a\\\"r\",charset=UTF-8")]
#[case::quoted_qop("qop=auth", "qop=\"auth\"")]
fn digest_md5_takes(#[case] from: &str, #[case] to: &str) {
    let step = digest_md5_answer(|response| {
        if from.is_empty() {
            response
        } else {
            response.replacen(from, to, 1)
        }
    });
    assert_eq!(
        step,
        Step::Challenge(b"rspauth=6ce44db2eeff95cdd583ca5d2d6f2ac5".to_vec())
    );
}

#[rstest::rstest]
#[case::other_count("nc=00000001", "nc=00000002")]
#[case::other_nonce("nonce=\"O", "nonce=\"P")]
#[case::other_service("smtp/", "imap/")]
#[case::no_username("username=\"chris\",", "")]
#[case::two_usernames("qop=auth", "qop=auth,username=\"tom\"")]
#[case::two_maxbufs("qop=auth", "qop=auth,maxbuf=1000,maxbuf=1000")]
#[case::other_charset("utf-8", "latin1")]
#[case::other_qop("qop=auth", "qop=auth-int")]
#[case::somebody_else("authzid=\"chris\"", "authzid=\"tom\"")]
#[case::upper_case("response=ec", "response=EC")]
#[case::open_quote("qop=auth", "qop=\"auth")]
fn digest_md5_refuses(#[case] from: &str, #[case] to: &str) {
    let step = digest_md5_answer(|response| {
        assert!(response.contains(from));
        response.replacen(from, to, 1)
    });
    assert!(
        matches!(step, Step::End(Outcome::Refused(_) | Outcome::Malformed(_))),
        "{step:?}"
    );
}

proptest::proptest! {
    #[test]
    fn digest_md5_never_panics(octets in proptest::collection::vec(0_u8.., 0..200)) {
        let _ = digest_md5_answer(|_| String::from_utf8_lossy(&octets).into_owned());
    }
}
