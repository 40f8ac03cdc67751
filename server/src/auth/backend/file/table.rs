//! Reading the user file; what is wrong with it is said without any of its values.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Users;
use crate::auth::backend::account::Account;
use crate::auth::backend::argon2id;
use crate::auth::scram::Keys;

/// Octets of a key that cannot be guessed.
const KEY: usize = 32;

pub(super) fn read(path: &Path) -> Result<Users, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|fault| format!("{}: {fault}", path.display()))
}

fn parse(text: &str) -> Result<Users, String> {
    // The parser's own message may quote a value.
    let file: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let place = error.span().map_or(0, |span| span.start);
        let line = 1 + text
            .bytes()
            .take(place)
            .filter(|octet| *octet == b'\n')
            .count();
        format!("line {line}: not TOML")
    })?;
    let mut users = Users::default();
    for (key, value) in file {
        match (key.as_str(), value) {
            ("stranger_key", value) => users.stranger_key = Some(stranger_key(&value)?),
            ("users", toml::Value::Table(table)) => {
                for (name, value) in table {
                    let account =
                        account(value).map_err(|fault| format!("users.{name}: {fault}"))?;
                    if name.is_empty() {
                        return Err("users: an empty name".to_owned());
                    }
                    users.accounts.insert(name, account);
                }
            }
            ("users", _) => return Err("users: not a table".to_owned()),
            _ => return Err(format!("{key}: unknown; known are stranger_key and users")),
        }
    }
    Ok(users)
}

fn stranger_key(value: &toml::Value) -> Result<Vec<u8>, String> {
    value
        .as_str()
        .and_then(|text| STANDARD.decode(text).ok())
        .filter(|key| key.len() >= KEY)
        .ok_or_else(|| "stranger_key: not base64 of 32 octets or more".to_owned())
}

fn account(value: toml::Value) -> Result<Account, String> {
    let toml::Value::Table(table) = value else {
        return Err("not a table".to_owned());
    };
    let mut account = Account::default();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("argon2", toml::Value::String(hash)) => {
                if let Some(fault) = argon2id::fault(&hash) {
                    return Err(format!("argon2: {fault}"));
                }
                account.argon2 = Some(hash);
            }
            ("scram", toml::Value::Array(all)) => {
                for keys in all {
                    let text = keys.as_str().ok_or("scram: not strings")?;
                    let (hash, keys) =
                        Keys::read(text).map_err(|fault| format!("scram: {fault}"))?;
                    if account.keys(hash).is_some() {
                        return Err("scram: one hash twice".to_owned());
                    }
                    account.scram.push((hash, keys));
                }
            }
            ("secret", toml::Value::String(secret)) if !secret.is_empty() => {
                account.secret = Some(secret);
            }
            ("argon2" | "secret", _) => return Err(format!("{key}: not a string, or empty")),
            ("scram", _) => return Err("scram: not a list of strings".to_owned()),
            _ => {
                return Err(format!(
                    "{key}: unknown; known are argon2, scram and secret"
                ));
            }
        }
    }
    Ok(account)
}

#[cfg(test)]
mod tests;
