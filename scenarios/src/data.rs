//! DATA: where the mail data ends, and what dots are worth.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, Severity},
    lie::Lie,
    line::visible,
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
                s.silence("no reply: the mail data goes on behind LF . CR LF")?;
                let end = s.end_data("two\r\n")?;
                if end.reply.class() == 5 {
                    return Ok(());
                }
                end.expect(250)?;
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
