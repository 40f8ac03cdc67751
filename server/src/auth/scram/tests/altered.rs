//! Exchanges in which one thing is wrong; the proof is computed over what was really said.

use super::*;
use rstest::rstest;

/// One exchange under a mechanism's name, and what a client says in it.
struct Said<'a> {
    plus: bool,
    gs2: &'a str,
    bare: &'a str,
    /// What is encoded under `c=`; the right thing if it is not given.
    binding: Option<&'a [u8]>,
    nonce: fn(&str) -> String,
    extensions: &'a str,
    password: &'a str,
}

const RIGHT: Said<'_> = Said {
    plus: false,
    gs2: "n,,",
    bare: "n=user,r=abc",
    binding: None,
    nonce: str::to_owned,
    extensions: "",
    password: PASSWORD,
};

/// How the exchange ends: with the server's signature, or earlier.
fn ends(said: &Said<'_>, channel: Channel) -> Step {
    let salt = b"saltsaltsalt".to_vec();
    let keys = Keys::derive(Hash::Sha256, PASSWORD, salt.clone(), FEW);
    let accounts = Accounts::of_keys(USER, Hash::Sha256, keys);
    let mut scram = Scram::new(Hash::Sha256, said.plus, channel);
    let first = format!("{}{}", said.gs2, said.bare);
    let answer = match scram.answer(first.as_bytes(), &accounts) {
        Step::Challenge(answer) => answer,
        end => return end,
    };
    let answer = String::from_utf8(answer).unwrap();
    let nonce = answer[2..].split(',').next().unwrap();
    let mut right = said.gs2.as_bytes().to_vec();
    if said.plus {
        right.extend(octets(32));
    }
    let without_proof = format!(
        "c={},r={}{}",
        STANDARD.encode(said.binding.unwrap_or(&right)),
        (said.nonce)(nonce),
        said.extensions
    );
    let covered = format!("{},{answer},{without_proof}", said.bare);
    let proof = proof(said.password, &salt, covered.as_bytes());
    let last = format!("{without_proof},p={}", STANDARD.encode(proof));
    scram.answer(last.as_bytes(), &accounts)
}

/// What a client computes.
fn proof(password: &str, salt: &[u8], covered: &[u8]) -> Vec<u8> {
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password.as_bytes(), salt, FEW, &mut salted);
    let client_key = Hash::Sha256.hmac(&salted, b"Client Key");
    let stored = <sha2::Sha256 as sha2::Digest>::digest(&client_key);
    let signature = Hash::Sha256.hmac(&stored, covered);
    let pairs = client_key.iter().zip(signature);
    pairs.map(|(key, signature)| key ^ signature).collect()
}

fn succeeds(said: &Said<'_>, channel: Channel) -> bool {
    match ends(said, channel) {
        Step::Challenge(text) => text.starts_with(b"v="),
        Step::End(Outcome::Refused(_) | Outcome::Malformed(_)) => false,
        end => panic!("{end:?}"),
    }
}

fn unbound() -> Channel {
    Channel::clear("server.example.com", 587, false)
}

#[rstest]
#[case::as_it_is(RIGHT, true)]
#[case::without_the_channel_s_knowledge(Said { gs2: "y,,", ..RIGHT }, true)]
#[case::oneself(Said { gs2: "n,a=user,", ..RIGHT }, true)]
#[case::extension(Said { bare: "n=user,r=abc,x=1", extensions: ",y=a=b", ..RIGHT }, true)]
#[case::oneself_unprepared(Said { gs2: "n,a=us\u{ad}er,", bare: "n=u\u{ad}ser,r=abc", ..RIGHT }, true)]
#[case::somebody_else(Said { gs2: "n,a=tom,", ..RIGHT }, false)]
#[case::wrong_password(Said { password: "pencils", ..RIGHT }, false)]
#[case::stranger(Said { bare: "n=tom,r=abc", ..RIGHT }, false)]
#[case::other_binding(Said { binding: Some(b"y,,"), ..RIGHT }, false)]
#[case::other_authzid(Said { gs2: "n,a=user,", binding: Some(b"n,,"), ..RIGHT }, false)]
#[case::data_out_of_nowhere(Said { binding: Some(b"n,,data"), ..RIGHT }, false)]
#[case::binding_without_plus(Said { gs2: "p=tls-exporter,,", ..RIGHT }, false)]
#[case::shorter_nonce(Said { nonce: |nonce| nonce[..nonce.len() - 1].to_owned(), ..RIGHT }, false)]
#[case::longer_nonce(Said { nonce: |nonce| format!("{nonce}x"), ..RIGHT }, false)]
#[case::own_nonce(Said { nonce: |_| "abc".to_owned(), ..RIGHT }, false)]
#[case::mandatory_extension(Said { bare: "m=foo,n=user,r=abc", ..RIGHT }, false)]
#[case::mandatory_extension_later(Said { extensions: ",m=foo", ..RIGHT }, false)]
#[case::wrong_order(Said { bare: "r=abc,n=user", ..RIGHT }, false)]
#[case::wrong_case(Said { bare: "N=user,R=abc", ..RIGHT }, false)]
#[case::empty_nonce(Said { bare: "n=user,r=", ..RIGHT }, false)]
#[case::no_nonce(Said { bare: "n=user", ..RIGHT }, false)]
#[case::blank_in_the_nonce(Said { bare: "n=user,r=a c", ..RIGHT }, false)]
#[case::bad_escape(Said { bare: "n=us=er,r=abc", ..RIGHT }, false)]
#[case::bad_flag(Said { gs2: "x,,", ..RIGHT }, false)]
#[case::empty_extension(Said { bare: "n=user,r=abc,x=", ..RIGHT }, false)]
#[case::no_extension(Said { bare: "n=user,r=abc,", ..RIGHT }, false)]
fn without_binding(#[case] said: Said<'_>, #[case] right: bool) {
    assert_eq!(succeeds(&said, unbound()), right);
}

#[rstest]
#[case::exporter(Said { plus: true, gs2: "p=tls-exporter,,", ..RIGHT }, true)]
#[case::end_point(Said { plus: true, gs2: "p=tls-server-end-point,,", ..RIGHT }, true)]
#[case::none_under_plus(Said { plus: true, ..RIGHT }, false)]
#[case::unoffered_under_plus(Said { plus: true, gs2: "y,,", ..RIGHT }, false)]
#[case::unique(Said { plus: true, gs2: "p=tls-unique,,", ..RIGHT }, false)]
#[case::unknown(Said { plus: true, gs2: "p=tls-future,,", ..RIGHT }, false)]
#[case::no_data(Said { plus: true, gs2: "p=tls-exporter,,", binding: Some(b"p=tls-exporter,,"), ..RIGHT }, false)]
#[case::other_data(Said { plus: true, gs2: "p=tls-exporter,,", binding: Some(b"p=tls-exporter,,0123456789abcdef0123456789abcdef"), ..RIGHT }, false)]
#[case::bare(RIGHT, true)]
#[case::taken_from_the_offer(Said { gs2: "y,,", ..RIGHT }, false)]
fn with_binding(#[case] said: Said<'_>, #[case] right: bool) {
    assert_eq!(succeeds(&said, channel()), right);
}

#[test]
fn a_signature_is_acknowledged_by_nothing() {
    let vector = &vectors("SCRAM")[1];
    let (mut scram, accounts) = exchange(vector, unbound());
    let first = word(vector, "client_first").as_bytes();
    let suffix = word(vector, "server_nonce_suffix");
    scram.challenge(first, &accounts, suffix).unwrap();
    scram.answer(word(vector, "client_final").as_bytes(), &accounts);
    let step = scram.answer(b"x", &accounts);
    assert!(matches!(step, Step::End(Outcome::Malformed(_))), "{step:?}");
}

#[rstest]
#[case::empty("")]
#[case::cut(&RECORDED[..RECORDED.len() - 5])]
#[case::no_proof("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")]
#[case::proof_not_last(RECORDED_WITH_TAIL)]
#[case::recorded(RECORDED)]
fn a_final_message_that_proves_nothing(#[case] last: &str) {
    let (mut scram, accounts) = exchange(&vectors("SCRAM")[1], unbound());
    // Another nonce than the recorded one.
    scram.answer(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", &accounts);
    let step = scram.answer(last.as_bytes(), &accounts);
    assert!(
        matches!(step, Step::End(Outcome::Refused(_) | Outcome::Malformed(_))),
        "{step:?}"
    );
}

#[test]
fn negative_material() {
    let material = material();
    for first in material.values().filter_map(Value::as_str) {
        let first = first.replace("...", "abc");
        if !first.contains(",,") || first.contains(' ') {
            continue;
        }
        let (mut scram, accounts) = exchange(&vectors("SCRAM")[1], unbound());
        let step = scram.answer(first.as_bytes(), &accounts);
        assert!(
            matches!(step, Step::End(Outcome::Refused(_) | Outcome::Malformed(_))),
            "{first}"
        );
    }
    for (header, encoded) in material["c_attribute"].as_object().unwrap() {
        let binding = STANDARD.decode(encoded.as_str().unwrap()).unwrap();
        let said = Said {
            binding: Some(&binding),
            ..RIGHT
        };
        assert_eq!(succeeds(&said, unbound()), header == "n,,", "{header}");
    }
}

fn material() -> serde_json::Map<String, Value> {
    let all: Value = serde_json::from_str(crate::auth::tests::VECTORS).unwrap();
    all["SCRAM_negative_material"].as_object().unwrap().clone()
}

/// The client-final-message of RFC 7677, section 3.
const RECORDED: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const RECORDED_WITH_TAIL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=,x=1";
