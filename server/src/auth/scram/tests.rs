//! SCRAM against vectors, altered exchanges and a client that somebody else wrote.

mod altered;
mod rsasl_client;

use serde_json::Value;

use super::*;
use crate::auth::backend::Accounts;
use crate::auth::tests::{vectors, word};

/// What every vector of RFC 7677 has.
const USER: &str = "user";
const PASSWORD: &str = "pencil";

/// Iterations of keys that no vector prescribes: tests are to be quick.
const FEW: u32 = 8;

fn octets(count: u8) -> Vec<u8> {
    (0..count).collect()
}

/// The bindings that the vectors made up.
fn channel() -> Channel {
    Channel::bound(&octets(32), &octets(32), None)
}

fn hash(vector: &Value) -> Hash {
    if word(vector, "mechanism").starts_with("SCRAM-SHA-1") {
        Hash::Sha1
    } else {
        Hash::Sha256
    }
}

fn keys(vector: &Value) -> Keys {
    let password = stringprep::saslprep(word(vector, "password")).unwrap();
    let salt = STANDARD.decode(word(vector, "salt_base64")).unwrap();
    let iterations = u32::try_from(vector["iterations"].as_u64().unwrap()).unwrap();
    Keys::derive(hash(vector), &password, salt, iterations)
}

/// An exchange of a vector, and the accounts it is checked with.
fn exchange(vector: &Value, channel: Channel) -> (Scram, Accounts) {
    let plus = word(vector, "mechanism").ends_with("-PLUS");
    let accounts = Accounts::of_keys(word(vector, "user"), hash(vector), keys(vector));
    (Scram::new(hash(vector), plus, channel), accounts)
}

fn challenge(text: &str) -> Step {
    Step::Challenge(text.as_bytes().to_vec())
}

#[test]
fn vectors_are_answered() {
    let mut answered = 0;
    for vector in vectors("SCRAM") {
        let (mut scram, accounts) = exchange(&vector, channel());
        scram.bindings.offered = scram.plus;
        let first = word(&vector, "client_first").as_bytes();
        let step = scram.challenge(first, &accounts, word(&vector, "server_nonce_suffix"));
        if word(&vector, "gs2_header").contains("tls-unique") {
            // TLS 1.3 has none (RFC 9266, section 3), and nothing older is bound to.
            assert!(matches!(step, Err(Outcome::Refused(_))), "{vector}");
            continue;
        }
        assert_eq!(step, Ok(challenge(word(&vector, "server_first"))));
        let step = scram.answer(word(&vector, "client_final").as_bytes(), &accounts);
        assert_eq!(step, challenge(word(&vector, "server_final")), "{vector}");
        let step = scram.answer(b"", &accounts);
        let user = word(&vector, "user").to_owned();
        assert_eq!(step, Step::End(Outcome::Accepted(user)));
        answered += 1;
    }
    assert_eq!(answered, 9);
}

#[test]
fn keys_are_those_of_the_vectors() {
    for vector in vectors("SCRAM") {
        let (hash, keys) = (hash(&vector), keys(&vector));
        let intermediate = &vector["intermediate_hex"];
        let hex = crate::auth::hex;
        assert_eq!(hex(&keys.stored), word(intermediate, "StoredKey"));
        assert_eq!(hex(&keys.server), word(intermediate, "ServerKey"));
        assert_eq!(Keys::read(&keys.written(hash)), Ok((hash, keys)));
    }
}

#[rstest::rstest]
#[case("SCRAM-SHA-256", "not SCRAM")]
#[case("SCRAM-SHA-512$4096:c2FsdHNhbHQ=$AA==:AA==", "neither")]
#[case("SCRAM-SHA-1$4095:c2FsdHNhbHQ=$AA==:AA==", "4096 at least")]
#[case("SCRAM-SHA-1$1000001:c2FsdHNhbHQ=$AA==:AA==", "1000000 at most")]
#[case("SCRAM-SHA-1$99999999999:c2FsdHNhbHQ=$AA==:AA==", "not SCRAM")]
#[case("SCRAM-SHA-1$4096:c2FsdA==$AA==:AA==", "a salt")]
#[case("SCRAM-SHA-1$4096:c2FsdHNhbHQ=$AA==:AA==", "a key")]
#[case("SCRAM-SHA-1$4096:c2FsdHNhbHQ=$AA==:A", "not SCRAM")]
fn keys_that_are_none(#[case] text: &str, #[case] fault: &str) {
    let found = Keys::read(text).unwrap_err();
    assert!(found.contains(fault), "{found}");
}

#[test]
fn a_stranger_is_challenged_as_a_user_is() {
    let vector = &vectors("SCRAM")[1];
    let ask = |name: &str, mechanism: Hash| {
        let (_, accounts) = exchange(vector, channel());
        let mut scram = Scram::new(mechanism, false, Channel::default());
        match scram.answer(format!("n,,n={name},r=abc").as_bytes(), &accounts) {
            Step::Challenge(text) => {
                let text = String::from_utf8(text).unwrap();
                let (nonce, rest) = text.split_once(',').unwrap();
                assert_eq!(nonce.len(), "r=abc".len() + 32);
                rest.to_owned()
            }
            end => panic!("{end:?}"),
        }
    };
    let known = ask("user", Hash::Sha256);
    let stranger = ask("tom", Hash::Sha256);
    assert_eq!(stranger, ask("tom", Hash::Sha256));
    assert_ne!(stranger, ask("tim", Hash::Sha256));
    assert_ne!(stranger, ask("tom", Hash::Sha1));
    assert_eq!(known.len(), stranger.len());
    assert!(stranger.ends_with("=,i=4096") || stranger.ends_with(",i=4096"));
}

#[test]
fn nonces_are_fresh() {
    let ask = || {
        let (mut scram, accounts) = exchange(&vectors("SCRAM")[1], channel());
        scram.answer(b"n,,n=user,r=abc", &accounts)
    };
    assert_ne!(ask(), ask());
}
