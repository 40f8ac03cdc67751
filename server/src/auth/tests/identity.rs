//! EXTERNAL, which knows who it is, and ANONYMOUS, which does not care.

use super::*;

#[tokio::test]
async fn external_vectors() {
    for vector in vectors("EXTERNAL") {
        // Fred may not act here, as in the RFC's own example.
        let mut exchange =
            Exchange::new(Mechanism::External, Channel::bound(b"", b"", Some("alice")));
        let authzid = word(&vector, "authzid").as_bytes();
        let end = exchange
            .answer(authzid, &backends("tim", "secret"), Rank::default())
            .await;
        let accepted = end == Step::End(Outcome::Accepted("alice".to_owned()));
        assert_eq!(accepted, vector["expected_outcome"].is_null(), "{end:?}");
    }
}

#[test]
fn anonymous_vector() {
    let trace = word(&vectors("ANONYMOUS")[0], "trace").to_owned();
    assert_eq!(
        anonymous::answer(trace.as_bytes()),
        Outcome::Anonymous(trace)
    );
}

#[rstest::rstest]
#[case::empty("", Some("fred@example.com"), true)]
#[case::oneself("fred@example.com", Some("fred@example.com"), true)]
#[case::somebody_else("fred@example.com", Some("alice"), false)]
#[case::longer("fred@example.com.", Some("fred@example.com"), false)]
#[case::nul("fred@example.com\0", Some("fred@example.com"), false)]
#[case::no_certificate("", None, false)]
#[case::no_certificate_and_a_name("alice", None, false)]
#[tokio::test]
async fn external(#[case] authzid: &str, #[case] user: Option<&str>, #[case] right: bool) {
    let channel = Channel::bound(b"", b"", user);
    let mut exchange = Exchange::new(Mechanism::External, channel);
    assert_eq!(exchange.begin("a.example"), Step::Challenge(Vec::new()));
    let end = exchange
        .answer(
            authzid.as_bytes(),
            &backends("tim", "secret"),
            Rank::default(),
        )
        .await;
    match end {
        Step::End(Outcome::Accepted(name)) => assert!(right && Some(name.as_str()) == user),
        end => assert!(!right, "{end:?}"),
    }
}

#[rstest::rstest]
#[case("sirhc", true)]
#[case("", true)]
#[case("sirhc@example.org", true)]
#[case("a\u{7}", false)]
#[case("a\nb", false)]
#[case("a\u{200e}", false)]
fn anonymous_traces(#[case] trace: &str, #[case] right: bool) {
    let outcome = anonymous::answer(trace.as_bytes());
    assert_eq!(outcome == Outcome::Anonymous(trace.to_owned()), right);
    assert!(right || matches!(outcome, Outcome::Malformed(_)));
}

#[rstest::rstest]
#[case(255, true)]
#[case(256, false)]
fn anonymous_traces_end(#[case] characters: usize, #[case] right: bool) {
    let outcome = anonymous::answer("\u{1d11e}".repeat(characters).as_bytes());
    assert_eq!(matches!(outcome, Outcome::Anonymous(_)), right);
}
