//! ANONYMOUS: a trace and no credentials (RFC 4505).

use stringprep::tables;

use super::Outcome;

/// Characters of a trace (RFC 4505, section 2).
const LIMIT: usize = 255;

/// Takes the trace; it proves nothing and may be empty.
pub(super) fn answer(message: &[u8]) -> Outcome {
    match std::str::from_utf8(message) {
        Err(_) => Outcome::Malformed("not UTF-8"),
        Ok(trace) if trace.chars().count() > LIMIT => Outcome::Malformed("trace too long"),
        Ok(trace) if trace.chars().any(prohibited) => {
            Outcome::Malformed("a character that a trace may not have")
        }
        Ok(trace) => Outcome::Anonymous(trace.to_owned()),
    }
}

/// What the "trace" profile of stringprep prohibits (RFC 4505, section 3); it maps nothing.
fn prohibited(character: char) -> bool {
    tables::ascii_control_character(character)
        || tables::non_ascii_control_character(character)
        || tables::private_use(character)
        || tables::non_character_code_point(character)
        || tables::inappropriate_for_plain_text(character)
        || tables::change_display_properties_or_deprecated(character)
        || tables::tagging_character(character)
}
