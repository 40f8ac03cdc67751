//! STARTTLS: from clear text to TLS, and nothing of the clear text remains.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Proves, Severity},
    lie::{At::Command, Lie},
    mechanism::{Mechanism, plain},
    session::Session,
    verdict::{Halt, Outcome},
};

/// RFC 3207.
pub const CHAPTER: Chapter = Chapter {
    name: "starttls",
    cases: &[
        Case {
            id: "rfc3207-4-220-then-handshake",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "STARTTLS is answered with 220, and what follows belongs to the TLS handshake.",
            on: On::ClearText,
            proves: Proves::Starttls,
            script: |s| {
                s.starttls_offered()?;
                s.start_tls()
            },
            mutant: Mutant::reply("STARTTLS", 1, "502 5.5.1 Not today"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4-parameter-501",
            level: Level::Must,
            severity: Severity::Hygiene,
            requirement: "STARTTLS with an argument is refused with 501, and the session goes on in clear text.",
            script: |s| {
                s.starttls_offered()?;
                s.command("STARTTLS now")?.expect(501)?;
                s.command("NOOP")?.expect(250)
            },
            mutant: Mutant::reply("STARTTLS", 1, "220 2.0.0 Go ahead"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4-530-before-tls",
            level: Level::Should,
            severity: Severity::Security,
            requirement: "Where TLS is required, what it is required for is answered 530 before it.",
            on: On::ClearText,
            failed_logins: 1,
            script: |s| {
                s.needs_tls_required()?;
                s.starttls_offered()?;
                let mail = s.new_message()?;
                s.mail_from(&mail.sender, "sender")?.expect(530)?;
                s.rcpt_to(&mail.recipient, "recipient")?.expect(530)?;
                s.command("DATA")?.expect(530)?;
                s.command("VRFY <postmaster>")?.expect(530)?;
                let dummy = plain::message("", "msaspec-nobody", "nothing");
                s.auth_with("PLAIN", dummy, "invented login")?.expect(530)
            },
            mutant: Mutant::reply("RCPT", 1, "250 2.1.5 Recipient taken"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4-permitted-before-tls",
            level: Level::Should,
            severity: Severity::Interop,
            requirement: "Where TLS is required, NOOP, EHLO, STARTTLS and QUIT can be used before it.",
            on: On::ClearText,
            script: |s| {
                s.needs_tls_required()?;
                s.connected()?;
                s.command("NOOP")?.expect(250)?;
                s.ehlo()?.expect(250)?;
                s.command("NOOP")?.expect(250)?;
                s.command("QUIT")?.expect(221)?;
                s.starttls_offered()?;
                s.start_tls()
            },
            mutant: Mutant::reply("NOOP", 2, "530 5.7.0 Must issue STARTTLS first"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-6-tls-can-be-required",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "Where TLS is required, nothing before it leads to a message or to a login.",
            on: On::ClearText,
            failed_logins: 1,
            script: |s| {
                s.needs_tls_required()?;
                s.starttls_offered()?;
                let sender = s.sender().to_owned();
                s.mail_from(&sender, "sender")?.expect(530)?;
                s.command("BDAT 0 LAST")?
                    .expect_refusal("BDAT before TLS")?;
                s.command("DATA")?.expect_refusal("DATA before TLS")?;
                let dummy = plain::message("", "msaspec-nobody", "nothing");
                let answer = s.auth_with("PLAIN", dummy, "invented login")?;
                answer.expect_refusal("AUTH before TLS")
            },
            mutant: Mutant::reply("MAIL", 1, "250 2.1.0 Sender taken"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4.2-pipelined-plaintext-discarded",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "What arrives in clear text behind STARTTLS is forgotten and never executed inside TLS.",
            on: On::ClearText,
            script: |s| {
                injected_is_forgotten(s, "NOOP injected\r\nEHLO injected.client.example\r\n")?;
                injected_is_forgotten(s, "RSET\r\n")?;
                injected_is_forgotten(s, &"X".repeat(4096))
            },
            mutant: Mutant::Lie(Lie::ClearTextRunsInsideTls),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4.2-helo-state-forgotten",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "After the handshake the session is back at its start: what EHLO said before is gone.",
            script: |s| {
                s.needs_next_hop()?;
                s.starttls_offered()?;
                s.ehlo_as("before.client.example")?.ready(250)?;
                s.start_tls()?;
                mail_needs_a_new_ehlo(s)?;
                s.ehlo_as("after.client.example")?.ready(250)?;
                let mail = s.submit_here()?;
                let received = s.delivered(&mail)?.all("Received");
                match received
                    .iter()
                    .find(|field| field.contains("before.client.example"))
                {
                    None => Ok(()),
                    Some(old) => Err(s.delivery_deviates(
                        "after.client.example alone in the Received fields",
                        old,
                    )),
                }
            },
            mutant: Mutant::Lie(Lie::Relayed(
                "after.client.example",
                "before.client.example",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4.2-state-reset",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "A login from before the handshake is gone after it, and the client can log in anew.",
            script: |s| {
                s.starttls_offered()?;
                let early = login_in_clear(s)?;
                s.start_tls()?;
                s.ehlo()?.ready(250)?;
                if early.is_some() && s.target().promises.authentication_required {
                    let sender = s.sender().to_owned();
                    s.mail_from(&sender, "sender")?.expect(530)?;
                }
                let mechanism = match early {
                    Some(mechanism) => mechanism,
                    None => s.usable_mechanism()?,
                };
                let credentials = s.credentials()?;
                s.authenticate(mechanism, &credentials)?.expect(235)
            },
            mutant: Mutant::reply("AUTH", 1, "503 5.5.0 Already authenticated"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4.2-starttls-not-offered-inside-tls",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "STARTTLS is not offered while TLS is active.",
            on: On::Submission,
            script: |s| {
                s.inside_tls()?;
                let ehlo = s.ehlo()?;
                match s.keywords().offers("STARTTLS") {
                    false => Ok(()),
                    true => {
                        Err(ehlo.deviates_at("STARTTLS", "no STARTTLS inside TLS", "it is offered"))
                    }
                }
            },
            mutant: Mutant::Lie(Lie::Edit(
                Command("EHLO", 1),
                "250-SIZE",
                "250-STARTTLS\r\n250-SIZE",
            )),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

/// Sends STARTTLS and clear text in one write. Refusing that, now or for good, or breaking off, is as good as
/// forgetting.
fn injected_is_forgotten(s: &mut Session<'_>, injected: &str) -> Outcome {
    s.starttls_offered()?;
    s.send(format!("STARTTLS\r\n{injected}"))?;
    let answer = match s.reply_or_421("STARTTLS with clear text behind it") {
        Err(Halt::Deviation(_)) => return Ok(()),
        answer => answer?,
    };
    if matches!(answer.reply.class(), 4 | 5) {
        return Ok(());
    }
    answer.expect(220)?;
    match s.handshake_soon() {
        Ok(()) => s.in_step("no reply inside TLS to what came in clear text"),
        Err(Halt::Deviation(_)) => Ok(()),
        Err(halt) => Err(halt),
    }
}

/// Logs in before TLS, where that may be tried here: how, if so.
fn login_in_clear(s: &mut Session<'_>) -> Outcome<Option<Mechanism>> {
    let (Ok(mechanism), Ok(credentials)) = (s.usable_mechanism(), s.credentials()) else {
        return Ok(None);
    };
    s.authenticate(mechanism, &credentials)?.ready(235)?;
    Ok(Some(mechanism))
}

/// Servers that never ask for EHLO do not ask for it here either; what counts is that no old name is used.
fn mail_needs_a_new_ehlo(s: &mut Session<'_>) -> Outcome {
    let sender = s.sender().to_owned();
    let answer = s.mail_from(&sender, "sender")?;
    if answer.accepted() {
        answer.note("503 to MAIL without a new EHLO");
        return s.command("RSET")?.ready(250);
    }
    answer.expect_one_of(&[503, 530])
}
