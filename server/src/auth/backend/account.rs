//! What is kept of one user's password.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stringprep::saslprep;

use super::argon2id;
use crate::auth::Mechanism;
use crate::auth::mechanism::Need;
use crate::auth::scram::{Hash, ITERATIONS, Keys};

/// What a user file keeps of one user's password: an argon2 hash for PLAIN and LOGIN, keys for
/// SCRAM (RFC 5802, section 3), and the secret itself where CRAM-MD5 or DIGEST-MD5 asks for it.
///
/// A user file is TOML with one table a user. Every account needs what each of the mechanisms
/// offered asks for: a client takes the strongest one it finds.
///
/// ```toml
/// # Base64 of 32 octets or more, made once and kept: what SCRAM tells names that nobody has is
/// # computed from it, and gives them away if it changes. Needed only where SCRAM is offered.
/// stranger_key = "…"
///
/// [users.alice]
/// # Argon2id in PHC's form, of the password as SASLprep prepares it.
/// argon2 = "$argon2id$v=19$m=19456,t=2,p=1$…$…"
/// # One for each hash, in the form of RFC 5803: iterations, salt, StoredKey, ServerKey.
/// scram = ["SCRAM-SHA-1$4096:…$…:…", "SCRAM-SHA-256$4096:…$…:…"]
/// # The password itself; refused where neither CRAM-MD5 nor DIGEST-MD5 is offered.
/// secret = "…"
/// ```
///
/// ```
/// use msaspec_server::{Account, Mechanism};
///
/// let account = Account::make("secret", &[Mechanism::ScramSha256])?;
/// assert!(account.to_toml("alice").starts_with("[users.alice]"));
/// # Ok::<(), msaspec_server::AccountError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// In PHC's form.
    pub(super) argon2: Option<String>,
    pub(super) scram: Vec<(Hash, Keys)>,
    pub(super) secret: Option<String>,
}

/// Why nothing can be kept of a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// SASLprep prohibits a character, or leaves nothing (RFC 4013).
    #[error("the password holds a character that SASLprep prohibits, or nothing else")]
    Prohibited,
    /// The operating system gave no random octets, or the hash could not be computed.
    #[error("{0}")]
    Failed(String),
}

impl Account {
    /// Keeps what `mechanisms` need of a password, and no more. Takes a good part of a second.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub fn make(password: &str, mechanisms: &[Mechanism]) -> Result<Self, AccountError> {
        let prepared = saslprep(password).map_err(|_| AccountError::Prohibited)?;
        if prepared.is_empty() {
            return Err(AccountError::Prohibited);
        }
        let mut account = Account::default();
        for mechanism in mechanisms {
            match mechanism.need() {
                Need::Password if account.argon2.is_none() => {
                    account.argon2 = Some(argon2id::hash(&prepared, &salt()?)?);
                }
                Need::Keys(hash) if account.keys(hash).is_none() => {
                    let keys = Keys::derive(hash, &prepared, salt()?.to_vec(), ITERATIONS);
                    account.scram.push((hash, keys));
                }
                Need::Secret => account.secret = Some(password.to_owned()),
                _ => {}
            }
        }
        Ok(account)
    }

    /// The table of a user file for this account, with its heading `[users.NAME]`.
    pub fn to_toml(&self, name: &str) -> String {
        let text = |text: &String| toml::Value::String(text.clone());
        let mut table = toml::Table::new();
        if let Some(argon2) = &self.argon2 {
            table.insert("argon2".to_owned(), text(argon2));
        }
        if !self.scram.is_empty() {
            let keys = self
                .scram
                .iter()
                .map(|(hash, keys)| text(&keys.written(*hash)));
            table.insert("scram".to_owned(), toml::Value::Array(keys.collect()));
        }
        if let Some(secret) = &self.secret {
            table.insert("secret".to_owned(), text(secret));
        }
        let users = toml::Table::from_iter([(name.to_owned(), toml::Value::Table(table))]);
        toml::Table::from_iter([("users".to_owned(), toml::Value::Table(users))]).to_string()
    }

    /// A new `stranger_key` for a user file, in base64.
    ///
    /// # Errors
    /// [`AccountError::Failed`] without random octets.
    pub fn stranger_key() -> Result<String, AccountError> {
        let mut key = [0; 32];
        random(&mut key)?;
        Ok(STANDARD.encode(key))
    }

    pub(super) fn of_secret(secret: impl Into<String>) -> Self {
        Account {
            secret: Some(secret.into()),
            ..Account::default()
        }
    }

    pub(super) fn keys(&self, hash: Hash) -> Option<&Keys> {
        let (_, keys) = self.scram.iter().find(|(known, _)| *known == hash)?;
        Some(keys)
    }

    /// Whether this is enough for a mechanism.
    pub(super) fn serves(&self, need: Need) -> bool {
        match need {
            Need::Password => self.argon2.is_some() || self.secret.is_some(),
            Need::Secret => self.secret.is_some(),
            Need::Keys(hash) => self.keys(hash).is_some() || self.secret.is_some(),
            Need::Tokens | Need::Authorities | Need::Nothing => true,
        }
    }
}

impl fmt::Debug for Account {
    /// What there is, without it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("argon2", &self.argon2.is_some())
            .field("scram", &self.scram)
            .field("secret", &self.secret.is_some())
            .finish()
    }
}

fn salt() -> Result<[u8; 16], AccountError> {
    let mut salt = [0; 16];
    random(&mut salt)?;
    Ok(salt)
}

fn random(octets: &mut [u8]) -> Result<(), AccountError> {
    getrandom::fill(octets).map_err(|error| AccountError::Failed(error.to_string()))
}
