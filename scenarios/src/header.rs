//! The header section: which fields a message leaves with, and which forms are no reason to lose it.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, Severity},
    lie::{At::Content, Lie},
    session::Session,
    verdict::Outcome,
};

mod script;

use script::{arrived, has_one, posted, with, without};

/// RFC 5322, and RFC 6409 section 8.
pub const CHAPTER: Chapter = Chapter {
    name: "header",
    cases: &[
        Case {
            id: "rfc5322-3.6-from-required",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A message without From gets one on its way, or is refused.",
            requirements: &[
                "rfc5322-3.6-from-required",
                "rfc6409-8-forwarded-message-conforms",
            ],
            script: |s| {
                let mail = posted(s, |mail| without(mail, "From"))?;
                has_one(s, mail, "From", |from| from.contains('@'))
            },
            mutant: Mutant::Lie(Lie::Relayed("From: <", "X-From: <")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5322-3.6-date-required",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A message without Date gets one that is right on its way, or is refused.",
            requirements: &[
                "rfc5322-3.6-date-required",
                "rfc6409-8-forwarded-message-conforms",
            ],
            script: |s| {
                let mail = posted(s, |mail| without(mail, "Date"))?;
                has_one(s, mail, "Date", script::is_date)
            },
            mutant: Mutant::Lie(Lie::Relayed("\nDate: ", "\nDate: Someday, ")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-8.2-missing-or-bad-date-handled",
            level: Level::May,
            severity: Severity::Interop,
            requirement: "A Date that is none is put right, or the message is refused; it leaves with one Date.",
            script: |s| {
                let mail = posted(s, |mail| with(mail, "Date", "yesterday, or so"))?;
                has_one(s, mail, "Date", script::is_date)
            },
            mutant: Mutant::Lie(Lie::Relayed("\nDate: ", "\nDate: yesterday\r\nDate: ")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-8.3-missing-message-id-added",
            level: Level::Should,
            severity: Severity::Interop,
            requirement: "A message without Message-ID gets one that no other has.",
            connections: 4,
            script: |s| {
                let mut ids = Vec::new();
                for _ in 0..2 {
                    let mail = posted(s, |mail| without(mail, "Message-ID"))?;
                    ids.push(script::the_one(
                        s,
                        mail,
                        "Message-ID",
                        script::is_message_id,
                    )?);
                }
                match ids.as_slice() {
                    [Some(first), Some(second)] if first == second => {
                        Err(s.delivery_deviates("one for each message", first.clone()))
                    }
                    _ => Ok(()),
                }
            },
            mutant: Mutant::Lie(Lie::Relayed("\nMessage-ID: ", "\nX-Message-ID: ")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-8.3-invalid-message-id-replaced",
            level: Level::Should,
            severity: Severity::Hygiene,
            requirement: "A Message-ID that is none is replaced by one, or the message is refused.",
            script: |s| {
                let mail = posted(s, |mail| with(mail, "Message-ID", "not an identifier"))?;
                has_one(s, mail, "Message-ID", script::is_message_id)
            },
            mutant: Mutant::Lie(Lie::Relayed("\nMessage-ID: <", "\nMessage-ID: an <")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5322-3.6.4-existing-message-id-kept",
            level: Level::ShouldNot,
            severity: Severity::Interop,
            requirement: "A valid Message-ID stays as its author's program wrote it.",
            script: |s| {
                let mail = s.submit()?;
                let expected = format!("<{}@client.example>", mail.token);
                let ids = s.delivered(&mail)?.all("Message-ID");
                match ids == [expected] {
                    true => Ok(()),
                    false => Err(s.delivery_deviates("the same Message-ID", script::shown(&ids))),
                }
            },
            mutant: Mutant::Lie(Lie::Relayed("Message-ID: <", "Message-ID: <x")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5322-3.6-single-occurrence-fields-from",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "A message with two From does not leave with both: a filter and a reader could see different authors.",
            requirements: &["rfc5322-3.6-single-occurrence-fields"],
            script: |s| {
                let mail = posted(s, |mail| {
                    format!("From: <other@client.example>\r\n{}", mail.header())
                })?;
                has_one(s, mail, "From", |_| true)
            },
            mutant: Mutant::None(
                "the reference server refuses both, so that there is nothing for a lie to bring to the next hop",
            ),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5322-3.6-fields-not-reordered",
            level: Level::ShouldNot,
            severity: Severity::Interop,
            requirement: "Fields keep their order, and what belongs together stays together.",
            script: script::keeps_the_order,
            mutant: Mutant::Lie(Lie::Relayed("X-A: 2\r\n", "")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5322-3.6.3-bcc-not-shown-to-others",
            level: Level::May,
            severity: Severity::Security,
            requirement: "Bcc is not shown to those who are not in it.",
            script: |s| {
                let mail = posted(s, |mail| {
                    format!("{}Bcc: <blind@client.example>\r\n", mail.header())
                })?;
                let Some(delivered) = arrived(s, mail)? else {
                    return Ok(());
                };
                match delivered.all("Bcc").is_empty() {
                    true => Ok(()),
                    false => Err(s.delivery_deviates("no Bcc", "Bcc as it was submitted")),
                }
            },
            mutant: Mutant::Lie(Lie::Relayed(
                "Subject: ",
                "Bcc: <blind@client.example>\r\nSubject: ",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5322-4-obsolete-syntax-tolerated",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "Obsolete forms (a named zone, a year of two digits, a blank before the colon) cost no field and no message.",
            script: script::obsolete_forms,
            mutant: Mutant::Lie(Lie::Relayed("Subject", "\r\nSubject")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-6.3-bad-message-554",
            level: Level::May,
            severity: Severity::Interop,
            requirement: "A message that is refused because its header section cannot be read is refused with 554.",
            requirements: &[
                "rfc6409-6.3-bad-message-554",
                "rfc6409-5.1-header-address-syntax-554",
            ],
            script: script::refused_as_unreadable,
            mutant: Mutant::Lie(Lie::Reply(Content(1), "550 5.6.0 From cannot be read")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-3.7.2-odd-trace-fields-accepted",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "Received fields of an odd form are no reason to refuse a message.",
            script: |s| taken(s, "Received: from nowhere ?? ;;; not a date\r\n"),
            mutant: Mutant::Lie(Lie::ReplyAfter(
                b"not a date",
                "554 5.6.0 Received cannot be read",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-3.3-resent-mismatch-not-rejected",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "Resent fields without all of their fellows are no reason to refuse a message.",
            script: |s| taken(s, "Resent-To: <bob@client.example>\r\n"),
            mutant: Mutant::Lie(Lie::ReplyAfter(
                b"Resent-To",
                "554 5.6.0 Resent-From is missing",
            )),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

/// A message with a field on top of its header section is accepted, where one without it is.
fn taken(s: &mut Session<'_>, field: &'static str) -> Outcome {
    let (_, answer) = posted(s, |mail| format!("{field}{}", mail.header()))?;
    if answer.reply.class() == 5 {
        // Who refuses this one too does not refuse the other for its field.
        s.submit()?;
    }
    answer.expect(250)
}
