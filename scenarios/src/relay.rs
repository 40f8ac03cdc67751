//! Relay: what was accepted arrives, once, whatever the next hop does; or its sender hears why not.

use msaspec_harness::{
    case::{Case, Chapter, Hop, Level, Mutant, Proves, Severity},
    lie::Lie,
    next_hop::{Action, Rule, Stage},
    session::{Afterwards, Session},
};

mod script;

/// RFC 5321 sections 2.1, 3.8 and 4.2 on the client's side, RFC 2920 and RFC 3207 section 4.
pub const CHAPTER: Chapter = Chapter {
    name: "relay",
    cases: &[
        Case {
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
        },
        Case {
            id: "rfc5321-3.8-lost-after-dot-tried-again",
            level: Level::Should,
            severity: Severity::Interop,
            requirement: "A message whose connection breaks between the final dot and its reply is sent again, at the price of a duplicate.",
            script: |s| {
                let mail = s.returnable()?;
                s.next_hop(
                    Rule::at(Stage::Dot)
                        .about(&mail.recipient)
                        .once(Action::Drop),
                )?;
                s.post(&mail)?;
                s.arrives(&mail)?;
                s.same_content_each_time(&mail)?;
                s.afterwards(Afterwards::NoFailure(mail.token));
                Ok(())
            },
            mutant: Mutant::Lie(Lie::Swallow),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.1.1.10-no-duplicate-after-250",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "After 250 to the final dot the message is not sent again, however the session ends.",
            messages: 5,
            script: script::ends_badly_after_250,
            mutant: Mutant::Lie(Lie::Repeat),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-3.6.3-mixed-recipients-each-settled",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "Each recipient has an outcome of its own: who is accepted gets the message at once, who is busy later, who is refused is reported.",
            script: script::each_is_settled,
            mutant: Mutant::Lie(Lie::SwallowFor("-busy@")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-3.6.3-mixed-recipients-each-settled-one-by-one",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "Each recipient has an outcome of its own also where the next hop takes one command at a time.",
            requirements: &["rfc5321-3.6.3-mixed-recipients-each-settled"],
            hop: Hop::Alone,
            script: |s| {
                s.next_hop(
                    Rule::at(Stage::Ehlo).always(Action::reply("250-hop.example\n250 8BITMIME")),
                )?;
                script::each_is_settled(s)
            },
            mutant: Mutant::Lie(Lie::SwallowFor("-busy@")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.2.1-multi-line-replies-read-whole",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A reply of several lines, to whatever command, is read to its last line before anything else is sent.",
            hop: Hop::Alone,
            messages: 6,
            script: script::slow_replies,
            mutant: Mutant::Lie(Lie::Hasty),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc2920-3.1-every-status-checked",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "In a group of commands every reply counts: 354 does not mean that a recipient was accepted.",
            messages: 3,
            script: script::nobody_was_accepted,
            mutant: Mutant::Lie(Lie::SwallowFor("<from-")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.5.3.2-silent-hop-times-out",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "Every wait for the next hop ends: one that falls silent delays a message, and does not hold it.",
            hop: Hop::Alone,
            messages: 7,
            script: script::silence_everywhere,
            mutant: Mutant::Lie(Lie::Swallow),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.5.3.2-silent-hop-times-out-endless-reply",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "A reply that never ends does not hold a message for ever, although every line of it comes in time.",
            requirements: &["rfc5321-4.5.3.2-silent-hop-times-out"],
            messages: 1,
            script: |s| {
                let mail = s.returnable()?;
                let endless = Action::Endless("250-and one more".to_owned());
                s.next_hop(
                    Rule::at(Stage::Recipient)
                        .about(&mail.recipient)
                        .once(endless),
                )?;
                s.post(&mail)?;
                s.arrives_or_is_reported(&mail)?;
                s.silence_was_left(&mail)
            },
            mutant: Mutant::Lie(Lie::Swallow),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.1.1.1-keyword-is-first-token",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A keyword is the whole first word of a line behind the first; what looks like one elsewhere offers nothing.",
            hop: Hop::Alone,
            script: |s| {
                s.next_hop(Rule::at(Stage::Ehlo).always(Action::reply(
                    "250-dsn.pipelining.size.starttls.8bitmime.example DSN STARTTLS SIZE PIPELINING\n\
                     250-XSTARTTLS\n250-NO-PIPELINING\n250-X-DSN\n250-HELP CHUNKING SMTPUTF8\n250 8BITMIMEX",
                )))?;
                script::nothing_unoffered(s)
            },
            mutant: Mutant::Lie(Lie::Heard("MAIL FROM:", "STARTTLS\nMAIL FROM:")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-2.2.1-no-unoffered-extension",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "No verb and no parameter is used that the next hop has not offered in this session, and none at all after HELO.",
            hop: Hop::Alone,
            messages: 3,
            script: |s| {
                let nothing = || Rule::at(Stage::Ehlo).always(Action::reply("250 hop.example"));
                s.next_hop(nothing())?;
                script::nothing_unoffered(s)?;

                s.next_hop_as_usual()?;
                s.next_hop(Rule::at(Stage::Ehlo).always(Action::reply("502 5.5.1 Not here")))?;
                script::nothing_unoffered(s)?;

                // What one session offered is nothing to the next.
                s.next_hop_as_usual()?;
                let everything = "250-hop.example\n250-SIZE\n250-DSN\n250-8BITMIME\n250 PIPELINING";
                let first = Rule::at(Stage::Ehlo).once(Action::reply(everything));
                s.next_hop(first.always(Action::reply("250 hop.example")))?;
                s.next_hop(
                    Rule::at(Stage::Dot).once(Action::LastWords("451 4.3.0 Later".to_owned())),
                )?;
                script::nothing_unoffered(s)
            },
            mutant: Mutant::Lie(Lie::Heard(
                "@next-hop.example>",
                "@next-hop.example> RET=HDRS",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc1870-6-declared-size-covers-message",
            level: Level::Should,
            severity: Severity::Interop,
            requirement: "A size that is declared to the next hop is at least that of the content as this hop gets it, whatever the client declared.",
            hop: Hop::Alone,
            script: |s| {
                for eight_bit in ["", "250-8BITMIME\n"] {
                    s.next_hop_as_usual()?;
                    let offers = format!("250-hop.example\n{eight_bit}250 SIZE 50000000");
                    s.next_hop(Rule::at(Stage::Ehlo).always(Action::reply(&offers)))?;
                    script::size_is_covered(s)?;
                }
                Ok(())
            },
            mutant: Mutant::Lie(Lie::Heard(" SIZE=", " SIZE=10 X-SIZE=")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4.2-early-reply-octets-discarded",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "Octets in clear text behind the 220 to STARTTLS are no replies to what is said inside TLS.",
            hop: Hop::Alone,
            script: |s| {
                s.next_hop(
                    Rule::at(Stage::Ehlo)
                        .always(Action::reply("250-hop.example\n250-8BITMIME\n250 STARTTLS")),
                )?;
                s.next_hop(Rule::at(Stage::StartTls).once(Action::Octets(
                    b"220 go\r\n250-evil.example\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n".to_vec(),
                )))?;
                script::nothing_injected(s)
            },
            mutant: Mutant::Lie(Lie::Heard("MAIL FROM:", "AUTH PLAIN AGEAYg==\nMAIL FROM:")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3207-4.2-client-forgets-extensions",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "What the next hop offers before TLS is forgotten; only EHLO inside TLS counts.",
            hop: Hop::Alone,
            script: |s| {
                s.next_hop(Rule::at(Stage::Ehlo).always(Action::reply(
                    "250-hop.example\n250-STARTTLS\n250-SIZE\n250-DSN\n250-PIPELINING\n\
                     250-8BITMIME\n250-CHUNKING\n250 AUTH PLAIN",
                )))?;
                s.next_hop(Rule::at(Stage::EhloInTls).always(Action::reply("250 hop.example")))?;
                script::nothing_unoffered_in_tls(s)
            },
            mutant: Mutant::Lie(Lie::Heard(
                "@next-hop.example>",
                "@next-hop.example> RET=HDRS",
            )),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.5.2-dots-doubled-on-the-way-out",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "Every line that begins with a dot leaves with one dot more, wherever it stands.",
            script: script::dots_everywhere,
            mutant: Mutant::Lie(Lie::OnTheWire("\r\n..first", "\r\n.first")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.5.2-dots-doubled-on-the-way-out-longest-line",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "The longest line leaves with one dot more too, and is not broken for it.",
            requirements: &["rfc5321-4.5.2-dots-doubled-on-the-way-out"],
            script: script::dot_before_the_longest_line,
            mutant: Mutant::Lie(Lie::OnTheWire("\r\n..yy", "\r\n.yy")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-2.2.1-client-helo-fallback",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A next hop that does not know EHLO is served with HELO.",
            hop: Hop::Alone,
            script: |s| {
                for refusal in ["500 5.5.1 What?", "502 5.5.1 Not here"] {
                    s.next_hop_as_usual()?;
                    s.next_hop(Rule::at(Stage::Ehlo).always(Action::reply(refusal)))?;
                    script::served_with_helo(s)?;
                }
                Ok(())
            },
            mutant: Mutant::Lie(Lie::Swallow),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

/// Whatever else comes would be too much.
fn once_and_no_failure(s: &mut Session<'_>, token: String) {
    s.afterwards(Afterwards::Once(token.clone()));
    s.afterwards(Afterwards::NoFailure(token));
}
