//! What a listener refuses, and what it repairs: the choices that RFC 6409 leaves to a site.

use std::fmt;

/// What a listener refuses although it could be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusals {
    /// `malformed`: domains with underscores, or with hyphens where none may stand, with 501
    /// (RFC 6409, section 5.1).
    pub malformed: bool,
    /// `unqualified`: domains of a single label, with 554 (RFC 6409, section 4.2), in the envelope
    /// and in From, Sender, Reply-To, To and Cc; there also addresses without a domain. Where they
    /// are not refused they are completed by the domain of the server's own name, in the fields by
    /// `addresses`.
    pub unqualified: bool,
    /// `unknown-domain`: domains of the envelope that the DNS does not know, with 550, or 451 where
    /// it cannot say (RFC 6409, section 6); domains that take no mail, with 556 as recipients
    /// (RFC 7505, section 4).
    pub unknown_domain: bool,
    /// `foreign-sender`: reverse-paths that are not among the login's own (`senders` of the
    /// configuration), with 550 (RFC 6409, section 6.1). The null reverse-path is everybody's.
    pub foreign_sender: bool,
    /// `nonconforming`: messages that no fix-up has made conform (RFC 6409, section 8), with 554
    /// (section 6.3): a field twice that may stand once, no Date, no author, several without a Sender
    /// (RFC 5322, section 3.6), addresses that cannot be read (RFC 5322, section 3.4), octets above
    /// 127 in a field, a header section that goes on behind a line that is no field (RFC 5322,
    /// section 2.2), or a line of more than 998 octets (RFC 5322, section 2.1.1). Resent and trace
    /// fields are no reason (RFC 5321, sections 3.3 and 3.7.2).
    pub nonconforming: bool,
}

/// What a listener repairs in a message (RFC 6409, section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixUps {
    /// `date`: a missing Date is added, and one that cannot be read is replaced by the time of arrival
    /// (section 8.2).
    pub date: bool,
    /// `message-id`: a missing Message-ID is added, and what is none is replaced (section 8.3).
    pub message_id: bool,
    /// `from`: a missing From is added, with the reverse-path or the login's own address
    /// (RFC 5322, section 3.6).
    pub from: bool,
    /// `sender`: a missing Sender is added where From is not one address of the login's own
    /// (section 8.1).
    pub sender: bool,
    /// `addresses`: display names and local parts that need quotes get them (RFC 5322, section 3.4),
    /// in From, Sender, Reply-To, To and Cc and their Resent fields; Reply-To, To and Cc without
    /// anything in them are taken out.
    pub addresses: bool,
    /// `return-path`: Return-Path is taken out; only the final delivery writes it (RFC 5321,
    /// section 4.4).
    pub return_path: bool,
    /// `bcc`: Bcc and Resent-Bcc are taken out (RFC 5322, section 3.6.3).
    pub bcc: bool,
    /// `transfer-encoding`: octets above 127 are encoded for a next hop without 8BITMIME, and only
    /// for such a one (section 8.4; RFC 6152, section 3).
    pub transfer_encoding: bool,
    /// `rewrite`: addresses of the configuration's `rewrite` are replaced in the reverse-path and in
    /// From, Sender and Reply-To (section 8.8); what a listener refuses is judged before.
    pub rewrite: bool,
}

/// A word that names no refusal or no fix-up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word {word:?}; known are {}", known.join(", "))]
#[non_exhaustive]
pub struct UnknownWord {
    /// The word as it was written.
    pub word: String,
    /// What could have been written.
    pub known: Vec<&'static str>,
}

/// Words, and what each switches on.
type Words<T> = &'static [(&'static str, fn(&mut T) -> &mut bool)];

impl Refusals {
    /// Nothing is refused.
    pub const NONE: Refusals = Refusals {
        malformed: false,
        unqualified: false,
        unknown_domain: false,
        foreign_sender: false,
        nonconforming: false,
    };
    const WORDS: Words<Refusals> = &[
        ("malformed", |refuse| &mut refuse.malformed),
        ("unqualified", |refuse| &mut refuse.unqualified),
        ("unknown-domain", |refuse| &mut refuse.unknown_domain),
        ("foreign-sender", |refuse| &mut refuse.foreign_sender),
        ("nonconforming", |refuse| &mut refuse.nonconforming),
    ];

    /// Those that are named, and no others.
    ///
    /// # Errors
    /// The first word that names none.
    pub fn named<S: AsRef<str>>(words: &[S]) -> Result<Self, UnknownWord> {
        switched(Refusals::NONE, words, Self::WORDS)
    }
}

impl FixUps {
    /// Nothing is repaired.
    pub const NONE: FixUps = FixUps {
        date: false,
        message_id: false,
        from: false,
        sender: false,
        addresses: false,
        return_path: false,
        bcc: false,
        transfer_encoding: false,
        rewrite: false,
    };
    const WORDS: Words<FixUps> = &[
        ("date", |fix| &mut fix.date),
        ("message-id", |fix| &mut fix.message_id),
        ("from", |fix| &mut fix.from),
        ("sender", |fix| &mut fix.sender),
        ("addresses", |fix| &mut fix.addresses),
        ("return-path", |fix| &mut fix.return_path),
        ("bcc", |fix| &mut fix.bcc),
        ("transfer-encoding", |fix| &mut fix.transfer_encoding),
        ("rewrite", |fix| &mut fix.rewrite),
    ];

    /// Those that are named, and no others.
    ///
    /// # Errors
    /// The first word that names none.
    pub fn named<S: AsRef<str>>(words: &[S]) -> Result<Self, UnknownWord> {
        switched(FixUps::NONE, words, Self::WORDS)
    }
}

impl Default for Refusals {
    /// What cannot be right: `malformed`, `unqualified` and `nonconforming`.
    fn default() -> Self {
        Refusals {
            malformed: true,
            unqualified: true,
            nonconforming: true,
            ..Refusals::NONE
        }
    }
}

impl Default for FixUps {
    /// What makes a message conform, keeps to its author what only he should see, or lets it go where
    /// it could not: all but `sender` and `rewrite`. Of what a person wrote only Bcc is taken out, and
    /// only what nobody could read is made anew.
    fn default() -> Self {
        FixUps {
            date: true,
            message_id: true,
            from: true,
            sender: false,
            addresses: true,
            return_path: true,
            bcc: true,
            transfer_encoding: true,
            rewrite: false,
        }
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names(*self, Self::WORDS))
    }
}

impl fmt::Display for FixUps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names(*self, Self::WORDS))
    }
}

fn switched<T: Copy, S: AsRef<str>>(
    mut switches: T,
    written: &[S],
    words: Words<T>,
) -> Result<T, UnknownWord> {
    for word in written.iter().map(AsRef::as_ref) {
        match words.iter().find(|(name, _)| *name == word) {
            Some((_, switch)) => *switch(&mut switches) = true,
            None => {
                return Err(UnknownWord {
                    word: word.to_owned(),
                    known: words.iter().map(|(name, _)| *name).collect(),
                });
            }
        }
    }
    Ok(switches)
}

fn names<T: Copy>(mut switches: T, words: Words<T>) -> String {
    let on: Vec<_> = words
        .iter()
        .filter_map(|(name, switch)| (*switch(&mut switches)).then_some(*name))
        .collect();
    on.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_switch_on() {
        let refuse = Refusals::named(&["foreign-sender", "malformed"]).unwrap();
        assert_eq!(refuse.to_string(), "malformed foreign-sender");
        assert_eq!(Refusals::named::<&str>(&[]), Ok(Refusals::NONE));
        let every: Vec<_> = FixUps::WORDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(FixUps::named(&every).unwrap().to_string(), every.join(" "));
        assert_eq!(
            FixUps::default().to_string(),
            "date message-id from addresses return-path bcc transfer-encoding"
        );
    }

    #[test]
    fn an_unknown_word_is_named() {
        let error = Refusals::named(&["malformed", "everything"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown word \"everything\"; known are malformed, unqualified, unknown-domain, foreign-sender, nonconforming"
        );
    }
}
