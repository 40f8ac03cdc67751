//! Scripts of the chapter that are longer than a case, and what they have in common.

use jiff::fmt::rfc2822;
use msaspec_harness::{
    answer::Answer,
    line::Line,
    message::{Delivered, Message},
    session::Session,
    verdict::Outcome,
};

/// Submits a message with this header section and a body of one line: what was sent, and the reply
/// to its end. A field of its own has the message's token, whatever else is missing.
pub(super) fn posted(
    s: &mut Session<'_>,
    header: impl FnOnce(&Message) -> String,
) -> Outcome<(Message, Answer)> {
    let mail = s.data_opened()?;
    let content = format!("{}X-Token: {}\r\n\r\n", header(&mail), mail.token);
    s.send(Line::default().token(content, "header"))?;
    let answer = s.end_data("One line.\r\n")?;
    Ok((mail, answer))
}

/// The message as the next hop got it; none if it was refused, for good, as it may be.
pub(super) fn arrived(
    s: &mut Session<'_>,
    (mail, answer): (Message, Answer),
) -> Outcome<Option<Delivered>> {
    if answer.reply.class() == 5 {
        return Ok(None);
    }
    answer.ready(250)?;
    s.delivered(&mail).map(Some)
}

/// The header section of a message without this field.
pub(super) fn without(mail: &Message, name: &str) -> String {
    let lines = mail.header().split_inclusive("\r\n");
    lines.filter(|line| !is_field(line, name)).collect()
}

/// The header section of a message with another body of this field.
pub(super) fn with(mail: &Message, name: &str, body: &str) -> String {
    format!("{}{name}: {body}\r\n", without(mail, name))
}

fn is_field(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(field, _)| field == name)
}

/// All fields of a name, or that there are none.
pub(super) fn shown(fields: &[String]) -> String {
    match fields {
        [] => "none".to_owned(),
        fields => fields.join(" | "),
    }
}

/// The message has one field of this name, and a right one, or was refused.
pub(super) fn has_one(
    s: &mut Session<'_>,
    mail: (Message, Answer),
    name: &str,
    is_right: impl Fn(&str) -> bool,
) -> Outcome {
    the_one(s, mail, name, is_right).map(drop)
}

/// What that field says; none if the message was refused.
pub(super) fn the_one(
    s: &mut Session<'_>,
    mail: (Message, Answer),
    name: &str,
    is_right: impl Fn(&str) -> bool,
) -> Outcome<Option<String>> {
    let Some(delivered) = arrived(s, mail)? else {
        return Ok(None);
    };
    match delivered.all(name).as_slice() {
        [one] if is_right(one) => Ok(Some(one.clone())),
        fields => {
            let expected = format!("one {name} by RFC 5322 section 3.6");
            Err(s.delivery_deviates(&expected, shown(fields)))
        }
    }
}

/// A date-time that nothing obsolete is in (RFC 5322 section 3.3): its weekday fits, its year has four
/// digits, its zone is a number.
pub(super) fn is_date(text: &str) -> bool {
    let Ok(time) = rfc2822::DateTimeParser::new().parse_zoned(text) else {
        return false;
    };
    let text = text.split('(').next().unwrap_or_default();
    let words: Vec<_> = text.split_whitespace().collect();
    let year = time.year().to_string();
    let zone = words
        .last()
        .is_some_and(|zone| zone.starts_with(['+', '-']));
    zone && words.contains(&year.as_str())
}

/// RFC 5322 section 3.6.4, without its obsolete forms.
pub(super) fn is_message_id(text: &str) -> bool {
    let inner = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    let sides = inner.and_then(|inner| inner.split_once('@'));
    sides.is_some_and(|(left, right)| {
        let whole = |side: &str| {
            let odd = |octet: u8| !octet.is_ascii_graphic() || matches!(octet, b'<' | b'>' | b'@');
            !side.is_empty() && !side.bytes().any(odd)
        };
        whole(left) && whole(right)
    })
}

/// Fields in the order in which they are submitted.
const ORDER: [(&str, &str); 6] = [
    ("Resent-Date", "Mon, 1 Jan 2024 00:00:00 +0000"),
    ("Resent-From", "<carol@client.example>"),
    ("Resent-To", "<bob@client.example>"),
    ("X-A", "1"),
    ("X-B", "2"),
    ("X-A", "2"),
];

/// A block of Resent fields, and two fields of one name: nothing goes between, nothing changes places.
pub(super) fn keeps_the_order(s: &mut Session<'_>) -> Outcome {
    let block: String = ORDER
        .iter()
        .map(|(name, body)| format!("{name}: {body}\r\n"))
        .collect();
    let mail = posted(s, |mail| format!("{block}{}", mail.header()))?;
    let Some(delivered) = arrived(s, mail)? else {
        return Ok(());
    };
    let fields = delivered.fields();
    let is_block = |fields: &[(String, String)]| {
        let mut pairs = fields.iter().zip(ORDER);
        pairs.all(|((name, body), (own, text))| {
            name.eq_ignore_ascii_case(own) && body.trim() == text
        })
    };
    match fields.windows(ORDER.len()).any(is_block) {
        true => Ok(()),
        false => {
            let expected = ORDER.map(|(name, _)| name).join(", ");
            Err(s.delivery_deviates(&expected, delivered.header_names().join(", ")))
        }
    }
}

/// RFC 5322 section 4. A refusal is a warning: RFC 6409 section 6.3 lets a server refuse.
pub(super) fn obsolete_forms(s: &mut Session<'_>) -> Outcome {
    let (mail, answer) = posted(s, |mail| {
        let header = with(mail, "Date", "Mon, 01 Jan 24 00:00:00 GMT");
        header.replace("Subject:", "Subject :")
    })?;
    if answer.reply.class() == 5 {
        answer.note("250");
        return Ok(());
    }
    answer.ready(250)?;
    let delivered = s.delivered(&mail)?;
    let fields = delivered.fields();
    let lost = ["Date", "Subject", "From", "To"].into_iter().find(|name| {
        !fields
            .iter()
            .any(|field| field.0.trim().eq_ignore_ascii_case(name))
    });
    match lost {
        None => Ok(()),
        Some(name) => {
            Err(s.delivery_deviates("every field in the header section", format!("no {name}")))
        }
    }
}

/// What is accepted may have been repaired, or read as a body alone. RFC 6409 section 6.3 keeps 550 with
/// 5.7.z for refusals of policy.
pub(super) fn refused_as_unreadable(s: &mut Session<'_>) -> Outcome {
    let broken: [fn(&Message) -> String; 2] = [
        |mail| with(mail, "From", "broken <user@@example"),
        |mail| format!("{}neither a field nor empty\r\n", mail.header()),
    ];
    for header in broken {
        let (_, answer) = posted(s, header)?;
        let status = answer.reply.status();
        let policy = answer.code() == 550 && status.is_some_and(|status| status.subject == 7);
        if !answer.accepted() && !policy {
            answer.expect(554)?;
        }
    }
    Ok(())
}
