//! OAUTHBEARER and XOAUTH2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;

use super::*;

const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
const USER: &str = "user@example.com";

fn token_backends() -> Backends {
    let mut config = Config::modern("server.example.com", "unused");
    config.tokens = BTreeMap::from([
        (USER.to_owned(), vec!["other".to_owned(), TOKEN.to_owned()]),
        ("tom".to_owned(), vec!["t".to_owned()]),
    ]);
    Backends::new(&config).unwrap()
}

/// What the server says to a response, and, if that is an error, to the dummy response.
async fn ask(mechanism: Mechanism, port: u16, response: &[u8]) -> (Option<Value>, Outcome) {
    let backends = token_backends();
    let channel = Channel::clear("server.example.com", port, false);
    let mut exchange = Exchange::new(mechanism, channel);
    match exchange.answer(response, &backends, Rank::default()).await {
        Step::End(outcome) => (None, outcome),
        Step::Challenge(error) => {
            let error = serde_json::from_slice(&error).unwrap();
            match exchange.answer(b"\x01", &backends, Rank::default()).await {
                Step::End(outcome) => (Some(error), outcome),
                step => panic!("{step:?}"),
            }
        }
    }
}

#[tokio::test]
async fn oauthbearer_vectors() {
    for (place, port) in [(0, 143), (1, 587)] {
        let vector = &vectors("OAUTHBEARER")[place];
        let response = STANDARD.decode(word(vector, "base64")).unwrap();
        let (error, outcome) = ask(Mechanism::OAuthBearer, port, &response).await;
        assert_eq!(error, None);
        assert_eq!(outcome, Outcome::Accepted(USER.to_owned()));
        // The same port is not listened on by another server.
        let (error, _) = ask(Mechanism::OAuthBearer, 465, &response).await;
        assert_eq!(error.unwrap()["status"], "invalid_request");
    }
}

#[rstest]
#[case::discovery(2, "invalid_token")]
#[case::not_a_gs2_header(3, "invalid_request")]
#[tokio::test]
async fn oauthbearer_vectors_that_fail(#[case] place: usize, #[case] status: &str) {
    let vector = &vectors("OAUTHBEARER")[place];
    let response = STANDARD.decode(word(vector, "base64")).unwrap();
    let (error, outcome) = ask(Mechanism::OAuthBearer, 143, &response).await;
    assert_eq!(error.unwrap()["status"], status);
    assert!(matches!(outcome, Outcome::Refused(_)));
}

#[rstest]
#[case::no_identity(b"n,,\x01auth=Bearer t\x01\x01", "tom")]
#[case::flag_y(b"y,a=tom,\x01auth=Bearer t\x01\x01", "tom")]
#[case::no_case(b"n,,\x01host=SERVER.example.com\x01auth=bEARER t\x01\x01", "tom")]
#[case::address(b"n,,\x01host=[::1]\x01auth=Bearer t\x01\x01", "tom")]
#[case::unknown_keys(b"n,,\x01foo=bar=\x01auth=Bearer t\x01mthd=POST\x01\x01", "tom")]
#[tokio::test]
async fn oauthbearer_takes(#[case] response: &[u8], #[case] user: &str) {
    let outcome = ask(Mechanism::OAuthBearer, 587, response).await;
    assert_eq!(outcome, (None, Outcome::Accepted(user.to_owned())));
}

#[rstest]
#[case::empty(b"", "invalid_request")]
#[case::dummy(b"\x01", "invalid_request")]
#[case::no_auth(b"n,,\x01host=localhost\x01\x01", "invalid_request")]
#[case::no_pairs(b"n,,\x01\x01", "invalid_request")]
#[case::no_end(b"n,,\x01auth=Bearer t\x01", "invalid_request")]
#[case::auth_twice(b"n,,\x01auth=Bearer t\x01auth=Bearer t\x01\x01", "invalid_request")]
#[case::other_host(b"n,,\x01host=example.net\x01auth=Bearer t\x01\x01", "invalid_request")]
#[case::other_port(b"n,,\x01port=25\x01auth=Bearer t\x01\x01", "invalid_request")]
#[case::binding(b"p=tls-exporter,,\x01auth=Bearer t\x01\x01", "invalid_request")]
#[case::no_text(b"n,,\x01auth=Bearer \xff\x01\x01", "invalid_request")]
#[case::other_scheme(b"n,,\x01auth=Basic t\x01\x01", "invalid_token")]
#[case::other_token(b"n,,\x01auth=Bearer T\x01\x01", "invalid_token")]
#[case::empty_token(b"n,,\x01auth=Bearer \x01\x01", "invalid_token")]
#[case::somebody_else(b"n,a=bob,\x01auth=Bearer t\x01\x01", "invalid_token")]
#[tokio::test]
async fn oauthbearer_refuses(#[case] response: &[u8], #[case] status: &str) {
    let (error, outcome) = ask(Mechanism::OAuthBearer, 587, response).await;
    assert_eq!(error.unwrap()["status"], status);
    assert!(matches!(outcome, Outcome::Refused(_)));
}

#[rstest]
#[case::right(b"user=tom\x01auth=Bearer t\x01\x01", None)]
#[case::other_token(b"user=tom\x01auth=Bearer T\x01\x01", Some("401"))]
#[case::somebody_else(b"user=bob\x01auth=Bearer t\x01\x01", Some("401"))]
#[tokio::test]
async fn xoauth2_answers(#[case] response: &[u8], #[case] status: Option<&str>) {
    let (error, outcome) = ask(Mechanism::XOAuth2, 587, response).await;
    let told = error.as_ref().and_then(|error| error["status"].as_str());
    assert_eq!(told, status);
    assert_eq!(
        outcome == Outcome::Accepted("tom".to_owned()),
        status.is_none()
    );
}

#[rstest]
#[case(b"")]
#[case(b"user=tom")]
#[case(b"user=\x01auth=Bearer t\x01\x01")]
#[case(b"user=tom\x01auth=Bearer t\x01")]
#[case(b"user=tom\x01auth=Basic t\x01\x01")]
#[case(b"user=tom\x01x=y\x01auth=Bearer t\x01\x01")]
#[tokio::test]
async fn xoauth2_malformed(#[case] response: &[u8]) {
    let (error, outcome) = ask(Mechanism::XOAuth2, 587, response).await;
    assert_eq!(error, None);
    assert!(matches!(outcome, Outcome::Malformed(_)));
}
