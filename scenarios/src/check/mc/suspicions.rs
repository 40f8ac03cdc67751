//! What looks wrong in an `.mc`, from its text alone: hints, because nothing of it was seen to be so.

use super::Mc;
use crate::check::findings::{Advice, Kind};

mod listeners;
mod names;
mod order;
mod quotes;

/// What is looked for.
struct Rule {
    /// A name that stays.
    id: &'static str,
    look: fn(&Mc) -> Vec<Found>,
    /// Why it matters, in one sentence.
    reason: &'static str,
    source: &'static str,
}

/// What a rule has found: what is so, the lines to paste, and where it stands.
struct Found {
    what: String,
    remedy: String,
    first: usize,
    last: usize,
}

const M4: &str = "cf/README, section \"A BRIEF INTRODUCTION TO M4\"";
const INTRODUCTION: &str = "cf/README, section \"INTRODUCTION AND EXAMPLE\"";
const FEATURES: &str = "cf/README, section \"FEATURES\"";
const OSTYPE: &str = "cf/README, section \"OSTYPE\"";
const OPTIONS: &str = "cf/README, section \"TWEAKING CONFIGURATION OPTIONS\"";
const AUTHENTICATION: &str = "cf/README, section \"SMTP AUTHENTICATION\"";
const DAEMON: &str = "Sendmail Installation and Operation Guide, option DaemonPortOptions";

const RULES: &[Rule] = &[
    Rule {
        id: "unclosed",
        look: quotes::unclosed,
        reason: "m4 reads everything from there to the end of the file as one argument and then gives up.",
        source: M4,
    },
    Rule {
        id: "quote-too-long",
        look: quotes::too_long,
        reason: "The quote is closed by an apostrophe further down, so what stands between belongs to \
                 this argument and has no effect of its own.",
        source: M4,
    },
    Rule {
        id: "wrong-quotes",
        look: quotes::wrong,
        reason: "m4 takes only ` and ' for quotes; any other is a part of the name or the value, which \
                 then is not the one that sendmail knows.",
        source: M4,
    },
    Rule {
        id: "arguments-lost",
        look: quotes::arguments_lost,
        reason: "Without quotes a comma ends the argument, and what follows it is dropped without a word.",
        source: M4,
    },
    Rule {
        id: "unquoted-name",
        look: quotes::unquoted_name,
        reason: "m4 replaces a name without quotes by its value before define sees it, so an option that \
                 has a default keeps it.",
        source: M4,
    },
    Rule {
        id: "text-in-cf",
        look: quotes::text_in_cf,
        reason: "m4 copies it into the .cf, where it is a line that sendmail refuses, continues the line \
                 before it, or means something else.",
        source: M4,
    },
    Rule {
        id: "unknown-macro",
        look: names::unknown_macro,
        reason: "m4 copies a call that it does not know into the .cf as text, and nothing is configured.",
        source: INTRODUCTION,
    },
    Rule {
        id: "unknown-option",
        look: names::unknown_option,
        reason: "m4 defines any name without a word, and an option that sendmail's m4 files do not ask \
                 for keeps its default.",
        source: OPTIONS,
    },
    Rule {
        id: "unknown-feature",
        look: names::unknown_feature,
        reason: "There is no file of that name in cf/feature, and m4 stops.",
        source: FEATURES,
    },
    Rule {
        id: "deprecated",
        look: names::deprecated,
        reason: "sendmail 8.17 warns about it, ignores it, or no longer has it.",
        source: OPTIONS,
    },
    Rule {
        id: "before-cf-m4",
        look: order::before_cf_m4,
        reason: "The macros come with cf.m4; before it m4 copies the call into the .cf as text.",
        source: INTRODUCTION,
    },
    Rule {
        id: "feature-after-mailer",
        look: order::feature_after_mailer,
        reason: "m4 prints an error, and rules and mailers that are made already do not know the feature.",
        source: INTRODUCTION,
    },
    Rule {
        id: "mailer-option-late",
        look: order::mailer_option_late,
        reason: "MAILER() has written the mailer by then, without this value.",
        source: OSTYPE,
    },
    Rule {
        id: "option-after-mailer",
        look: order::option_after_mailer,
        reason: "It is built nonetheless, because m4 writes options last, but MAILER() belongs at the end, \
                 and nobody looks for options below it.",
        source: INTRODUCTION,
    },
    Rule {
        id: "feature-order",
        look: order::feature_order,
        reason: "The feature asks for the other one at the moment it is read: m4 prints an error or a \
                 warning, still exits with 0, and the .cf comes without the feature or a part of it.",
        source: FEATURES,
    },
    Rule {
        id: "before-ostype",
        look: order::before_ostype,
        reason: "OSTYPE() comes later and sets it again, or sets what it depends on.",
        source: OSTYPE,
    },
    Rule {
        id: "listener-key",
        look: listeners::keys,
        reason: "sendmail goes by the first letter of a key: it refuses one that it does not know, and \
                 takes a misspelt one for another.",
        source: DAEMON,
    },
    Rule {
        id: "listener-modifier",
        look: listeners::modifiers,
        reason: "sendmail ignores a modifier that it does not know without a word.",
        source: DAEMON,
    },
    Rule {
        id: "mechanism-not-offered",
        look: listeners::trusted_not_offered,
        reason: "No client can log in by a mechanism that is not offered, so trusting it has no effect.",
        source: AUTHENTICATION,
    },
    Rule {
        id: "mechanism-not-trusted",
        look: listeners::offered_not_trusted,
        reason: "A user who logs in by it is not allowed to relay.",
        source: AUTHENTICATION,
    },
];

/// No rule says more than this about one file.
const AT_MOST: usize = 20;

/// Nor is a file with more statements anybody's: it is looked at for what stops m4.
const MOST_STATEMENTS: usize = 5_000;

/// What looks wrong, in the order of the lines.
pub fn suspicions(mc: &Mc) -> Vec<Advice> {
    let rules = match mc.statements.len() {
        0..=MOST_STATEMENTS => RULES,
        _ => &RULES[..1],
    };
    let mut all: Vec<_> = rules
        .iter()
        .flat_map(|rule| {
            (rule.look)(mc)
                .into_iter()
                .take(AT_MOST)
                .map(|found| rule.advice(mc, found))
        })
        .collect();
    all.sort_by_key(|advice| advice.place.as_ref().map(|place| place.first));
    all
}

impl Rule {
    fn advice(&self, mc: &Mc, found: Found) -> Advice {
        Advice {
            id: self.id.to_owned(),
            kind: Kind::Hint,
            what: found.what,
            reason: self.reason.to_owned(),
            remedy: found.remedy,
            source: self.source.to_owned(),
            place: Some(mc.place(found.first, found.last)),
        }
    }
}

impl Found {
    fn at(statement: &super::Statement, what: String, remedy: String) -> Self {
        Self {
            what,
            remedy,
            first: statement.first,
            last: statement.last,
        }
    }
}

#[cfg(test)]
mod tests;
