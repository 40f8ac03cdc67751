//! Reports: who is told that mail did not arrive, by which way, and that nothing in them is forged.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, Severity},
    lie::Lie,
    session::Afterwards,
};

mod script;

/// RFC 5321 section 6.1 and RFC 3464.
pub const CHAPTER: Chapter = Chapter {
    name: "reports",
    cases: &[
        Case {
            id: "rfc5321-6.1-content-cannot-suppress-report",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A failure is reported whatever the message is made of: only its envelope decides.",
            messages: 6,
            script: script::content_of_every_kind,
            mutant: Mutant::Lie(Lie::SwallowFor("<from-")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5322-2.3-report-lines-well-formed",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "Every line of a report ends in CR LF, has no other CR or LF, and at most 998 octets.",
            messages: 3,
            script: script::lines_are_well_formed,
            mutant: Mutant::Lie(Lie::OnTheWire("Subject: msaspec", "Subject: \rmsaspec")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3464-2.3.6-reply-text-forges-no-fields",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "Nothing in a next hop's reply adds, ends or imitates fields, groups or parts of the report.",
            script: script::nothing_is_forged,
            mutant: Mutant::Lie(Lie::OnTheWire(
                "Action: failed",
                "Action: failed\r\n\r\nFinal-Recipient: rfc822;other@example.org\r\nAction: delivered",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-6.1-bounce-uses-null-reverse-path",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A report has the null reverse-path, so that nobody ever reports about it.",
            script: |s| {
                let mail = s.refused()?;
                let report = s.reported(&mail, &mail.recipient)?;
                s.afterwards(Afterwards::ReportedOnce(
                    mail.token.clone(),
                    mail.recipient.clone(),
                ));
                match report.message.is_from_nobody() {
                    true => Ok(()),
                    false => Err(s.hop_deviates(&mail, "MAIL FROM:<>", report.message.mail)),
                }
            },
            mutant: Mutant::Lie(Lie::Heard(
                "MAIL FROM:<>",
                "MAIL FROM:<daemon@server.example>",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-6.1-bounce-goes-to-envelope-sender",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A report goes to the reverse-path of the message, and to no address of its header section.",
            script: script::to_the_reverse_path,
            mutant: Mutant::Lie(Lie::Heard("RCPT TO:<from-", "RCPT TO:<other-")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-6.1-no-bounce-for-null-sender",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "Nobody is told that a message with the null reverse-path failed.",
            script: |s| {
                let mut mail = s.to_be_refused()?;
                mail.sender.clear();
                s.post(&mail)?;
                s.was_refused(&mail)?;
                s.afterwards(Afterwards::NoReport(mail.token));
                Ok(())
            },
            mutant: Mutant::Lie(Lie::ReportsAnyway),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};
