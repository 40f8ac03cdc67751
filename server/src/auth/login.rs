//! LOGIN: user and password, each asked for; the prompts are those that clients expect.

use super::{Backends, Outcome, Step};
use crate::limits::Rank;

/// What has been asked so far.
#[derive(Default)]
pub(crate) struct Login {
    user: Option<Vec<u8>>,
}

impl Login {
    pub(super) fn begin() -> Step {
        Step::Challenge(b"Username:".to_vec())
    }

    /// The user's name is not looked at before the password has come.
    pub(super) async fn answer(
        &mut self,
        response: &[u8],
        backends: &Backends,
        rank: Rank,
    ) -> Step {
        let Some(user) = self.user.take() else {
            self.user = Some(response.to_vec());
            return Step::Challenge(b"Password:".to_vec());
        };
        Step::End(
            match (std::str::from_utf8(&user), std::str::from_utf8(response)) {
                (Ok(user), Ok(password)) => backends.check(user, password, rank).await,
                _ => Outcome::Refused("not UTF-8"),
            },
        )
    }
}
