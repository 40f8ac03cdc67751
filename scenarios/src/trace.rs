//! Trace fields: what the server writes about a message, for those who look for its way later.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Severity},
    lie::Lie,
    message::Received,
    verdict::Halt,
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
                s.data_accepted("One line.\r\n")?;
                let delivered = s.delivered(&mail)?;
                let received = delivered.all("Received");
                let submitted = |field: &String| field.contains("a.example by b.example");
                let Some(own) = received.iter().position(|field| !submitted(field)) else {
                    // Services that care for privacy leave it out.
                    s.delivery_note("a Received field of the server's own", received.join(" | "));
                    return Ok(());
                };
                let names = delivered.header_names();
                let first = |wanted: &str| {
                    names
                        .iter()
                        .position(|name| name.eq_ignore_ascii_case(wanted))
                };
                if own > 0 || first("Received") > first("From") {
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
            on: On::Submission,
            script: |s| {
                s.inside_tls()?;
                let mail = s.submit()?;
                let received = s.delivered(&mail)?.all("Received");
                if received.is_empty() {
                    return Err(Halt::Skip("the message has no Received field".to_owned()));
                }
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
