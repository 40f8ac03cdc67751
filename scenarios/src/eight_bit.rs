//! 8BITMIME: contents with octets above 127, declared and undeclared.

use msaspec_harness::{
    answer::Answer,
    case::{Case, Chapter, Hop, Level, Mutant, Severity},
    lie::{At::Command, Lie},
    line::{Line, visible},
    message::Message,
    mime,
    session::Session,
    verdict::{Halt, Outcome},
};

mod script;

/// RFC 6152.
pub const CHAPTER: Chapter = Chapter {
    name: "eight-bit",
    cases: &[
        Case {
            id: "rfc6409-7-8bitmime-offered",
            level: Level::Should,
            severity: Severity::Interop,
            requirement: "A submission server offers 8BITMIME, at the latest inside TLS.",
            script: |s| {
                s.secured()?;
                let ehlo = s.ehlo()?;
                ehlo.ready(250)?;
                match s.keywords().offers("8BITMIME") {
                    true => Ok(()),
                    false => Err(ehlo.deviates("8BITMIME among the keywords")),
                }
            },
            mutant: Mutant::Lie(Lie::Edit(Command("EHLO", 1), "250-8BITMIME", "250-X-7BIT")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6152-2-body-parameter",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "BODY takes 7BIT and 8BITMIME in any case, and no value of which the server cannot know what it means.",
            script: |s| {
                offered(s)?;
                for body in ["BODY=7BIT", "BODY=8BITMIME", "body=8bitmime"] {
                    mail_with(s, body)?.expect(250)?;
                    s.command("RSET")?.ready(250)?;
                }
                mail_with(s, "BODY=9BIT")?.expect_one_of(&[501, 504, 555])?;
                if s.keywords().offers("BINARYMIME") {
                    return Ok(());
                }
                mail_with(s, "BODY=BINARYMIME")?.expect_one_of(&[555, 501, 504])
            },
            mutant: Mutant::reply("MAIL", 5, "250 2.1.0 Sender ok"),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6152-3-octets-preserved",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "Every octet of a content that was declared 8BITMIME reaches a next hop that offers it too.",
            script: |s| {
                s.needs_next_hop()?;
                offered(s)?;
                let mail = s.new_message()?;
                mail_with(s, "BODY=8BITMIME")?.expect(250)?;
                s.rcpt_to(&mail.recipient, "recipient")?.ready(250)?;
                s.command("DATA")?.ready(354)?;
                let body = [
                    "Une \u{e9}t\u{e9}.\r\n".as_bytes(),
                    &every_octet(),
                    b" \r\n\xff\r\n",
                ]
                .concat();
                send(s, &mail, &body)?;
                s.data_accepted("")?;
                let arrived = s.delivered(&mail)?.body().to_vec();
                match arrived == body {
                    true => Ok(()),
                    false => Err(s.delivery_deviates("the same octets", visible(&arrived))),
                }
            },
            mutant: Mutant::Lie(Lie::Relayed("\u{e9}t\u{e9}", "C)tC)")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6152-3-undeclared-8bit",
            level: Level::May,
            severity: Severity::Hygiene,
            requirement: "Octets above 127 that nobody declared are refused or arrive readable, and are never spoilt.",
            script: |s| {
                let mail = s.data_opened()?;
                send(s, &mail, "Gr\u{fc}\u{df}e.\r\n".as_bytes())?;
                let answer = s.end_data("")?;
                if answer.reply.class() == 5 {
                    return Ok(());
                }
                answer.ready(250)?;
                let delivered = s.delivered(&mail)?;
                let (body, sent) = (delivered.body(), "Gr\u{fc}\u{df}e.\r\n".as_bytes());
                let read = mime::leaves(&delivered.content);
                if body == sent || read.is_ok_and(|read| script::is_same(&read, &[sent])) {
                    return Ok(());
                }
                Err(s.delivery_deviates("the same octets, or an encoding of them", visible(body)))
            },
            mutant: Mutant::Lie(Lie::Relayed("\u{fc}", "C<")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6152-3-no-raw-8bit-to-7bit-hop",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "To a next hop without 8BITMIME a content goes as MIME of 7 bits with nothing lost, or not at all and its sender is told.",
            hop: Hop::Alone,
            script: script::parts_to_seven_bits,
            mutant: Mutant::Lie(Lie::Relayed("=C3=A9", "=C3=A8")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc6152-3-no-raw-8bit-to-7bit-hop-undeclared",
            level: Level::MustNot,
            severity: Severity::Interop,
            requirement: "Octets above 127 go to no next hop without 8BITMIME either where nobody declared them, and what they become names its encoding.",
            requirements: &[
                "rfc6152-3-no-raw-8bit-to-7bit-hop",
                "rfc6152-3-undeclared-8bit",
            ],
            hop: Hop::Alone,
            script: script::undeclared_to_seven_bits,
            mutant: Mutant::Lie(Lie::Relayed(
                "Content-Transfer-Encoding: quoted-printable",
                "X-Transfer-Encoding: quoted-printable",
            )),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

/// An authenticated session that offers 8BITMIME.
fn offered(s: &mut Session<'_>) -> Outcome {
    s.authenticated()?;
    match s.keywords().offers("8BITMIME") {
        true => Ok(()),
        false => Err(Halt::Skip("8BITMIME is not offered".to_owned())),
    }
}

fn mail_with(s: &mut Session<'_>, parameter: &str) -> Outcome<Answer> {
    let sender = s.sender().to_owned();
    s.command(
        Line::new("MAIL FROM:<")
            .token(sender, "sender")
            .then(format!("> {parameter}")),
    )
}

/// Sends a message whose header says what the body is.
fn send(s: &mut Session<'_>, mail: &Message, body: &[u8]) -> Outcome {
    s.send(
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
    )?;
    s.send_header(mail)?;
    s.send(Line::new(body))
}

/// All but NUL, CR and LF, in lines of a length that every server takes, none of which begins with a dot.
fn every_octet() -> Vec<u8> {
    let octets: Vec<u8> = (1..=255)
        .filter(|octet| !matches!(octet, b'\r' | b'\n'))
        .collect();
    octets
        .chunks(64)
        .flat_map(|chunk| [b"=", chunk, b"\r\n"].concat())
        .collect()
}
