//! Scripts of the chapter that are longer than a case.

use msaspec_harness::{
    message::Message,
    next_hop::{Action, Rule, Stage},
    session::{Afterwards, Session, Settled},
    verdict::{Halt, Outcome},
};

use super::once_and_no_failure;

/// The reply to the final dot is 250, and then things go wrong.
pub(super) fn ends_badly_after_250(s: &mut Session<'_>) -> Outcome {
    let taken = "250 2.0.0 Taken";
    let mut mails = Vec::new();
    for (stage, action) in [
        (Stage::Dot, Action::LastWords(taken.to_owned())),
        (
            Stage::Dot,
            Action::slowly("250-2.0.0 Taken\n250 2.0.0 as 4711"),
        ),
        (Stage::Quit, Action::reply("500 5.5.1 What?")),
        (
            Stage::Quit,
            Action::LastWords("421 4.3.2 Closing".to_owned()),
        ),
        (Stage::Quit, Action::Drop),
    ] {
        let mail = s.returnable()?;
        s.next_hop(Rule::at(stage).about(&mail.recipient).once(action))?;
        s.post(&mail)?;
        mails.push(mail);
    }
    for mail in mails {
        s.arrives(&mail)?;
        once_and_no_failure(s, mail.token);
    }
    Ok(())
}

/// Four recipients of one message: two are accepted, one is busy at first, one is unknown.
pub(super) fn each_is_settled(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    let [one, other, unknown, busy] =
        ["one", "other", "unknown", "busy"].map(|name| s.recipient(&mail, name));
    let refusal = Action::reply("550 5.1.1 Unknown here");
    let later = Action::reply("451 4.2.1 Busy");
    s.next_hop(Rule::at(Stage::Recipient).about(&unknown).always(refusal))?;
    s.next_hop(Rule::at(Stage::Recipient).about(&busy).once(later))?;
    s.post_to(&mail, &[&one, &unknown, &busy, &other], "One line.\r\n")?;

    s.arrives_for(&mail, &one)?;
    s.arrives_for(&mail, &other)?;
    let report = s.reported(&mail, &unknown)?;
    for group in &report.about_recipients {
        let named = group.recipient();
        if !named.eq_ignore_ascii_case(&unknown) && group.value("Action") == Some("failed") {
            let named = named.replace(&mail.token, "[token]");
            return Err(s.hop_deviates(&mail, "a report of the refused recipient alone", named));
        }
    }
    let later = s.arrives_for(&mail, &busy)?;
    if later.is_for(&one) || later.is_for(&other) {
        // Who has waited for the busy one has it once all the same; who has it twice is counted below.
        let expected = "the later transaction for the busy recipient alone";
        s.hop_note(&mail, expected, "the others too");
    }
    for recipient in [one, other, busy] {
        s.afterwards(Afterwards::OnceFor(mail.token.clone(), recipient));
    }
    s.afterwards(Afterwards::ReportedOnce(mail.token, unknown));
    Ok(())
}

/// One message a stage; the greeting's comes first, while nothing else is on its way.
pub(super) fn slow_replies(s: &mut Session<'_>) -> Outcome {
    let reply = |code| Action::slowly(&format!("{code}-one\n{code}-two\n{code} three"));
    s.next_hop(Rule::at(Stage::Greeting).once(reply(220)))?;
    let mail = s.returnable()?;
    s.post(&mail)?;
    let mut mails = vec![mail];
    for (stage, code) in [
        (Stage::Mail, 250),
        (Stage::Recipient, 250),
        (Stage::Data, 354),
        (Stage::Dot, 250),
        (Stage::Quit, 221),
    ] {
        let mail = s.returnable()?;
        // MAIL is known by its sender, all that follows by the recipient.
        let address = if stage == Stage::Mail {
            &mail.sender
        } else {
            &mail.recipient
        };
        s.next_hop(Rule::at(stage).about(address).once(reply(code)))?;
        s.post(&mail)?;
        mails.push(mail);
    }
    for mail in mails {
        s.arrives(&mail)?;
        s.hop_was_heard_out(&mail)?;
        once_and_no_failure(s, mail.token);
    }
    Ok(())
}

/// Nobody is accepted, and yet DATA is answered 354; or MAIL is refused, and the rest out of order.
pub(super) fn nobody_was_accepted(s: &mut Session<'_>) -> Outcome {
    let mut mails = Vec::new();
    for to_the_dot in ["250 2.0.0 Taken", "554 5.5.1 No recipients"] {
        let mail = s.returnable()?;
        let other = s.recipient(&mail, "other");
        for (stage, address, reply) in [
            (Stage::Recipient, &mail.recipient, "550 5.1.1 Unknown here"),
            (Stage::Recipient, &other, "550 5.1.1 Unknown here"),
            (Stage::Data, &mail.recipient, "354 Go on"),
            (Stage::Dot, &mail.recipient, to_the_dot),
        ] {
            s.next_hop(Rule::at(stage).about(address).always(Action::reply(reply)))?;
        }
        s.post_to(&mail, &[&mail.recipient, &other], "One line.\r\n")?;
        mails.push((mail, vec![other]));
    }
    let mail = s.returnable()?;
    for (stage, address, reply) in [
        (Stage::Mail, &mail.sender, "550 5.7.1 Not from you"),
        (Stage::Recipient, &mail.recipient, "503 5.5.1 MAIL first"),
        (Stage::Data, &mail.recipient, "503 5.5.1 RCPT first"),
    ] {
        s.next_hop(Rule::at(stage).about(address).always(Action::reply(reply)))?;
    }
    s.post(&mail)?;
    mails.push((mail, Vec::new()));

    for (mail, others) in mails {
        for recipient in std::iter::once(&mail.recipient).chain(&others) {
            let report = s.reported(&mail, recipient)?;
            let diagnostic = report
                .about(recipient)
                .and_then(|group| group.value("Diagnostic-Code"));
            let diagnostic = diagnostic.unwrap_or_default().to_owned();
            if diagnostic.contains("503") {
                // It is what RCPT was answered (RFC 3464 section 2.3.6), and no help to anybody.
                s.hop_note(&mail, "the reply that was the reason, 550", diagnostic);
            }
        }
        s.no_content_was_sent(&mail)?;
        for recipient in std::iter::once(&mail.recipient).chain(&others) {
            let (token, recipient) = (mail.token.clone(), recipient.clone());
            s.afterwards(Afterwards::ReportedOnce(token, recipient));
        }
    }
    Ok(())
}

/// Silence once at every stage; all messages wait at the same time.
pub(super) fn silence_everywhere(s: &mut Session<'_>) -> Outcome {
    let tls = Action::reply("250-hop.example\n250-8BITMIME\n250 STARTTLS");
    s.next_hop(Rule::at(Stage::Greeting).once(Action::Silent))?;
    s.next_hop(Rule::at(Stage::Ehlo).once(Action::Silent).always(tls))?;
    s.next_hop(Rule::at(Stage::Handshake).once(Action::Silent))?;
    let mut mails: Vec<Message> = Vec::new();
    for _ in 0..3 {
        mails.push(s.returnable()?);
    }
    for stage in [Stage::Mail, Stage::Recipient, Stage::Data, Stage::Dot] {
        let mail = s.returnable()?;
        let address = if stage == Stage::Mail {
            &mail.sender
        } else {
            &mail.recipient
        };
        s.next_hop(Rule::at(stage).about(address).once(Action::Silent))?;
        mails.push(mail);
    }
    for mail in &mails {
        s.post(mail)?;
    }
    for mail in mails {
        s.arrives_or_is_reported(&mail)?;
        s.silence_was_left(&mail)?;
    }
    Ok(())
}

/// A message with every parameter that the target takes meets nothing but what the hop offers. A
/// message that is declared as 8BITMIME may fail for want of it (RFC 6152 section 3).
pub(super) fn nothing_unoffered(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    s.post_with_parameters(&mail)?;
    s.arrives_or_is_reported(&mail)?;
    s.nothing_unoffered(&mail)
}

/// As [`nothing_unoffered`], inside TLS.
pub(super) fn nothing_unoffered_in_tls(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    s.post_with_parameters(&mail)?;
    s.arrives_or_is_reported(&mail)?;
    s.nothing_unoffered(&mail)?;
    s.needs_tls_to_the_hop(&mail)
}

/// As [`nothing_unoffered`], where 8BITMIME is offered: no report is right.
pub(super) fn nothing_injected(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    s.post_with_parameters(&mail)?;
    s.arrives(&mail)?;
    s.nothing_unoffered(&mail)?;
    s.needs_tls_to_the_hop(&mail)?;
    once_and_no_failure(s, mail.token);
    Ok(())
}

/// A message without any parameter arrives where EHLO is refused.
pub(super) fn served_with_helo(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    s.post(&mail)?;
    s.arrives(&mail)?;
    s.nothing_unoffered(&mail)?;
    once_and_no_failure(s, mail.token);
    Ok(())
}

/// A content that grows on its way: by trace fields, by dots, and where the hop wants 7 bits.
pub(super) fn size_is_covered(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    s.authenticated()?;
    if !s.keywords().offers("8BITMIME") {
        return Err(Halt::Skip("8BITMIME is not offered".to_owned()));
    }
    let content = format!(
        "{}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{}",
        mail.header(),
        ".\u{e9}\u{e9}\u{e9}\u{e9}\r\n".repeat(500)
    );
    s.post_declared(&mail, &content)?;
    if let Settled::Arrived(message) = s.settled(&mail)? {
        let parameters = message.mail.to_ascii_uppercase();
        let sizes: Vec<&str> = parameters
            .split(' ')
            .filter_map(|word| word.strip_prefix("SIZE="))
            .collect();
        let length = message.content.len();
        let covers = |size: &str| size.parse::<u64>().is_ok_and(|size| size >= length as u64);
        if sizes.len() > 1 || !sizes.iter().copied().all(covers) {
            let expected = "no SIZE=, or one that covers what comes";
            let observed = format!("SIZE={} and {length} octets", sizes.join(" SIZE="));
            return Err(s.hop_deviates(&mail, expected, observed));
        }
    }
    Ok(())
}

/// Dots at the beginning of lines, above all where a buffer could end.
pub(super) fn dots_everywhere(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    let mut body = ".first\r\n.\r\n..\r\n.x\r\n".to_owned();
    let header = mail.header().len() + 2;
    for offset in [4096, 8192, 16_384, 65_536] {
        // A lone dot begins where content and header together have this many octets.
        fill(&mut body, offset - header);
        body.push_str(".\r\n");
    }
    body.push_str(".last\r\n");
    doubled(s, mail, &body)
}

/// The longest line that a content may have (RFC 5322 section 2.1.1); with its second dot it has 999.
pub(super) fn dot_before_the_longest_line(s: &mut Session<'_>) -> Outcome {
    let mail = s.returnable()?;
    doubled(s, mail, &format!(".{}\r\n", "y".repeat(997)))
}

fn doubled(s: &mut Session<'_>, mail: Message, body: &str) -> Outcome {
    s.post_to(&mail, &[&mail.recipient], body)?;
    s.arrives(&mail)?;
    s.dots_were_doubled(&mail, body)?;
    once_and_no_failure(s, mail.token);
    Ok(())
}

/// Adds lines until the text has this many octets.
fn fill(text: &mut String, length: usize) {
    while text.len() < length {
        let left = length - text.len();
        // No line is shorter than its end.
        let line = if left > 80 { 70 } else { left };
        text.push_str(&"z".repeat(line.saturating_sub(2)));
        text.push_str("\r\n");
    }
}
