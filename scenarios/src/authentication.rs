//! AUTH: the command itself, whatever the mechanism.

use msaspec_harness::{
    answer::Answer,
    case::{Case, Chapter, Level, Mutant, On, Severity},
    lie::{
        At::{Command, Response},
        Lie,
    },
    mechanism::{Credentials, Mechanism, plain},
    verdict::Outcome,
};

/// The mechanisms that send the password itself.
const PLAINTEXT: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// RFC 4954.
pub const CHAPTER: Chapter = Chapter {
    name: "authentication",
    cases: &[
        Case {
            id: "rfc4954-3-auth-keyword-syntax",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The AUTH line of EHLO is the keyword and mechanism names of 1 to 20 capitals, digits, hyphens \
                          and underscores, separated by single blanks.",
            script: |s| {
                s.connected()?;
                auth_line_is_well_formed(&s.ehlo()?)?;
                s.secured()?;
                auth_line_is_well_formed(&s.ehlo()?)?;
                s.auth_offered()
            },
            mutant: Mutant::Lie(Lie::Edit(Command("EHLO", 1), "AUTH ", "AUTH PLAIN,")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-second-auth-503",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "After one successful AUTH, every further AUTH in the session is refused with 503.",
            script: |s| {
                s.authenticated()?;
                let mechanism = s.usable_mechanism()?;
                s.command(format!("AUTH {mechanism}"))?.expect(503)?;
                let sender = s.sender().to_owned();
                let mail = s.mail_from(&sender, "sender")?;
                // The login is still there; what else a server has against a message is its own affair.
                match mail.code() {
                    530 => Err(mail.deviates("a session that stays authenticated")),
                    _ => Ok(()),
                }
            },
            mutant: Mutant::reply("AUTH", 1, "235 2.7.0 Authenticated"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-unknown-mechanism-504",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A mechanism that the server does not have is refused with 504, with or without an initial response.",
            script: |s| {
                s.auth_offered()?;
                for command in ["AUTH X-NO-SUCH-MECH", "AUTH X-NO-SUCH-MECH dGVzdA=="] {
                    let answer = s.command(command)?;
                    answer.expect_or_contested(&[504], &[454])?;
                    answer.expect_status(&["5.5.4"]);
                }
                s.command("NOOP")?.expect(250)
            },
            mutant: Mutant::reply("AUTH", 1, "334 "),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-initial-response-accepted",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "An initial response on the AUTH line is used, so that PLAIN ends in one step with 235.",
            script: |s| {
                s.mechanism_offered(Mechanism::Plain)?;
                let alice = s.credentials()?;
                let message = plain::message("", &alice.user, &alice.password);
                s.auth_plain("PLAIN", message, &alice.user)?.expect(235)
            },
            mutant: Mutant::reply("AUTH", 1, "334 "),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-initial-response-omitted",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "Without an initial response, the server asks for it by an empty challenge.",
            script: |s| {
                s.mechanism_offered(Mechanism::Plain)?;
                let alice = s.credentials()?;
                let (answer, challenge) = s.challenge(Mechanism::Plain)?;
                if !challenge.is_empty() {
                    return Err(answer.deviates("an empty challenge"));
                }
                s.respond(
                    plain::message("", &alice.user, &alice.password),
                    &alice.user,
                )?
                .expect(235)
            },
            mutant: Mutant::reply("AUTH", 1, "501 5.5.4 An initial response is needed"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-cancel-501",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A line with an asterisk alone cancels the exchange with 501, and another AUTH may follow.",
            script: |s| {
                let (mechanism, alice) = s.login_possible()?;
                s.challenge(mechanism)?;
                s.response("*")?.expect(501)?;
                s.command("NOOP")?.expect(250)?;
                s.authenticate(mechanism, &alice)?.expect(235)
            },
            mutant: Mutant::Lie(Lie::Reply(Response(1), "235 2.7.0 Authenticated")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-bad-base64-in-response-501",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A response that is not base64 ends the exchange with 501, and the session goes on.",
            failed_logins: 1,
            script: |s| {
                s.secured()?;
                let mechanism = s.usable_mechanism()?;
                s.challenge(mechanism)?;
                let answer = s.response("!!!not-base64!!!")?;
                answer.expect_or_contested(&[501], &[454])?;
                answer.expect_status(&["5.5.2"]);
                s.command("NOOP")?.expect(250)
            },
            mutant: Mutant::Lie(Lie::Reply(Response(1), "235 2.7.0 Authenticated")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-wrong-password-535",
            level: Level::Should,
            severity: Severity::Security,
            requirement: "A login that fails is reported with 535, in the same words whether the user exists or not.",
            failed_logins: 2,
            script: |s| {
                let (mechanism, alice) = s.login_possible()?;
                let wrong = s.authenticate(
                    mechanism,
                    &Credentials::new(&alice.user, "not-the-password"),
                )?;
                failed_with_535(&wrong)?;
                let unknown = s.authenticate(
                    mechanism,
                    &Credentials::new("msaspec-nobody", "not-the-password"),
                )?;
                failed_with_535(&unknown)?;
                if prose(&wrong) != prose(&unknown) {
                    return Err(unknown
                        .deviates_because("the words that a wrong password gets", prose(&wrong)));
                }
                s.command("NOOP")?.expect(250)
            },
            mutant: Mutant::reply("AUTH", 2, "535 5.7.8 No such user"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-retry-after-failure",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "After an AUTH that failed, another may follow in the same session.",
            failed_logins: 1,
            script: |s| {
                let (mechanism, alice) = s.login_possible()?;
                let wrong = s.authenticate(
                    mechanism,
                    &Credentials::new(&alice.user, "not-the-password"),
                )?;
                wrong.expect_login_refused()?;
                s.authenticate(mechanism, &alice)?.expect(235)
            },
            mutant: Mutant::reply("AUTH", 2, "503 5.5.1 Only once"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-no-plaintext-mechanism-without-tls",
            level: Level::ShouldNot,
            severity: Severity::Security,
            requirement: "Before TLS, no mechanism that sends the password itself is offered, and none can be used.",
            on: On::ClearText,
            failed_logins: 1,
            script: |s| {
                s.greeted()?;
                let ehlo = s.ehlo()?;
                let offered: Vec<_> = PLAINTEXT
                    .into_iter()
                    .filter(|name| s.keywords().offers_mechanism(*name))
                    .collect();
                if let [first, ..] = offered.as_slice() {
                    let offered = format!("AUTH {first} is offered");
                    return Err(ehlo.deviates_at(
                        "AUTH",
                        "no PLAIN and no LOGIN before TLS",
                        offered,
                    ));
                }
                let unknown = s.command("AUTH X-NO-SUCH-MECH dGVzdA==")?;
                // Invented credentials: ours never go in clear text here.
                let dummy = plain::message("", "msaspec-nobody", "nothing");
                refused_unheard(&s.auth_with("PLAIN", dummy, "invented login")?, &unknown)?;
                refused_unheard(&s.command("AUTH LOGIN")?, &unknown)
            },
            mutant: Mutant::Lie(Lie::Edit(
                Command("EHLO", 1),
                "250-SIZE",
                "250-AUTH PLAIN LOGIN\r\n250-SIZE",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-4-authzid-must-be-authorised",
            level: Level::MustNot,
            severity: Severity::Security,
            requirement: "Whoever asks to act for another user is refused, unless he is allowed to.",
            failed_logins: 1,
            script: |s| {
                s.mechanism_offered(Mechanism::Plain)?;
                let (alice, bob) = (s.credentials()?, s.other_user()?);
                let message = plain::message(&bob, &alice.user, &alice.password);
                let answer =
                    s.auth_plain("PLAIN", message, &format!("{} for {bob}", alice.user))?;
                answer.expect_or_contested(&[535], &[454])
            },
            mutant: Mutant::reply("AUTH", 1, "235 2.7.0 Authenticated"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4954-6-530-exempt-commands",
            level: Level::ShouldNot,
            severity: Severity::Interop,
            requirement: "AUTH, EHLO, HELO, NOOP, RSET and QUIT are not refused with 530 for want of authentication.",
            script: |s| {
                s.secured()?;
                for command in [
                    "NOOP",
                    "RSET",
                    "HELO client.example",
                    "EHLO client.example",
                    "AUTH X-NO-SUCH-MECH",
                    "QUIT",
                ] {
                    let answer = s.command(command)?;
                    if answer.code() == 530 {
                        return Err(answer.deviates(format!("anything but 530 to {command}")));
                    }
                }
                Ok(())
            },
            mutant: Mutant::reply("NOOP", 1, "530 5.7.0 Log in first"),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

fn auth_line_is_well_formed(ehlo: &Answer) -> Outcome {
    ehlo.ready(250)?;
    let lines = (1..ehlo.reply.texts.len()).map(|line| ehlo.reply.text(line));
    for line in lines.filter(|line| {
        line.get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
    }) {
        // "AUTH=…" and the like are other keywords, which the chapter about EHLO judges.
        let Some(names) = line[4..].strip_prefix(' ') else {
            if line.len() > 4 {
                continue;
            }
            return Err(ehlo.deviates_at("AUTH", "AUTH and a mechanism", "AUTH stands alone"));
        };
        if let Some(name) = names.split(' ').find(|name| !is_mechanism_name(name)) {
            return Err(ehlo.deviates_at(
                "AUTH",
                "mechanism names behind single blanks",
                format!("\"{name}\" in \"{line}\""),
            ));
        }
    }
    Ok(())
}

/// sasl-mech (RFC 4422 section 3.1).
fn is_mechanism_name(name: &str) -> bool {
    let allowed = |octet: u8| {
        octet.is_ascii_uppercase() || octet.is_ascii_digit() || matches!(octet, b'-' | b'_')
    };
    (1..=20).contains(&name.len()) && name.bytes().all(allowed)
}

fn failed_with_535(answer: &Answer) -> Outcome {
    answer.never_accepted("a refusal of a wrong password")?;
    answer.expect_for_good(535)?;
    answer.expect_status(&["5.7.8"]);
    Ok(())
}

/// The words of a reply, without those that may differ each time: names in brackets, numbers, ids.
fn prose(answer: &Answer) -> String {
    let text = answer.reply.text(0);
    let steady =
        |word: &&str| !word.contains(|c: char| c.is_ascii_digit() || "[]<>()\"'".contains(c));
    text.split_whitespace()
        .filter(steady)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Refused before anybody looked at the credentials: which code is left open (504, 530, 534, 538, 503), and
/// 535 is what some servers say to a mechanism that they do not have.
fn refused_unheard(answer: &Answer, unknown: &Answer) -> Outcome {
    match answer.code() {
        334 | 235 => Err(answer.deviates("a refusal of a plaintext mechanism before TLS")),
        535 if prose(answer) != prose(unknown) => {
            Err(answer.deviates("a refusal without a look at the password"))
        }
        _ => answer.expect_refusal("a plaintext mechanism before TLS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mechanism_names() {
        for (name, well_formed) in [
            ("PLAIN", true),
            ("SCRAM-SHA-256-PLUS", true),
            ("X_Y", true),
            ("plain", false),
            ("", false),
            ("A,B", false),
        ] {
            assert_eq!(is_mechanism_name(name), well_formed, "{name}");
        }
    }
}
