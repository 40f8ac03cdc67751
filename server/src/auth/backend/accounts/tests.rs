use super::*;
use rstest::rstest;

use crate::auth::backend::argon2id;

#[rstest]
#[case("alice", "IX", true)]
#[case("alice", "\u{2168}", true)]
#[case("al\u{ad}ice", "I\u{ad}X", true)]
#[case("alice", "ix", false)]
#[case("alice", "IX\u{7}", false)]
#[case("alice", "\u{ad}", false)]
#[case("\u{ad}", "IX", false)]
#[case("bob", "nobody's secret", false)]
#[tokio::test]
async fn passwords_are_prepared(#[case] user: &str, #[case] password: &str, #[case] right: bool) {
    let hash = cheap_hash("IX");
    assert_eq!(argon2id::fault(&hash), None);
    let hashed = Account {
        argon2: Some(hash),
        ..Account::default()
    };
    let hashed = BTreeMap::from([("alice".to_owned(), hashed)]);
    for accounts in [
        Accounts::of_secrets([("alice", "\u{2168}")], &[]),
        Accounts::new(hashed, None, &[]),
    ] {
        let outcome = accounts.check(user, password, Rank::default()).await;
        assert_eq!(outcome == Outcome::Accepted("alice".to_owned()), right);
        assert!(right || matches!(outcome, Outcome::Refused(_)));
    }
}

#[tokio::test]
async fn nobody_can_log_in_where_there_are_no_accounts() {
    let accounts = Accounts::of_secrets([], &[]);
    let outcome = accounts
        .check("alice", "nobody's secret", Rank::default())
        .await;
    assert!(matches!(outcome, Outcome::Refused(_)));
    assert!(!accounts.of("alice").exists());
    assert!(!accounts.keys("alice", Hash::Sha1).exists);
}

#[test]
fn a_stranger_s_keys_look_like_somebody_s() {
    let mechanisms = [Mechanism::ScramSha1, Mechanism::ScramSha256Plus];
    let accounts = Accounts::of_secrets([("alice", "secret"), ("bob", "secret")], &mechanisms);
    for hash in [Hash::Sha1, Hash::Sha256] {
        let (alice, bob) = (accounts.keys("alice", hash), accounts.keys("bob", hash));
        assert!(alice.exists && bob.exists);
        assert_ne!(alice.keys.salt, bob.keys.salt);
        let (tom, again) = (accounts.keys("tom", hash), accounts.keys("to\u{ad}m", hash));
        assert!(!tom.exists);
        assert_eq!(tom.keys, again.keys);
        assert_ne!(tom.keys, accounts.keys("tim", hash).keys);
        assert_eq!(tom.keys.salt.len(), alice.keys.salt.len());
        assert_eq!(tom.keys.iterations, alice.keys.iterations);
    }
}

#[test]
fn a_stranger_is_told_the_same_after_a_restart() {
    let start = || Accounts::of_secrets([("alice", "secret")], &[Mechanism::ScramSha256]);
    let asked = |accounts: Accounts| accounts.keys("tom", Hash::Sha256).keys;
    assert_eq!(asked(start()), asked(start()));
}

#[tokio::test]
async fn a_stranger_costs_the_check_that_a_user_costs() {
    let account = Account {
        argon2: Some(cheap_hash("secret")),
        ..Account::default()
    };
    let users = BTreeMap::from([("alice".to_owned(), account.clone())]);
    let accounts = Accounts::new(users, None, &[]);
    let tom = accounts.known("tom", None);
    assert!(!tom.exists);
    assert_eq!(tom.account.argon2, account.argon2);
    let reason = "no such user, or the password is wrong";
    for (user, password) in [("alice", "wrong"), ("tom", "wrong"), ("tom", "secret")] {
        let outcome = accounts.check(user, password, Rank::default()).await;
        assert_eq!(outcome, Outcome::Refused(reason));
    }
}

/// Argon2's least cost: most tests are about other things.
pub(crate) fn cheap_hash(password: &str) -> String {
    hash(password, argon2::Params::MIN_M_COST)
}

fn hash(password: &str, memory: u32) -> String {
    use argon2::password_hash::{PasswordHasher, SaltString};
    let cost = argon2::Params::new(memory, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cost);
    let salt = SaltString::encode_b64(b"saltsaltsalt").unwrap();
    let hash = argon2.hash_password(password.as_bytes(), &salt).unwrap();
    hash.to_string()
}
