//! The accounts, looked up without telling which of them exist: a stranger is given a stand-in,
//! an account whose checks cost what others' do and whose result does not count.

use std::borrow::Cow;
use std::collections::BTreeMap;

use stringprep::saslprep;
use subtle::ConstantTimeEq;

use super::account::Account;
use super::argon2id::Workers;
use super::strangers::Strangers;
use crate::auth::mechanism::Need;
use crate::auth::scram::{Hash, ITERATIONS, Keys};
use crate::auth::{Mechanism, Outcome};
use crate::limits::Rank;

/// All accounts.
pub(crate) struct Accounts {
    accounts: Vec<Account>,
    names: BTreeMap<String, usize>,
    /// The same prepared by SASLprep, for mechanisms that ask for it (RFC 4616, section 2; RFC
    /// 5802, section 5.1).
    prepared: BTreeMap<String, usize>,
    /// The stand-in where there is nobody at all.
    nobody: Account,
    strangers: Strangers,
    workers: Workers,
}

/// What is known about a name; for a stranger there is something to compute with all the same.
pub(crate) struct Known<'a> {
    account: &'a Account,
    exists: bool,
}

/// What SCRAM knows about a name.
pub(crate) struct KnownKeys {
    /// The name, prepared.
    pub(crate) user: String,
    pub(crate) keys: Keys,
    pub(crate) exists: bool,
}

impl Accounts {
    /// Keys are made from secrets where a mechanism wants them.
    pub(crate) fn new(
        users: BTreeMap<String, Account>,
        stranger_key: Option<Vec<u8>>,
        mechanisms: &[Mechanism],
    ) -> Self {
        let mut all = Accounts {
            accounts: Vec::new(),
            names: BTreeMap::new(),
            prepared: BTreeMap::new(),
            nobody: Account::of_secret("nobody's secret"),
            strangers: Strangers::new(stranger_key),
            workers: Workers::new(),
        };
        for (name, mut account) in users {
            all.derive(&name, &mut account, mechanisms);
            all.prepared
                .insert(prepare(&name).into_owned(), all.accounts.len());
            all.names.insert(name, all.accounts.len());
            all.accounts.push(account);
        }
        all
    }

    fn derive(&self, name: &str, account: &mut Account, mechanisms: &[Mechanism]) {
        for mechanism in mechanisms {
            if let (Need::Keys(hash), Some(secret)) = (mechanism.need(), &account.secret)
                && account.keys(hash).is_none()
            {
                let salt = self.strangers.short_salt(&prepare(name), hash);
                let keys = Keys::derive(hash, &prepare(secret), salt, ITERATIONS);
                account.scram.push((hash, keys));
            }
        }
    }

    /// Looks a name up as it was written.
    pub(crate) fn of(&self, user: &str) -> Known<'_> {
        self.known(user, self.names.get(user))
    }

    /// Looks a name up for SCRAM.
    pub(crate) fn keys(&self, user: &str, hash: Hash) -> KnownKeys {
        let user = prepare(user).into_owned();
        let known = self.known(&user, self.prepared.get(&user));
        let keys = known.account.keys(hash);
        // Made up for everybody, so that it takes no longer for a stranger.
        let made_up = self.strangers.keys(&user, hash, keys);
        let real = keys.filter(|_| known.exists);
        KnownKeys {
            exists: real.is_some(),
            keys: real.cloned().unwrap_or(made_up),
            user,
        }
    }

    /// Compares a password in a time that depends on neither user nor secret.
    pub(crate) async fn check(&self, user: &str, password: &str, rank: Rank) -> Outcome {
        let (Ok(user), Ok(password)) = (saslprep(user), saslprep(password)) else {
            return Outcome::Refused("a character that SASLprep prohibits");
        };
        if user.is_empty() || password.is_empty() {
            return Outcome::Refused("nothing left by SASLprep");
        }
        let known = self.known(&user, self.prepared.get(user.as_ref()));
        let same = match &known.account.argon2 {
            Some(hash) => self.workers.verify(hash, &password, rank).await,
            None => Ok(self.is_secret(&known, &password)),
        };
        match same {
            Ok(true) if known.exists => Outcome::Accepted(user.into_owned()),
            Ok(_) => Outcome::Refused("no such user, or the password is wrong"),
            Err(outcome) => outcome,
        }
    }

    /// Compares digests, which have one length.
    fn is_secret(&self, known: &Known<'_>, password: &str) -> bool {
        let [right, given] = [prepare(known.secret()).as_ref(), password]
            .map(|secret| self.strangers.digest("secret", secret));
        let same: bool = right.ct_eq(&given).into();
        same && known.account.secret.is_some()
    }

    fn known(&self, user: &str, place: Option<&usize>) -> Known<'_> {
        let account = place.and_then(|place| self.accounts.get(*place));
        Known {
            exists: account.is_some(),
            account: account.unwrap_or_else(|| self.stand_in(user)),
        }
    }

    fn stand_in(&self, user: &str) -> &Account {
        let place = self.strangers.number(user, self.accounts.len());
        place
            .and_then(|place| self.accounts.get(place))
            .unwrap_or(&self.nobody)
    }
}

impl Known<'_> {
    /// The secret, or something of ordinary length in its place.
    pub(crate) fn secret(&self) -> &str {
        self.account.secret.as_deref().unwrap_or("nobody's secret")
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists && self.account.secret.is_some()
    }
}

/// As SASLprep prepares it, or as it is where that fails.
pub(crate) fn prepare(text: &str) -> Cow<'_, str> {
    saslprep(text).unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
impl Accounts {
    pub(crate) fn of_secrets<'a>(
        secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
        mechanisms: &[Mechanism],
    ) -> Self {
        let account = |(name, secret): (&str, &str)| (name.to_owned(), Account::of_secret(secret));
        let users = secrets.into_iter().map(account).collect();
        Accounts::new(users, Some(vec![7; 32]), mechanisms)
    }

    pub(crate) fn of_keys(name: &str, hash: Hash, keys: Keys) -> Self {
        let account = Account {
            scram: vec![(hash, keys)],
            ..Account::default()
        };
        let users = BTreeMap::from([(name.to_owned(), account)]);
        Accounts::new(users, Some(vec![7; 32]), &[])
    }
}

#[cfg(test)]
pub(super) mod tests;
