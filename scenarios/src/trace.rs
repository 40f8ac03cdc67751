//! Trace fields: what the server writes about a message, for those who look for its way later.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Severity},
    lie::Lie,
    message::Received,
};

/// RFC 5321 section 4.4 and RFC 3848.
pub const CHAPTER: Chapter = Chapter {
    name: "trace",
    cases: &[
        Case {
            id: "rfc5321-4.4-received-prepended",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The server puts a Received field of its own, with FROM and BY, above everything that was submitted.",
            script: |s| {
                let mail = s.data_opened()?;
                s.send(
                    "Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n",
                )?;
                s.send_header(&mail)?;
                s.end_data("One line.\r\n")?.expect(250)?;
                let delivered = s.delivered(&mail)?;
                let received = delivered.all("Received");
                if received.len() < 2 {
                    // Services that care for privacy leave it out.
                    s.delivery_note(
                        "a Received field of the server's own",
                        "only the one that was submitted",
                    );
                    return Ok(());
                }
                let names = delivered.header_names();
                let is =
                    |wanted: &'static str| move |name: &String| name.eq_ignore_ascii_case(wanted);
                let above = names.iter().position(is("Received"))
                    < names.iter().position(is("From"))
                    && !received[0].contains("a.example by b.example");
                if !above {
                    return Err(s.delivery_deviates(
                        "the server's own Received field on top",
                        names.join(", "),
                    ));
                }
                let top = Received::parse(&received[0]);
                if top.from.is_none() || top.by.is_none() {
                    s.delivery_note("FROM and BY in the Received field", received[0].clone());
                }
                Ok(())
            },
            mutant: Mutant::Lie(Lie::TopFieldSinks),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc3848-1-esmtpsa-recorded",
            level: Level::Should,
            severity: Severity::Hygiene,
            requirement: "A message that came over TLS after authentication is recorded as received with ESMTPSA.",
            requirements: &[
                "rfc3848-1-esmtpsa-recorded",
                "rfc4954-7-received-with-keyword",
            ],
            on: On::Submission,
            script: |s| {
                s.inside_tls()?;
                let mail = s.submit()?;
                let received = s.delivered(&mail)?.all("Received");
                let with = |field: &String| {
                    Received::parse(field)
                        .with
                        .unwrap_or_default()
                        .to_ascii_uppercase()
                };
                match received
                    .iter()
                    .any(|field| matches!(with(field).as_str(), "ESMTPSA" | "UTF8SMTPSA"))
                {
                    true => Ok(()),
                    false => Err(s.delivery_deviates(
                        "with ESMTPSA in a Received field",
                        received.join(" | "),
                    )),
                }
            },
            mutant: Mutant::Lie(Lie::Relayed("ESMTPSA", "ESMTPA")),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};
