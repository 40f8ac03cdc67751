//! LIMITS: what a client may know before it runs into it (RFC 9422).

use super::Extension;

/// Recipients that are taken in one transaction.
pub(super) const EXTENSION: Extension = Extension {
    line: |state| {
        let recipients = state.config.limits.recipients.min(LARGEST);
        Some(format!("LIMITS RCPTMAX={recipients}"))
    },
    ..Extension::DEFAULT
};

/// A value has six digits at most (section 3); a larger limit is announced as this one.
const LARGEST: usize = 999_999;
