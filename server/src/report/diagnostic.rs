//! The last word about a recipient as Diagnostic-Code (RFC 3464, section 2.3.6; RFC 3461, section
//! 9.2), and as people read it.

use super::address::printable;
use super::fold::pieces;
use crate::spool::LastReply;

/// The reply line by line, each with its code; without a reply what happened instead. At most so
/// many octets, so that a report to thousands stays a message that can be sent.
pub(super) fn lines(reply: &LastReply, limit: usize) -> Vec<String> {
    let whole: Vec<String> = match reply {
        LastReply::Own { why, .. } => vec![printable(why)],
        LastReply::Hop { code, lines } => {
            let last = lines.len().saturating_sub(1);
            let empty = [String::new()];
            let lines = if lines.is_empty() { &empty } else { &lines[..] };
            let mark = |number| if number < last { '-' } else { ' ' };
            lines
                .iter()
                .enumerate()
                .map(|(number, text)| format!("{code}{}{}", mark(number), printable(text)))
                .collect()
        }
    };
    let mut shown = Vec::new();
    let mut room = limit;
    for line in whole {
        if line.len() > room {
            shown.push("(the rest is left out)".to_owned());
            break;
        }
        room -= line.len();
        shown.extend(pieces(&line).into_iter().map(str::to_owned));
    }
    shown
}

/// The value of the field. Every line after the first begins with a blank and holds something
/// besides, so that the text can neither end the field nor begin another.
pub(super) fn code(reply: &LastReply, limit: usize) -> String {
    let kind = match reply {
        LastReply::Hop { .. } => "smtp",
        LastReply::Own { .. } => "x-msaspec",
    };
    format!("{kind}; {}", lines(reply, limit).join("\r\n "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn hop(code: u16, lines: &[&str]) -> LastReply {
        LastReply::Hop {
            code,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    #[rstest]
    #[case(hop(550, &["5.1.1 no"]), "smtp; 550 5.1.1 no")]
    #[case(
        hop(550, &["5.1.1 first", "5.1.1 (second); x", "5.1.1 third"]),
        "smtp; 550-5.1.1 first\r\n 550-5.1.1 (second); x\r\n 550 5.1.1 third"
    )]
    #[case(hop(550, &["x", "", "Action: delivered"]), "smtp; 550-x\r\n 550-\r\n 550 Action: delivered")]
    #[case(hop(550, &["x\nAction: delivered\r\n\0é"]), "smtp; 550 x?Action: delivered????")]
    #[case(hop(550, &[""]), "smtp; 550")]
    #[case(hop(550, &[]), "smtp; 550")]
    #[case(
        LastReply::Own { status: "4.4.1".to_owned(), why: "no reply in time".to_owned() },
        "x-msaspec; no reply in time"
    )]
    fn the_reply_is_told_word_for_word(#[case] reply: LastReply, #[case] expected: &str) {
        assert_eq!(code(&reply, 1000), expected);
    }

    #[test]
    fn a_long_line_is_cut_and_a_long_reply_is_cut_off() {
        let long = "x".repeat(2000);
        let value = code(&hop(550, &[&long]), 3000);
        assert!(value.split("\r\n").all(|line| line.len() <= 920));
        assert_eq!(value.replace("\r\n ", ""), format!("smtp; 550 {long}"));
        assert_eq!(
            lines(&hop(550, &["one", "two", "three"]), 15),
            ["550-one", "550-two", "(the rest is left out)"]
        );
    }
}
