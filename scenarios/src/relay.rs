//! Relay: what was accepted arrives.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, Proves, Severity},
    lie::Lie,
    session::Afterwards,
};

/// RFC 5321 section 2.1 and what follows from it.
pub const CHAPTER: Chapter = Chapter {
    name: "relay",
    cases: &[Case {
        id: "rfc5321-2.1-deliver-or-report-after-250",
        level: Level::Must,
        severity: Severity::Interop,
        requirement: "A message that was answered 250 reaches the next hop, once, or its sender hears why not.",
        proves: Proves::Delivery,
        script: |s| {
            let mail = s.submit()?;
            s.delivered(&mail)?;
            s.afterwards(Afterwards::Once(mail.token));
            Ok(())
        },
        mutant: Mutant::Lie(Lie::Swallow),
        ..Case::DEFAULT
    }],
    untested: &[],
};
