//! What a listener demands and leaves out, in the letters of sendmail's DaemonPortOptions.

use std::fmt;
use std::str::FromStr;

/// The modifiers of a listener (`M=EOa`); the default is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modifiers {
    /// `a`: MAIL is refused with 530 until the client has authenticated (RFC 6409, section 4.3).
    pub authentication_required: bool,
    /// `E`: no ETRN. Accepted for the sake of configurations; ETRN is never offered here
    /// (RFC 6409, section 7).
    pub no_etrn: bool,
    /// `s`: TLS begins with the connection (RFC 8314, section 3.3).
    pub implicit_tls: bool,
    /// `S`: STARTTLS is neither offered nor accepted.
    pub no_starttls: bool,
    /// `A`: AUTH is neither offered nor accepted; together with `a` nobody can submit.
    pub no_auth: bool,
    /// `O`: the server starts although this listener cannot be opened.
    pub optional: bool,
}

/// A letter that is not among `a E s S A O`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown modifier {0:?}; known are a E s S A O")]
pub struct UnknownModifier(
    /// The letter as it was written.
    pub char,
);

impl FromStr for Modifiers {
    type Err = UnknownModifier;

    fn from_str(letters: &str) -> Result<Self, Self::Err> {
        let mut modifiers = Modifiers::default();
        for letter in letters.chars() {
            match letter {
                'a' => modifiers.authentication_required = true,
                'E' => modifiers.no_etrn = true,
                's' => modifiers.implicit_tls = true,
                'S' => modifiers.no_starttls = true,
                'A' => modifiers.no_auth = true,
                'O' => modifiers.optional = true,
                other => return Err(UnknownModifier(other)),
            }
        }
        Ok(modifiers)
    }
}

impl fmt::Display for Modifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [
            ('a', self.authentication_required),
            ('E', self.no_etrn),
            ('s', self.implicit_tls),
            ('S', self.no_starttls),
            ('A', self.no_auth),
            ('O', self.optional),
        ];
        letters
            .iter()
            .filter(|(_, set)| *set)
            .try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", "")]
    #[case("EOa", "aEO")]
    #[case("OASsEa", "aEsSAO")]
    #[case("aa", "a")]
    fn letters_are_kept_in_one_order(#[case] written: &str, #[case] shown: &str) {
        let modifiers: Modifiers = written.parse().unwrap();
        assert_eq!(modifiers.to_string(), shown);
        assert_eq!(shown.parse(), Ok(modifiers));
    }

    #[rstest]
    #[case("aX", 'X')]
    #[case("a E", ' ')]
    #[case("e", 'e')]
    fn an_unknown_letter_is_named(#[case] written: &str, #[case] letter: char) {
        assert_eq!(written.parse::<Modifiers>(), Err(UnknownModifier(letter)));
    }
}
