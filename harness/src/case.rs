//! A case: a requirement as data, the script that asks for it, and the lie that the script must catch.

use std::fmt;

use serde::Serialize;

use crate::{
    lie::{At, Lie},
    session::Session,
    verdict::Outcome,
};

/// One case. Write it as a literal and leave what is usual to [`Case::DEFAULT`].
#[derive(Clone, Copy)]
pub struct Case {
    /// The requirement's id: RFC, section, slug. A second case of one requirement appends a word.
    pub id: &'static str,
    /// What a breach weighs.
    pub level: Level,
    /// What a breach endangers.
    pub severity: Severity,
    /// The requirement in our own words, one sentence.
    pub requirement: &'static str,
    /// All requirements that the case covers; empty: the one of its id.
    pub requirements: &'static [&'static str],
    /// Where it is asked.
    pub on: On,
    /// The promise whose absence this case reports, if any.
    pub proves: Proves,
    /// How many logins fail on purpose while it is asked.
    pub failed_logins: u32,
    /// How many connections it opens on one listener at most; the announcement of a run adds them up.
    pub connections: u32,
    /// How many messages it may send on one listener at most.
    pub messages: u32,
    /// How it shares the next hop with other cases.
    pub hop: Hop,
    /// Whether it is also judged by every multi-line reply of the run.
    pub every_reply: bool,
    /// The dialogue.
    pub script: fn(&mut Session<'_>) -> Outcome,
    /// The lie that the script must catch.
    pub mutant: Mutant,
}

impl Case {
    /// What is usual: a must of interoperability, asked once, with no failed login.
    pub const DEFAULT: Case = Case {
        id: "",
        level: Level::Must,
        severity: Severity::Interop,
        requirement: "",
        requirements: &[],
        on: On::Any,
        proves: Proves::Nothing,
        failed_logins: 0,
        connections: 3,
        messages: 2,
        hop: Hop::Shared,
        every_reply: false,
        script: |_| Ok(()),
        mutant: Mutant::None("no mutant was written"),
    };

    /// The ids of the requirements that the case covers.
    pub fn covers(&self) -> &[&'static str] {
        if self.requirements.is_empty() {
            std::slice::from_ref(&self.id)
        } else {
            self.requirements
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Cases about one topic, in the order of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    /// The topic, as `--only chapter:NAME` takes it.
    pub name: &'static str,
    /// The cases.
    pub cases: &'static [Case],
    /// The requirements of this topic that no client can observe.
    pub untested: &'static [Untested],
}

/// A requirement that no client can observe.
#[derive(Clone, Copy, Debug)]
pub struct Untested {
    /// The requirement's id.
    pub id: &'static str,
    /// The requirement in our own words.
    pub requirement: &'static str,
    /// Why it is not tested.
    pub why: &'static str,
}

/// The key words of RFC 2119.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// An absolute requirement.
    Must,
    /// An absolute prohibition.
    MustNot,
    /// A requirement with valid exceptions.
    Should,
    /// A prohibition with valid exceptions.
    ShouldNot,
    /// An option.
    May,
}

/// What a breach endangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Confidentiality, integrity, or somebody else's mailbox.
    Security,
    /// That clients and servers understand each other.
    Interop,
    /// Good order.
    Hygiene,
}

/// The listeners on which a case is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The target's first submission listener.
    Any,
    /// Every submission listener, with STARTTLS or implicit TLS.
    Submission,
    /// Every submission listener that begins in clear text.
    ClearText,
    /// Every listener with implicit TLS (RFC 8314 section 3.3).
    ImplicitTls,
    /// Every listener, port 25 too.
    EveryListener,
}

/// How a case shares the next hop with other cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Its rules are about its own addresses, if it has any.
    Shared,
    /// Its rules hold for every connection: it is asked when the others have been, and no other mail
    /// is on its way.
    Alone,
}

/// The promise whose absence a case reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proves {
    /// None: what is not offered is skipped.
    Nothing,
    /// That the promised listeners listen.
    Listeners,
    /// That STARTTLS is offered.
    Starttls,
    /// That a mechanism is offered.
    Mechanism(&'static str),
    /// That the promised extensions are offered.
    Extensions,
    /// That what was accepted arrives: only this case says so when it does not.
    Delivery,
}

/// How a server would have to lie to break the requirement.
#[derive(Clone, Copy, Debug)]
pub enum Mutant {
    /// One lie.
    Lie(Lie),
    /// Several lies of one mutant.
    Lies(&'static [Lie]),
    /// There is none, and why.
    None(&'static str),
}

impl Mutant {
    /// The `nth` command with this verb after the preparation gets this reply.
    pub const fn reply(verb: &'static str, nth: u32, reply: &'static str) -> Mutant {
        Mutant::Lie(Lie::Reply(At::Command(verb, nth), reply))
    }

    /// The lies; none where there is no mutant.
    pub fn lies(&self) -> &[Lie] {
        match self {
            Mutant::Lie(lie) => std::slice::from_ref(lie),
            Mutant::Lies(lies) => lies,
            Mutant::None(_) => &[],
        }
    }
}

macro_rules! serialized_name {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            /// As in reports and after `--only`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.serialize(f)
            }
        }
    )*};
}
serialized_name!(Level, Severity);
