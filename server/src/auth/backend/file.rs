//! The accounts of the configuration and of its user file, whose form [`Account`] describes.

mod table;

use std::collections::BTreeMap;

use super::account::Account;
use super::accounts::prepare;
use crate::auth::mechanism::Need;
use crate::config::{Config, ConfigError};

/// What configuration and user file say together.
#[derive(Default)]
pub(super) struct Users {
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) stranger_key: Option<Vec<u8>>,
}

/// The accounts of the configuration and of its user file. One name is in one of them.
pub(super) fn accounts(config: &Config) -> Result<Users, ConfigError> {
    let mut users = match &config.user_file {
        Some(path) => table::read(path).or_else(|fault| refuse("user_file", fault))?,
        None => Users::default(),
    };
    let asked = config
        .mechanisms
        .iter()
        .any(|mechanism| mechanism.need() == Need::Secret);
    for (name, account) in &users.accounts {
        if account.secret.is_some() && !asked {
            let fault = format!("{name} has a secret, and no mechanism offered asks for that");
            return refuse("user_file", fault);
        }
    }
    for (name, secret) in &config.users {
        let account = Account::of_secret(secret);
        if users.accounts.insert(name.clone(), account).is_some() {
            return refuse("users", format!("{name} is in the user file too"));
        }
    }
    let mut prepared = BTreeMap::new();
    for (name, account) in &users.accounts {
        // An empty password would do for what SASLprep makes empty.
        let secret = account.secret.as_deref();
        if prepare(name).is_empty() || secret.is_some_and(|secret| prepare(secret).is_empty()) {
            return refuse("users", format!("{name} is empty or has an empty secret"));
        }
        if let Some(other) = prepared.insert(prepare(name), name) {
            return refuse(
                "users",
                format!("{other} and {name} are one name to SASLprep"),
            );
        }
    }
    Ok(users)
}

fn refuse(key: &'static str, message: String) -> Result<Users, ConfigError> {
    Err(ConfigError::Value { key, message })
}
