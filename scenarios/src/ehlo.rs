//! EHLO: what the server offers, in a form that every client can read.

use msaspec_harness::{
    answer::Answer,
    case::{Case, Chapter, Level, Mutant, On, Proves, Severity},
    lie::{At::Command, Lie},
    verdict::Outcome,
};

/// RFC 5321 sections 4.1.1.1 and 4.2.1.
pub const CHAPTER: Chapter = Chapter {
    name: "ehlo",
    cases: &[
        Case {
            id: "rfc5321-4.1.1.1-ehlo-response-syntax",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The reply to EHLO begins with the server's domain and has one keyword on each further line, \
                          its parameters separated by single blanks.",
            on: On::Submission,
            proves: Proves::Extensions,
            script: |s| {
                s.connected()?;
                keywords_are_well_formed(&s.ehlo()?)?;
                s.secured()?;
                keywords_are_well_formed(&s.ehlo()?)?;
                s.promised_extensions()
            },
            mutant: Mutant::Lie(Lie::Edit(Command("EHLO", 1), "250-SIZE", "250-SI_ZE")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.2.1-multiline-same-code",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "All lines of a reply carry the same code, with a hyphen on all but the last and a blank there; \
                          every reply of the run is looked at.",
            every_reply: true,
            script: |s| {
                s.connected()?;
                s.ehlo()?.expect_one_code()?;
                s.command("HELP")?.expect_one_code()?;
                s.in_step("one reply to EHLO and one to HELP: a hyphen on all lines but the last")
            },
            mutant: Mutant::reply("EHLO", 1, "250-submission.example\n220 SIZE 1000"),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

fn keywords_are_well_formed(ehlo: &Answer) -> Outcome {
    ehlo.ready(250)?;
    ehlo.expect_one_code()?;
    ehlo.expect_domain_first()?;
    for line in 1..ehlo.reply.texts.len() {
        let text = ehlo.reply.text(line);
        // Sites that serve clients of before 1999 repeat AUTH in a form that is no keyword.
        if text.starts_with("AUTH=") {
            ehlo.note_at(
                "AUTH=",
                "a keyword of letters, digits and hyphens, not \"AUTH=\"",
            );
        } else if !is_keyword_line(&text) {
            let expected =
                "a keyword of letters, digits and hyphens, and parameters behind single blanks";
            return Err(ehlo.deviates_at(&text, expected, "no keyword line"));
        }
    }
    Ok(())
}

/// ehlo-line: a keyword, then parameters of printable characters without blanks.
fn is_keyword_line(text: &str) -> bool {
    let mut words = text.split(' ');
    let keyword = words.next().unwrap_or_default();
    keyword.starts_with(|first: char| first.is_ascii_alphanumeric())
        && keyword
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        && words.all(|parameter| {
            !parameter.is_empty() && parameter.bytes().all(|octet| octet.is_ascii_graphic())
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("SIZE 1000", true)]
    #[case("8BITMIME", true)]
    #[case("AUTH PLAIN LOGIN", true)]
    #[case("", false)]
    #[case("-SIZE", false)]
    #[case("SI_ZE", false)]
    #[case("SIZE  1000", false)]
    #[case("SIZE ", false)]
    fn keyword_lines(#[case] line: &str, #[case] well_formed: bool) {
        assert_eq!(is_keyword_line(line), well_formed);
    }
}
