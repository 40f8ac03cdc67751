//! STARTTLS: offered until TLS is active (RFC 3207).

use super::Extension;

pub(super) const EXTENSION: Extension = Extension {
    line: |state| {
        let offered = !state.tls && !state.modifiers.no_starttls;
        offered.then(|| "STARTTLS".to_owned())
    },
    ..Extension::DEFAULT
};
