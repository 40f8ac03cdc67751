//! Who knows whether credentials are right.

mod file;
mod saslauthd;

use crate::config::Config;

use super::Outcome;

pub(crate) use file::Secrets;
use saslauthd::Saslauthd;

/// Where credentials are checked: plain passwords at saslauthd if there is one, everything else
/// against the configured secrets.
pub(crate) struct Backends {
    secrets: Secrets,
    saslauthd: Option<Saslauthd>,
}

impl Backends {
    pub(crate) fn new(config: &Config) -> Self {
        Backends {
            secrets: Secrets::new(config.users.clone()),
            saslauthd: config.saslauthd.clone().map(Saslauthd::new),
        }
    }

    /// Checks a name and a plain password.
    pub(super) async fn check(&self, user: &str, password: &str) -> Outcome {
        if user.is_empty() || password.is_empty() {
            return Outcome::Refused("an empty name or password");
        }
        match &self.saslauthd {
            Some(saslauthd) => saslauthd.check(user, password).await,
            None => self.secrets.check(user, password),
        }
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }
}
