//! No secret in any report: passwords and what they encode to are taken out of what a server says.

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{mechanism::Credentials, target::Target};

/// The secrets of a target's accounts.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn of(target: &Target) -> Secrets {
        Secrets(
            target
                .account
                .iter()
                .chain(&target.other_account)
                .flat_map(Credentials::secret_forms)
                .collect(),
        )
    }

    /// Something that was made from a secret, and that a server may repeat.
    pub(super) fn remember(&mut self, secret: &str) {
        // What is short stands in other words too.
        if secret.len() >= 8 && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
        }
    }

    /// The text with `[secret]` for each of them.
    pub(super) fn redact(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret, "[secret]")
        })
    }
}

impl Credentials {
    /// What no report may hold: the password, and what PLAIN and LOGIN encode it to. The longest
    /// first, so that none leaves a rest of another.
    pub fn secret_forms(&self) -> Vec<String> {
        let Credentials { user, password, .. } = self;
        let encoded = [
            format!("{user}\0{user}\0{password}"),
            format!("\0{user}\0{password}"),
            password.clone(),
        ];
        let mut forms: Vec<_> = encoded
            .iter()
            .map(|octets| BASE64_STANDARD.encode(octets))
            .collect();
        forms.push(password.clone());
        forms.retain(|form| !form.is_empty());
        forms
    }
}
