//! What becomes of octets above 127 where the next hop has no 8BITMIME.

use msaspec_harness::{
    message::Message,
    mime,
    next_hop::{Action, Rule, Stage},
    session::{Afterwards, Session, Settled},
    verdict::Outcome,
};

/// Three leaves: text, the text of a message, and what is in base64 already.
const PARTS: &str = "--b\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    Un \u{e9}t\u{e9} = 1. \r\n--c\r\n.\r\n\
    --b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    Subject: Inner\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\nGr\u{fc}\u{df}e\r\n\
    --b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8=\r\n\
    --b--\r\n";
const LEAVES: [&[u8]; 3] = [
    "Un \u{e9}t\u{e9} = 1. \r\n--c\r\n.".as_bytes(),
    "Gr\u{fc}\u{df}e".as_bytes(),
    b"\0\xff",
];

/// A declared content of several parts.
pub(super) fn parts_to_seven_bits(s: &mut Session<'_>) -> Outcome {
    let mail = to_seven_bits(s)?;
    let content = format!(
        "{}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{PARTS}",
        mail.header()
    );
    s.post_declared(&mail, &content)?;
    nothing_raw_and_nothing_lost(s, mail, &LEAVES)
}

/// A content that MAIL did not declare.
pub(super) fn undeclared_to_seven_bits(s: &mut Session<'_>) -> Outcome {
    let mail = to_seven_bits(s)?;
    s.mail_from(&mail.sender, "sender")?.ready(250)?;
    s.rcpt_to(&mail.recipient, "recipient")?.ready(250)?;
    s.command("DATA")?.ready(354)?;
    let body = "Gr\u{fc}\u{df}e.\r\n";
    super::send(s, &mail, body.as_bytes())?;
    let answer = s.end_data("")?;
    if answer.reply.class() == 5 {
        return Ok(());
    }
    answer.ready(250)?;
    nothing_raw_and_nothing_lost(s, mail, &[body.as_bytes()])
}

/// An authenticated session with 8BITMIME, before a next hop without.
fn to_seven_bits(s: &mut Session<'_>) -> Outcome<Message> {
    let mail = s.returnable()?;
    s.next_hop(Rule::at(Stage::Ehlo).always(Action::reply("250-hop.example\n250 SIZE")))?;
    super::offered(s)?;
    Ok(mail)
}

/// It has arrived in 7 bits and says the same, or its sender knows.
fn nothing_raw_and_nothing_lost(s: &mut Session<'_>, mail: Message, leaves: &[&[u8]]) -> Outcome {
    match s.settled(&mail)? {
        Settled::Reported(_) => {
            s.no_content_was_sent(&mail)?;
            s.afterwards(Afterwards::ReportedOnce(mail.token, mail.recipient));
            return Ok(());
        }
        // Contested: Exim converts nothing and asks no hop. Whoever does cannot spoil it.
        Settled::Arrived(message) if !message.content.is_ascii() => {
            s.delivery_note("octets up to 127, or a report", "octets above 127");
            let sent = leaves[0];
            if !message.content.windows(sent.len()).any(|here| here == sent) {
                return Err(s.hop_deviates(&mail, "the same octets", "others"));
            }
        }
        Settled::Arrived(message) => {
            let expected = "the same leaves in 7 bits, each in the encoding that it names";
            match mime::leaves(&message.content) {
                Ok(read) if is_same(&read, leaves) => {}
                Ok(read) => {
                    let read = read.join(&b"|"[..]);
                    let observed = msaspec_harness::line::visible(&read);
                    return Err(s.hop_deviates(&mail, expected, observed));
                }
                Err(fault) => return Err(s.hop_deviates(&mail, expected, fault)),
            }
        }
    }
    s.afterwards(Afterwards::Once(mail.token.clone()));
    s.afterwards(Afterwards::NoFailure(mail.token));
    Ok(())
}

/// A line end more or less behind the last line is nobody's loss.
pub(super) fn is_same(read: &[Vec<u8>], leaves: &[&[u8]]) -> bool {
    let trimmed = |octets: &[u8]| octets.strip_suffix(b"\r\n").unwrap_or(octets).to_vec();
    let read = read.iter().map(|leaf| trimmed(leaf));
    read.eq(leaves.iter().map(|leaf| trimmed(leaf)))
}
