//! A running target with access to its containers, for tests and stories.

use std::{ops::Deref, sync::Arc};

use super::{containers::Containers, host::Host, member::Member};
use crate::target::Target;

/// A running target. Everything is removed when this, its target and its clients are dropped.
pub struct Running {
    /// To be judged.
    pub target: Target,
    /// Its containers.
    pub(super) host: Host,
}

impl Deref for Running {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// A container with mail programs. It is removed when this is dropped.
pub struct Client {
    pub(super) member: Member,
    pub(super) _containers: Arc<Containers>,
}

impl Deref for Client {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}
