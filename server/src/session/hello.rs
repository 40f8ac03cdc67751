//! EHLO and HELO: who the client says it is, and what it is offered.

use super::Session;
use crate::auth::Mechanism;
use crate::extension::{self, State};
use crate::reply::Reply;

/// How the client introduced itself.
pub(super) struct Hello {
    pub(super) client: String,
    pub(super) esmtp: bool,
}

impl Session {
    /// Introduces the client and lists the extensions.
    pub(super) fn ehlo(&mut self, client: String) -> Reply {
        self.introduce(client, true);
        let mut lines = vec![self.shared.config.hostname.clone()];
        lines.extend(extension::lines(&self.state()));
        Reply::plain(250, lines)
    }

    /// Introduces a client that knows no extensions.
    pub(super) fn helo(&mut self, client: String) -> Reply {
        self.introduce(client, false);
        Reply::plain(250, vec![self.shared.config.hostname.clone()])
    }

    /// A transaction ends; authentication and TLS stay (RFC 5321, section 4.1.4).
    fn introduce(&mut self, client: String, esmtp: bool) {
        self.hello = Some(Hello { client, esmtp });
        self.transaction = None;
    }

    /// What the offer depends on.
    pub(super) fn state(&self) -> State<'_> {
        State {
            config: &self.shared.config,
            modifiers: self.listener.modifiers,
            esmtp: self.hello.as_ref().is_some_and(|hello| hello.esmtp),
            tls: self.tls.is_some(),
            authenticated: self.authenticated,
            mechanisms: self.usable_mechanisms(),
        }
    }

    /// The mechanisms that can be used on this listener in this state of TLS.
    pub(super) fn usable_mechanisms(&self) -> Vec<Mechanism> {
        let offered = !self.listener.modifiers.no_auth && !self.tls_is_due();
        let all = self.shared.config.mechanisms.iter().copied();
        all.filter(|mechanism| offered && self.channel.carries(*mechanism))
            .collect()
    }
}
