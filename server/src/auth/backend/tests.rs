//! What a configuration is refused for, and what a made account can do.

use super::*;
use rstest::rstest;

use accounts::tests::cheap_hash;

/// A configuration with a user file and some mechanisms.
fn config(file: &str, mechanisms: &[Mechanism]) -> (Config, tempfile::NamedTempFile) {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), file).unwrap();
    let mut config = Config::modern("msa.example.org", "unused");
    config.listeners = vec!["127.0.0.1:0".parse().unwrap()];
    config.mechanisms = mechanisms.to_vec();
    config.user_file = Some(path.path().to_owned());
    (config, path)
}

const KEY: &str = "stranger_key = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";

#[rstest]
#[case::cram_md5(
    Mechanism::CramMd5,
    "CRAM-MD5 needs the secret itself, and alice has none"
)]
#[case::scram(
    Mechanism::ScramSha1,
    "SCRAM-SHA-1 needs keys made from the secret, and alice has none"
)]
fn an_account_that_cannot_serve_is_named(#[case] mechanism: Mechanism, #[case] sentence: &str) {
    let file = format!(
        "{KEY}[users.alice]\nargon2 = \"{}\"\n",
        cheap_hash("secret")
    );
    let (config, _file) = config(&file, &[Mechanism::Plain, mechanism]);
    let error = config.validate().unwrap_err().to_string();
    assert_eq!(error, format!("mechanisms: {sentence}"));
}

#[test]
fn a_secret_is_kept_only_where_it_is_asked_for() {
    let file = "[users.alice]\nsecret = \"secret\"\n";
    let (mut config, _file) = config(file, &[Mechanism::Plain]);
    let error = config.validate().unwrap_err().to_string();
    assert!(error.contains("alice has a secret, and no"), "{error}");
    config.mechanisms.push(Mechanism::CramMd5);
    assert_eq!(config.validate(), Ok(()));
}

#[test]
fn strangers_need_a_key_that_stays() {
    let file = "[users.alice]\nsecret = \"secret\"\n";
    let mechanisms = [Mechanism::CramMd5, Mechanism::ScramSha256];
    let (without, _file) = config(file, &mechanisms);
    let error = without.validate().unwrap_err().to_string();
    assert!(error.contains("needs stranger_key"), "{error}");
    let (with, _file) = config(&format!("{KEY}{file}"), &mechanisms);
    assert_eq!(with.validate(), Ok(()));
}

#[test]
fn one_name_is_in_one_place() {
    let file = format!("[users.alice]\nargon2 = \"{}\"\n", cheap_hash("secret"));
    let (mut config, _file) = config(&file, &[Mechanism::Plain]);
    config.users.insert("alice".to_owned(), "other".to_owned());
    let error = config.validate().unwrap_err().to_string();
    assert!(error.contains("in the user file too"), "{error}");
}

#[tokio::test]
async fn a_made_account_is_read_back() {
    let mechanisms = [
        Mechanism::Plain,
        Mechanism::ScramSha1,
        Mechanism::ScramSha256Plus,
        Mechanism::CramMd5,
    ];
    let account = Account::make("I\u{ad}X", &mechanisms).unwrap();
    let file = format!("{KEY}{}", account.to_toml("a,b=c"));
    let (config, _file) = config(&file, &mechanisms);
    assert_eq!(config.validate(), Ok(()));
    let users = file::accounts(&config).unwrap();
    assert_eq!(users.accounts["a,b=c"], account);
    let backends = Backends::new(&config).unwrap();
    let accepted = Outcome::Accepted("a,b=c".to_owned());
    assert_eq!(
        backends.check("a,b=c", "\u{2168}", Rank::default()).await,
        accepted
    );
}

#[rstest]
#[case("")]
#[case("\u{ad}")]
#[case("a\u{7}")]
fn no_account_is_made_of_nothing(#[case] password: &str) {
    let made = Account::make(password, &[Mechanism::Plain]);
    assert_eq!(made, Err(AccountError::Prohibited));
}
