//! Mail transactions: how they begin, and how they are given up.

use msaspec_harness::case::{Case, Chapter, Level, Mutant, Severity};

/// RFC 5321 section 4.1.1.
pub const CHAPTER: Chapter = Chapter {
    name: "transaction",
    cases: &[Case {
        id: "rfc5321-4.1.1.5-rset-discards-transaction",
        level: Level::Must,
        severity: Severity::Security,
        requirement: "RSET forgets sender and recipients: RCPT and DATA are out of order behind it.",
        script: |s| {
            let mail = s.transaction()?;
            s.command("RSET")?.expect(250)?;
            s.rcpt_to(&mail.recipient, "recipient")?.expect(503)?;
            s.command("DATA")?.expect_one_of(&[503, 554])?;
            // Nor do the recipients come back with a new sender.
            s.mail_from(&mail.sender, "sender")?.ready(250)?;
            s.command("DATA")?.expect_one_of(&[503, 554])
        },
        mutant: Mutant::reply("RCPT", 1, "250 2.1.5 Recipient ok"),
        ..Case::DEFAULT
    }],
    untested: &[],
};
