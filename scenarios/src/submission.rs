//! Submission: a service for users who have logged in, and for nobody else.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Proves, Severity},
    lie::{At::Command, Lie},
    line::Line,
    message::token,
    session::{Afterwards, Session},
    verdict::Outcome,
};

/// RFC 6409 and RFC 5068.
pub const CHAPTER: Chapter = Chapter {
    name: "submission",
    cases: &[
        Case {
            id: "rfc6409-3.1-port-587-is-esmtp-submission",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The submission port speaks ESMTP: it greets, and answers EHLO with keywords.",
            on: On::EveryListener,
            proves: Proves::Listeners,
            script: |s| {
                s.listens()?.expect_greeting()?;
                let ehlo = s.ehlo()?;
                ehlo.expect(250)?;
                // Between servers, EHLO without a keyword is enough.
                match s.keywords().lines().is_empty() && s.is_submission() {
                    false => Ok(()),
                    true => Err(ehlo.deviates("extension keywords in the reply to EHLO")),
                }
            },
            mutant: Mutant::reply("EHLO", 1, "502 5.5.1 HELO only"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-4.3-mail-refused-before-authentication",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "MAIL is refused in a session that has not authenticated, whoever the sender claims to be.",
            on: On::Submission,
            script: |s| {
                s.needs_stranger_or_promise()?;
                s.greeted()?;
                nothing_is_taken(s)?;
                s.secured()?;
                nothing_is_taken(s)
            },
            mutant: Mutant::Lies(&[
                Lie::Reply(Command("MAIL", 1), "250 2.1.0 Sender ok"),
                Lie::Reply(Command("RCPT", 1), "250 2.1.5 Recipient ok"),
            ]),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-4.3-code-530",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The refusal for want of authentication has the code 530, by which clients know to log in.",
            script: |s| {
                s.needs_stranger_or_promise()?;
                s.secured()?;
                let sender = s.sender().to_owned();
                let mut refusal = s.mail_from(&sender, "sender")?;
                if refusal.accepted() {
                    // Where MAIL is refused is another requirement's question.
                    let recipient = s.recipient_elsewhere()?;
                    refusal = s.rcpt_to(&recipient, "recipient")?;
                }
                refusal.expect(530)?;
                refusal.expect_status(&["5.7.0"]);
                Ok(())
            },
            mutant: Mutant::Lies(&[
                Lie::Reply(Command("MAIL", 1), "250 2.1.0 Sender ok"),
                Lie::Reply(Command("RCPT", 1), "250 2.1.5 Recipient ok"),
            ]),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-7-etrn-absent",
            level: Level::MustNot,
            severity: Severity::Security,
            requirement: "ETRN is not available on the submission service.",
            on: On::Submission,
            script: |s| {
                s.authenticated()?;
                let ehlo = s.ehlo()?;
                if s.keywords().offers("ETRN") {
                    ehlo.note_at("ETRN", "no ETRN in the reply to EHLO");
                }
                let domain = s.local_domain();
                let etrn = s.command(Line::new("ETRN ").token(domain, "domain"))?;
                // 458 and 459 come from servers that know ETRN and do not do it (RFC 1985 section 5).
                etrn.expect_or_contested(&[502, 500, 503, 530, 550], &[458, 459])
            },
            mutant: Mutant::reply("ETRN", 1, "250 2.0.0 Queuing started"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6409-7-auth-offered",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "AUTH is offered with at least one mechanism, at the latest inside TLS.",
            on: On::Submission,
            script: |s| {
                s.secured()?;
                let ehlo = s.ehlo()?;
                s.promised_mechanisms_except(&["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"])?;
                match s.keywords().mechanisms().is_empty() {
                    false => Ok(()),
                    true => Err(ehlo.deviates_because("AUTH and a mechanism", "no AUTH")),
                }
            },
            mutant: Mutant::Lie(Lie::Edit(Command("EHLO", 1), "AUTH ", "X-AUTH ")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5068-3.2-no-open-relay",
            level: Level::MustNot,
            severity: Severity::Security,
            requirement: "Without authentication nothing is relayed to other domains, on whatever port and in whatever disguise.",
            on: On::EveryListener,
            connections: 8,
            messages: 32,
            script: |s| {
                s.needs_stranger()?;
                s.recipient_elsewhere()?;
                for sender in s.claimed_senders() {
                    s.greeted()?;
                    nothing_is_relayed(s, &sender)?;
                    s.secured()?;
                    nothing_is_relayed(s, &sender)?;
                }
                Ok(())
            },
            mutant: Mutant::Lies(&[
                Lie::Reply(Command("MAIL", 1), "250 2.1.0 Sender ok"),
                Lie::Reply(Command("RCPT", 1), "250 2.1.5 Recipient ok"),
            ]),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

/// MAIL is refused; a server that waits for RCPT meets the aim and not the letter.
fn nothing_is_taken(s: &mut Session<'_>) -> Outcome {
    for sender in [s.sender().to_owned(), String::new(), s.postmaster()] {
        let mail = s.mail_from(&sender, "sender")?;
        if !mail.accepted() {
            mail.expect_refusal("MAIL before authentication")?;
            continue;
        }
        mail.note("5yz to MAIL before authentication");
        let local = s.local_recipient().to_owned();
        s.rcpt_to(&local, "local recipient")?
            .expect_refusal("RCPT before authentication")?;
        if let Ok(elsewhere) = s.recipient_elsewhere() {
            s.rcpt_to(&elsewhere, "recipient")?
                .expect_refusal("RCPT before authentication")?;
        }
        s.command("RSET")?.ready(250)?;
    }
    Ok(())
}

/// One transaction of a stranger, with every form of a recipient elsewhere.
fn nothing_is_relayed(s: &mut Session<'_>, sender: &str) -> Outcome {
    let mail = s.mail_from(sender, "sender")?;
    if !mail.accepted() {
        return mail.expect_refusal("MAIL before authentication");
    }
    let elsewhere = s.recipient_elsewhere()?;
    for recipient in s.plain_forms(&elsewhere) {
        s.rcpt_to(&recipient, "recipient elsewhere")?
            .expect_refusal("RCPT for another domain")?;
    }
    for disguise in s.disguises(&elsewhere) {
        let rcpt = s.rcpt_to(&disguise, "recipient in disguise")?;
        if !rcpt.accepted() {
            rcpt.expect_refusal("RCPT in disguise")?;
        } else if s.may_send() {
            // It may be a mailbox of the server's own; then nothing reaches the next hop.
            let mark = token()?;
            s.mark(&mark)?;
            s.afterwards(Afterwards::Never(mark));
            s.command("RSET")?.ready(250)?;
            s.mail_from(sender, "sender")?.ready(250)?;
        }
    }
    s.command("RSET")?.ready(250)
}
