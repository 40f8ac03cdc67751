use super::*;
use rstest::rstest;

use crate::auth::mechanism::Need;

const KEYS: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$7FvCo2hBqxQWZCCzMwDOvQ";

#[test]
fn a_file_is_read_whole() {
    let text = format!(
        "stranger_key = \"{}\"\n[users.alice]\nargon2 = \"{HASH}\"\nscram = [\"{KEYS}\"]\n\
         [users.\"a,b=c\"]\nsecret = \"secret\"\n",
        STANDARD.encode([7; 32])
    );
    let users = parse(&text).unwrap();
    assert_eq!(users.stranger_key, Some(vec![7; 32]));
    let alice = &users.accounts["alice"];
    assert!(alice.serves(Need::Password) && !alice.serves(Need::Secret));
    assert!(users.accounts["a,b=c"].serves(Need::Secret));
    assert!(!format!("{:?}", users.accounts).contains("secret\""));
}

#[rstest]
#[case("users = 1", "users: not a table")]
#[case("user = {}", "user: unknown")]
#[case("stranger_key = \"c2VjcmV0\"", "stranger_key")]
#[case(
    "[users.alice]\npassword = \"secret\"",
    "users.alice: password: unknown"
)]
#[case("[users.alice]\nsecret = \"\"", "users.alice: secret")]
#[case("[users.alice]\nargon2 = \"secret\"", "PHC's form")]
#[case(
    "[users.alice]\nargon2 = \"$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$7FvCo2hBqxQWZCCzMwDOvQ\"",
    "not argon2id"
)]
#[case(
    "[users.alice]\nargon2 = \"$argon2id$v=19$m=1000000,t=1,p=1$c2FsdHNhbHRzYWx0$7FvCo2hBqxQWZCCzMwDOvQ\"",
    "costs more"
)]
#[case("[users.alice]\nargon2 = \"$argon2id$v=19$m=8,t=1,p=1\"", "no salt")]
#[case("[users.alice]\nscram = \"secret\"", "not a list")]
#[case("[users.alice]\nscram = [\"secret\"]", "scram: not SCRAM")]
#[case("[users.alice]\nsecret = secret\n", "line 2: not TOML")]
#[case("[users.\"\"]\n", "an empty name")]
fn faults_are_named_and_no_secret_is_shown(#[case] text: &str, #[case] fault: &str) {
    let found = parse(text).err().unwrap();
    assert!(found.contains(fault), "{found}");
    assert!(
        !found.contains("secret\"") && !found.contains("= secret"),
        "{found}"
    );
}

#[test]
fn one_hash_has_one_key() {
    let found = parse(&format!("[users.alice]\nscram = [\"{KEYS}\", \"{KEYS}\"]")).err();
    assert!(found.unwrap().contains("twice"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\PC|\n){0,200}") {
        let _ = parse(&text);
        let _ = Keys::read(&text);
        let _ = argon2id::fault(&text);
    }
}
