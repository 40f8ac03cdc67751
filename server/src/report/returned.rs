//! What a report gives back of the message: all of it, or its header (RFC 3461, section 6.2).

use super::compose::Part;
use super::{Action, Due, Form};
use crate::mime::{are_lines, base64, quoted_printable, to_seven_bit};
use crate::spool::{Message, Ret};
use crate::trace;

/// Octets given back; of a larger message only the header, and of a larger header nothing.
const LIMIT: usize = 256 * 1024;

/// The third part. The whole message only where a failure is told, where the sender did not ask for
/// less, and where it can travel: message/rfc822 must not be encoded as a whole (RFC 2046, section
/// 5.2.1), and nobody knows whether the way back carries 8-bit octets, so that its parts are encoded
/// (RFC 3462, section 1).
pub(super) fn returned(message: &Message, due: &[Due<'_>], form: Form) -> Option<Part> {
    let options = &message.entry.options;
    let failure = due.iter().any(|due| due.action == Action::Failed);
    // RFC 8689, section 5: of mail that requires TLS only the header.
    let wanted = failure && options.ret != Some(Ret::Hdrs) && !options.requiretls;
    let whole = (wanted && message.content.len() <= LIMIT)
        .then(|| whole(&message.content, options.smtputf8, form))
        .flatten();
    whole.or_else(|| {
        let header = &message.content[..trace::header_end(&message.content)];
        (!header.is_empty() && header.len() <= LIMIT)
            .then(|| self::header(header, options.smtputf8, form))
    })
}

fn whole(content: &[u8], smtputf8: bool, form: Form) -> Option<Part> {
    let fits = are_lines(content);
    if content.is_ascii() && fits {
        Some(Part::plain("message/rfc822", content.to_vec()))
    } else if smtputf8 && form == Form::Utf8 && fits {
        Some(Part::eight_bit("message/global", content.to_vec()))
    } else if smtputf8 {
        Some(encoded("message/global", "base64", base64, content))
    } else if fits {
        let content = to_seven_bit(content).ok()?;
        Some(Part::plain("message/rfc822", content))
    } else {
        None
    }
}

fn header(header: &[u8], smtputf8: bool, form: Form) -> Part {
    let global = smtputf8 && !header.is_ascii();
    let kind = if global {
        "message/global-headers"
    } else {
        "text/rfc822-headers"
    };
    let fits = are_lines(header);
    if header.is_ascii() && fits {
        Part::plain(kind, header.to_vec())
    } else if global && form == Form::Utf8 && fits {
        Part::eight_bit(kind, header.to_vec())
    } else {
        encoded(kind, "quoted-printable", quoted_printable, header)
    }
}

fn encoded(
    kind: &'static str,
    encoding: &'static str,
    encode: fn(&[u8], &mut Vec<u8>),
    octets: &[u8],
) -> Part {
    let mut encoded = Vec::new();
    encode(octets, &mut encoded);
    Part::encoded(kind, encoding, encoded)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, recipient};
    use super::*;
    use crate::spool::MailOptions;
    use rstest::rstest;

    const ASCII: &[u8] = b"Subject: x\r\n y\r\nTo: b\r\n\r\nBody\r\n";
    const EIGHT: &[u8] = b"Subject: x\r\n\r\nB\xc3\xb6dy\r\n";
    const MIME: &[u8] = b"MIME-Version: 1.0\r\n\r\nB\xc3\xb6dy\r\n";
    const HEADER: &[u8] = b"Subject: \xc3\xb6\r\n\r\nBody\r\n";
    const BARE: &[u8] = b"Subject: x\r\n\r\nBo\rdy\r\n";

    fn message(content: &[u8], options: MailOptions) -> Message {
        let mut entry = entry(vec![recipient("a@b.example")]);
        entry.options = options;
        Message {
            entry,
            content: content.to_vec(),
        }
    }

    fn part(content: &[u8], smtputf8: bool, form: Form) -> Part {
        let options = MailOptions {
            smtputf8,
            ..MailOptions::default()
        };
        let message = message(content, options);
        let due = Due {
            action: Action::Failed,
            recipient: &message.entry.recipients[0],
        };
        returned(&message, &[due], form).unwrap()
    }

    #[rstest]
    #[case(ASCII, false, "message/rfc822", "7bit", "message/rfc822", "7bit")]
    #[case(ASCII, true, "message/rfc822", "7bit", "message/rfc822", "7bit")]
    #[case(
        EIGHT,
        false,
        "text/rfc822-headers",
        "7bit",
        "text/rfc822-headers",
        "7bit"
    )]
    #[case(EIGHT, true, "message/global", "base64", "message/global", "8bit")]
    #[case(MIME, false, "message/rfc822", "7bit", "message/rfc822", "7bit")]
    #[case(
        HEADER,
        false,
        "text/rfc822-headers",
        "quoted-printable",
        "text/rfc822-headers",
        "quoted-printable"
    )]
    #[case(HEADER, true, "message/global", "base64", "message/global", "8bit")]
    #[case(
        BARE,
        false,
        "text/rfc822-headers",
        "7bit",
        "text/rfc822-headers",
        "7bit"
    )]
    fn content_travels_as_it_may(
        #[case] content: &[u8],
        #[case] smtputf8: bool,
        #[case] kind: &str,
        #[case] encoding: &str,
        #[case] utf8_kind: &str,
        #[case] utf8_encoding: &str,
    ) {
        let part_of = |form| {
            let part = part(content, smtputf8, form);
            (part.kind, part.encoding)
        };
        assert_eq!(part_of(Form::SevenBit), (kind, encoding));
        assert_eq!(part_of(Form::Utf8), (utf8_kind, utf8_encoding));
    }

    #[rstest]
    #[case(Action::Failed, None, false, true)]
    #[case(Action::Failed, Some(Ret::Full), false, true)]
    #[case(Action::Failed, Some(Ret::Full), true, false)]
    #[case(Action::Failed, Some(Ret::Hdrs), false, false)]
    #[case(Action::Delayed, Some(Ret::Full), false, false)]
    #[case(Action::Relayed, None, false, false)]
    fn as_much_as_is_wanted(
        #[case] action: Action,
        #[case] ret: Option<Ret>,
        #[case] requiretls: bool,
        #[case] whole: bool,
    ) {
        let options = MailOptions {
            ret,
            requiretls,
            ..MailOptions::default()
        };
        let message = message(ASCII, options);
        let due = Due {
            action,
            recipient: &message.entry.recipients[0],
        };
        let part = returned(&message, &[due], Form::SevenBit).unwrap();
        if whole {
            assert_eq!((part.kind, &part.octets[..]), ("message/rfc822", ASCII));
        } else {
            let header = &b"Subject: x\r\n y\r\nTo: b\r\n"[..];
            assert_eq!(
                (part.kind, &part.octets[..]),
                ("text/rfc822-headers", header)
            );
        }
    }

    #[test]
    fn a_large_message_gives_its_header_and_a_large_header_nothing() {
        let large = [b"A: b\r\n\r\n".to_vec(), b"x\r\n".repeat(LIMIT / 3)].concat();
        assert_eq!(part(&large, false, Form::SevenBit).octets, b"A: b\r\n");
        let message = message(&b"A: b\r\n".repeat(LIMIT / 5), MailOptions::default());
        let due = Due {
            action: Action::Failed,
            recipient: &message.entry.recipients[0],
        };
        assert!(returned(&message, &[due], Form::SevenBit).is_none());
    }
}
