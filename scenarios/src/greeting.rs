//! The greeting: the server speaks first, and says who it is.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Severity},
    lie::{At, Lie},
};

/// RFC 5321 section 4.2.
pub const CHAPTER: Chapter = Chapter {
    name: "greeting",
    cases: &[Case {
        id: "rfc5321-4.2-greeting-syntax",
        level: Level::Must,
        severity: Severity::Interop,
        requirement: "The server speaks first, with 220 and its own fully-qualified domain or address literal.",
        on: On::EveryListener,
        script: |s| {
            let greeting = s.connect()?;
            greeting.expect_greeting()?;
            greeting.expect_one_code()?;
            greeting.expect_domain_first()
        },
        mutant: Mutant::Lie(Lie::Reply(At::Greeting, "220 *** ready")),
        ..Case::DEFAULT
    }],
    untested: &[],
};
