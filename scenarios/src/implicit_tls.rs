//! Implicit TLS: on port 465 nothing is said in clear text.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Severity},
    lie::Lie,
};

/// RFC 8314 section 3.3.
pub const CHAPTER: Chapter = Chapter {
    name: "implicit-tls",
    cases: &[Case {
        id: "rfc8314-3.3-tls-first-on-465",
        level: Level::Must,
        severity: Severity::Security,
        requirement: "On port 465 the TLS handshake comes first, and the greeting comes inside it.",
        on: On::ImplicitTls,
        script: |s| {
            s.open()?;
            s.silence("no octet before the TLS handshake")?;
            s.handshake()?;
            s.greeting()?.expect(220)
        },
        mutant: Mutant::Lie(Lie::GreetingBeforeTls),
        ..Case::DEFAULT
    }],
    untested: &[],
};
