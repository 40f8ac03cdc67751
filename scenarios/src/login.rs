//! LOGIN: no RFC, but a convention that clients rely on.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Proves, Severity},
    mechanism::Mechanism,
};

/// The convention.
pub const CHAPTER: Chapter = Chapter {
    name: "login",
    cases: &[Case {
        id: "login-conv-prompts-and-success",
        level: Level::Should,
        severity: Severity::Interop,
        requirement: "The server asks for \"Username:\", then for \"Password:\", and then gives the outcome.",
        on: On::Submission,
        proves: Proves::Mechanism("LOGIN"),
        script: |s| {
            s.mechanism_offered(Mechanism::Login)?;
            let alice = s.credentials()?;
            let mut answer = s.command("AUTH LOGIN")?;
            for (prompt, octets, shown) in [
                ("Username:", &alice.user, alice.user.as_str()),
                ("Password:", &alice.password, "password"),
            ] {
                answer.expect(334)?;
                match answer.challenge()?.as_slice() {
                    [] => return Err(answer.deviates(format!("the prompt {prompt}"))),
                    asked if asked == prompt.as_bytes() => {}
                    // Clients are told to ignore the text, but several compare it.
                    _ => answer.note(format!("the prompt {prompt}")),
                }
                answer = s.respond(octets, shown)?;
            }
            answer.expect(235)
        },
        mutant: Mutant::reply("AUTH", 1, "334 Username:"),
        ..Case::DEFAULT
    }],
    untested: &[],
};
