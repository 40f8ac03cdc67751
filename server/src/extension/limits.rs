//! LIMITS: what a client may know before it runs into it (RFC 9422).

use super::Extension;

/// Recipients that are taken in one transaction.
pub(super) const EXTENSION: Extension = Extension {
    line: |state| Some(format!("LIMITS RCPTMAX={}", state.recipient_limit)),
    ..Extension::DEFAULT
};
