//! Where in the dialogue something is said, and whether a lie means this place.

use crate::lie::At;

/// What a reply answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Greeting,
    Command(String, u32),
    Response(u32),
    Content(u32),
    /// Clear text that the proxy has put inside TLS.
    Injected,
    /// Something whose place does not count yet.
    Uncounted(String),
}

impl Place {
    pub(super) fn is(&self, at: &At) -> bool {
        match (self, at) {
            (Place::Greeting, At::Greeting) => true,
            (Place::Command(verb, nth), At::Command(other, other_nth)) => {
                verb.eq_ignore_ascii_case(other) && nth == other_nth
            }
            (Place::Response(nth), At::Response(other))
            | (Place::Content(nth), At::Content(other)) => nth == other,
            _ => false,
        }
    }

    /// The verb; empty for what is no command.
    pub(super) fn verb(&self) -> &str {
        match self {
            Place::Command(verb, _) | Place::Uncounted(verb) => verb,
            _ => "",
        }
    }
}
