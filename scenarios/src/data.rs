//! DATA: where the mail data ends, and what dots are worth.

use msaspec_harness::{
    answer::Answer,
    case::{Case, Chapter, Level, Mutant, Severity},
    lie::Lie,
    line::visible,
    verdict::Outcome,
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
                if let Some(early) = s.early_reply("LF . CR LF")? {
                    return refused(&early);
                }
                let end = s.end_data("two\r\n")?;
                if !end.accepted() {
                    return refused(&end);
                }
                let body = s.delivered(&mail)?.body().to_vec();
                match body.windows(3).any(|line| line == b"two") {
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
                s.end_data("..one\r\n..\r\n...three\r\n.unstuffed\r\nmid.dle\r\n")?
                    .expect(250)?;
                let body = s.delivered(&mail)?.body().to_vec();
                match body.starts_with(b".one\r\n.\r\n..three\r\nunstuffed\r\nmid.dle\r\n") {
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

/// A message with a bare LF may be refused, at once or at its end, and with 421 too: it is not taken.
fn refused(answer: &Answer) -> Outcome {
    match answer.reply.class() {
        4 | 5 => Ok(()),
        _ => Err(answer.deviates("no reply before the end of the mail data, or a refusal")),
    }
}
