//! LOGIN, which no RFC defines: two prompts of any wording, answered by user and password.

use super::{Credentials, Exchange, ExchangeError};

/// The client of LOGIN.
pub struct Login {
    user: Vec<u8>,
    password: Vec<u8>,
    user_first: bool,
    answered: u8,
}

impl Login {
    /// An exchange that waits for both prompts, which every server understands.
    pub fn new(credentials: &Credentials) -> Login {
        Login {
            user: credentials.user.clone().into_bytes(),
            password: credentials.password.clone().into_bytes(),
            user_first: false,
            answered: 0,
        }
    }

    /// The user name goes into the AUTH command, as many clients do.
    pub fn user_first(self) -> Login {
        Login {
            user_first: true,
            ..self
        }
    }
}

impl Exchange for Login {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial(&mut self) -> Option<Vec<u8>> {
        (self.user_first && self.answered == 0).then(|| {
            self.answered = 1;
            self.user.clone()
        })
    }

    fn respond(&mut self, _prompt: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        self.answered = self.answered.saturating_add(1);
        match self.answered {
            1 => Ok(self.user.clone()),
            2 => Ok(self.password.clone()),
            _ => Err(ExchangeError::Surplus(NAME)),
        }
    }

    fn verify_end(&self) -> Result<(), ExchangeError> {
        match self.answered {
            0 | 1 => Err(ExchangeError::Incomplete {
                mechanism: NAME,
                missing: "a prompt for the password",
            }),
            _ => Ok(()),
        }
    }
}

const NAME: &str = "LOGIN";
