//! PLAIN.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Proves, Severity},
    mechanism::{Mechanism, plain},
};

/// RFC 4616.
pub const CHAPTER: Chapter = Chapter {
    name: "plain",
    cases: &[
        Case {
            id: "rfc4616-2-success",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The right name and password log in with one message of the client, with or without an initial response.",
            on: On::Submission,
            proves: Proves::Mechanism("PLAIN"),
            script: |s| {
                s.mechanism_offered(Mechanism::Plain)?;
                let alice = s.credentials()?;
                s.authenticate(Mechanism::Plain, &alice)?.expect(235)?;
                s.mechanism_offered(Mechanism::Plain)?;
                s.authenticate_step_by_step(Mechanism::Plain, &alice)?
                    .expect(235)?;
                s.mechanism_offered(Mechanism::Plain)?;
                let message = plain::message("", &alice.user, &alice.password);
                let small = s.auth_plain("plain", message, &alice.user)?;
                // RFC 4954 section 8 ignores case, RFC 4422 section 3.1 knows capitals only.
                if !small.accepted() {
                    small.note("235 to AUTH plain in small letters");
                }
                Ok(())
            },
            mutant: Mutant::reply("AUTH", 1, "535 5.7.8 Wrong"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc4616-2-nul-structure",
            level: Level::MustNot,
            severity: Severity::Security,
            requirement: "A message with fewer or more than two NULs is refused, and never cut at a NUL.",
            failed_logins: 5,
            script: |s| {
                s.mechanism_offered(Mechanism::Plain)?;
                let alice = s.credentials()?;
                let (user, password) = (&alice.user, &alice.password);
                for (message, shown, cut_is_right) in [
                    (user.clone(), "no NUL", false),
                    (format!("{user}\0{password}"), "one NUL", false),
                    (format!("\0{user}\0{password}\0"), "a NUL at the end", true),
                    (
                        format!("\0{user}\0{password}\0junk"),
                        "junk behind a NUL",
                        true,
                    ),
                    (
                        format!("\0{user}\0\0{password}"),
                        "two NULs before the password",
                        false,
                    ),
                ] {
                    s.mechanism_offered(Mechanism::Plain)?;
                    let answer = s.auth_plain("PLAIN", message, shown)?;
                    if answer.accepted() && cut_is_right {
                        // Servers that take the password as a C string; whoever gets in knows it.
                        answer.note(format!("5yz to a message with {shown}"));
                    } else {
                        answer.expect_login_refused()?;
                    }
                }
                Ok(())
            },
            mutant: Mutant::reply("AUTH", 1, "235 2.7.0 Authenticated"),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};
