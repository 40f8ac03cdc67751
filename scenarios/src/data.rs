//! DATA: where the mail data ends, and what dots are worth.

use msaspec_harness::{
    answer::Answer,
    case::{Case, Chapter, Level, Mutant, Severity},
    lie::Lie,
    line::visible,
    verdict::{Halt, Outcome},
};

/// RFC 5321 sections 4.1.1.4 and 4.5.2.
pub const CHAPTER: Chapter = Chapter {
    name: "data",
    cases: &[
        Case {
            id: "rfc5321-4.1.1.4-lf-dot-crlf-is-data",
            level: Level::MustNot,
            severity: Severity::Security,
            requirement: "LF . CR LF does not end the mail data: only CR LF before the dot does.",
            script: |s| {
                let mail = s.data_opened()?;
                s.send_header(&mail)?;
                s.send("one\n.\r\n")?;
                match s.early_reply("LF . CR LF") {
                    Ok(None) => {}
                    answer => return refused(answer),
                }
                match s.end_data("two\r\n") {
                    Ok(answer) if answer.accepted() => {}
                    answer => return refused(answer.map(Some)),
                }
                let body = s.delivered(&mail)?.body().to_vec();
                match body.windows(3).any(|word| word == b"two") {
                    true => Ok(()),
                    false => Err(
                        s.delivery_deviates("the whole body, with its second line", visible(&body))
                    ),
                }
            },
            mutant: Mutant::Lie(Lie::ReplyAfter(b"\n.\r\n", "250 2.0.0 Taken")),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc5321-4.5.2-dot-unstuffing",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A dot at the beginning of a line is taken away on receipt, and the rest of the line is left alone.",
            script: |s| {
                let mail = s.data_opened()?;
                s.send_header(&mail)?;
                s.data_accepted("..one\r\n..\r\n...three\r\n.unstuffed\r\nmid.dle\r\n")?;
                let body = s.delivered(&mail)?.body().to_vec();
                match contains(&body, b".one\r\n.\r\n..three\r\nunstuffed\r\nmid.dle\r\n") {
                    true => Ok(()),
                    false => Err(
                        s.delivery_deviates(".one, ., ..three, unstuffed, mid.dle", visible(&body))
                    ),
                }
            },
            mutant: Mutant::Lie(Lie::Relayed("\r\n.one", "\r\n..one")),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};

/// Filters may add lines of their own before and behind.
fn contains(body: &[u8], lines: &[u8]) -> bool {
    let first = body.starts_with(lines);
    first
        || body
            .windows(lines.len() + 2)
            .any(|window| window.starts_with(b"\r\n") && window.ends_with(lines))
}

/// A message with a bare LF may be refused: at once or at its end, with 421 too, or without a word.
fn refused(answer: Outcome<Option<Answer>>) -> Outcome {
    match answer {
        Ok(Some(answer)) if !matches!(answer.reply.class(), 4 | 5) => {
            Err(answer.deviates("no reply before the end of the mail data, or a refusal"))
        }
        Ok(_) | Err(Halt::Deviation(_)) => Ok(()),
        Err(halt) => Err(halt),
    }
}
