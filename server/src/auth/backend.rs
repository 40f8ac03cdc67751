//! Who knows whether credentials are right, and whether that is enough for what is offered.

mod account;
mod accounts;
mod argon2id;
mod file;
mod saslauthd;
mod strangers;
mod tokens;

use super::mechanism::Need;
use super::{Mechanism, Outcome};
use crate::config::{Config, ConfigError};
use crate::limits::Rank;
use file::Users;

pub use account::{Account, AccountError};
pub(crate) use accounts::{Accounts, prepare};
use saslauthd::Saslauthd;
pub(crate) use tokens::Tokens;

/// Where credentials are checked: plain passwords at saslauthd if there is one, tokens against
/// their list, everything else against the accounts.
pub(crate) struct Backends {
    accounts: Accounts,
    tokens: Tokens,
    saslauthd: Option<Saslauthd>,
}

impl Backends {
    /// Reads the user file, and makes the keys that the mechanisms want from secrets.
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let users = file::accounts(config)?;
        Ok(Backends {
            accounts: Accounts::new(users.accounts, users.stranger_key, &config.mechanisms),
            tokens: Tokens::new(&config.tokens),
            saslauthd: config.saslauthd.clone().map(Saslauthd::new),
        })
    }

    /// Checks a name and a plain password, for lower ranks first where it has to wait.
    pub(super) async fn check(&self, user: &str, password: &str, rank: Rank) -> Outcome {
        if user.is_empty() || password.is_empty() {
            return Outcome::Refused("an empty name or password");
        }
        match &self.saslauthd {
            Some(saslauthd) => saslauthd.check(user, password, rank).await,
            None => self.accounts.check(user, password, rank).await,
        }
    }

    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

/// Whether every mechanism that is offered can succeed for every account: a client takes the
/// strongest one it finds, and must not find one that cannot work.
pub(crate) fn check_backends(config: &Config) -> Result<(), ConfigError> {
    let users = file::accounts(config)?;
    if let Some(message) = tokens::fault(&config.tokens) {
        return Err(ConfigError::Value {
            key: "tokens",
            message,
        });
    }
    config
        .mechanisms
        .iter()
        .try_for_each(|mechanism| serve(config, &users, *mechanism))
}

fn serve(config: &Config, users: &Users, mechanism: Mechanism) -> Result<(), ConfigError> {
    let need = mechanism.need();
    let what = match need {
        Need::Nothing => return Ok(()),
        Need::Tokens if config.tokens.is_empty() => {
            return unserved(mechanism, "needs tokens, and there are none");
        }
        Need::Authorities if config.client_ca.is_none() => {
            return unserved(
                mechanism,
                "needs client_ca, which says whose certificates count",
            );
        }
        Need::Tokens | Need::Authorities => return Ok(()),
        Need::Password if config.saslauthd.is_some() => return Ok(()),
        Need::Password => "an argon2 hash or the secret itself",
        Need::Secret => "the secret itself",
        Need::Keys(_) => "keys made from the secret",
    };
    let without = users
        .accounts
        .iter()
        .find(|(_, account)| !account.serves(need));
    match without {
        Some((name, _)) => unserved(mechanism, format!("needs {what}, and {name} has none")),
        // A server without accounts refuses every password, as it should.
        None if need == Need::Password => Ok(()),
        None if users.accounts.is_empty() && config.saslauthd.is_some() => unserved(
            mechanism,
            format!("needs {what}; saslauthd can only check plain passwords"),
        ),
        None if users.accounts.is_empty() => {
            unserved(mechanism, format!("needs {what}, and there are no users"))
        }
        None if need != Need::Secret
            && config.user_file.is_some()
            && users.stranger_key.is_none() =>
        {
            unserved(
                mechanism,
                "needs stranger_key in the user file: what unknown names are told would change at \
                 each start, and give them away",
            )
        }
        None => Ok(()),
    }
}

fn unserved(mechanism: Mechanism, reason: impl Into<String>) -> Result<(), ConfigError> {
    Err(ConfigError::Unserved {
        mechanism,
        reason: reason.into(),
    })
}

#[cfg(test)]
mod tests;
