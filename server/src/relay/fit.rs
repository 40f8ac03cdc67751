//! What a next hop can have of a message, by what it offers.

use std::borrow::Cow;

use super::offers::Offers;
use crate::mime::{are_lines, to_seven_bit};
use crate::spool::{LastReply, Message, Recipient};

/// The content as the hop can have it, or what it would have to offer for this message and does not.
pub(super) fn fit<'m>(
    message: &'m Message,
    recipients: &[&Recipient],
    offers: Offers,
) -> Result<Cow<'m, [u8]>, LastReply> {
    let content = &message.content;
    let entry = &message.entry;
    let utf8 = entry.options.smtputf8
        || !entry.sender.is_ascii()
        || recipients.iter().any(|to| !to.address.is_ascii());
    if utf8 && !offers.smtputf8 {
        let why = "the next hop has no SMTPUTF8, which the message needs";
        return Err(own("5.6.7", why.to_owned()));
    }
    if !are_lines(content) {
        // An earlier version may have taken it.
        let why = "the content has lines that no hop can be sent";
        return Err(own("5.6.0", why.to_owned()));
    }
    if content.is_ascii() || offers.eight_bit {
        return Ok(Cow::Borrowed(content));
    }
    let why = "the next hop has no 8BITMIME, which the content needs";
    if !entry.options.transfer_encoding {
        return Err(own("5.6.3", why.to_owned()));
    }
    match to_seven_bit(content) {
        Ok(encoded) => Ok(Cow::Owned(encoded)),
        Err(unfit) => Err(own("5.6.3", format!("{why}, and {unfit}"))),
    }
}

fn own(status: &str, why: String) -> LastReply {
    LastReply::Own {
        status: status.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{Entry, MailOptions};
    use rstest::rstest;

    #[rstest]
    #[case(998, None)]
    #[case(999, Some("5.6.0"))]
    fn a_line_that_is_too_long_goes_to_nobody(
        #[case] length: usize,
        #[case] expected: Option<&str>,
    ) {
        let mut content = b"A: b\r\n\r\n".to_vec();
        content.resize(content.len() + length, b'x');
        let refusal = fit(&message(&content, false), &[], Offers::default()).err();
        assert_eq!(refusal.map(|reply| reply.status()).as_deref(), expected);
    }

    #[rstest]
    #[case::offered(MIME, false, true, Ok(MIME))]
    #[case::encoded(
        MIME,
        true,
        false,
        Ok(&b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n"[..])
    )]
    #[case::not_wanted(MIME, true, true, Ok(MIME))]
    #[case::not_permitted(MIME, false, false, Err("which the content needs"))]
    #[case::not_possible(b"A: b\r\n\r\n\xe9\r\n", true, false, Err("and it is not MIME"))]
    fn octets_above_127_are_encoded_where_they_must_and_may(
        #[case] content: &[u8],
        #[case] transfer_encoding: bool,
        #[case] eight_bit: bool,
        #[case] expected: Result<&[u8], &str>,
    ) {
        let message = message(content, transfer_encoding);
        let offers = Offers {
            eight_bit,
            ..Offers::default()
        };
        match (fit(&message, &[], offers), expected) {
            (Ok(content), Ok(expected)) => assert_eq!(content, expected),
            (Err(reply), Err(why)) => {
                assert!(reply.to_string().ends_with(why), "{reply}");
                assert_eq!(reply.status(), "5.6.3");
            }
            (found, _) => panic!("{found:?}"),
        }
    }

    const MIME: &[u8] = b"MIME-Version: 1.0\r\n\r\n\xe9\r\n";

    fn message(content: &[u8], transfer_encoding: bool) -> Message {
        let options = MailOptions {
            transfer_encoding,
            ..MailOptions::default()
        };
        let entry = Entry {
            id: "1".to_owned(),
            arrival: jiff::Timestamp::UNIX_EPOCH,
            size: 0,
            sender: "a@b.example".to_owned(),
            options,
            recipients: Vec::new(),
        };
        Message {
            entry,
            content: content.to_vec(),
        }
    }
}
