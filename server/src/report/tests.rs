//! Reports read back by a reader of the tests' own.

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::compose::{Report, compose};
use super::owed::results;
use super::*;
use crate::mime::are_lines;
use crate::spool::{Entry, LastReply, MailOptions, Message, RecipientState};

pub(super) fn recipient(address: &str) -> Recipient {
    Recipient {
        address: address.to_owned(),
        notify: None,
        orcpt: None,
        state: RecipientState::Pending,
        last_reply: None,
        remote: None,
        attempts: 1,
        last_attempt: Timestamp::from_second(9).ok(),
        dsn_passed_on: false,
        reported: false,
        delay_reported: false,
    }
}

pub(super) fn entry(recipients: Vec<Recipient>) -> Entry {
    Entry {
        id: "000000000000-0000000000000001".to_owned(),
        arrival: Timestamp::UNIX_EPOCH,
        size: 0,
        sender: "alice@a.example".to_owned(),
        options: MailOptions::default(),
        recipients,
    }
}

pub(super) fn facts() -> Facts<'static> {
    Facts {
        hostname: "msa.example.org",
        now: Timestamp::UNIX_EPOCH,
        retry_until: Timestamp::from_second(86_400).ok(),
    }
}

fn failed(address: &str, lines: &[&str]) -> Recipient {
    Recipient {
        state: RecipientState::Failed,
        last_reply: Some(LastReply::Hop {
            code: 550,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }),
        ..recipient(address)
    }
}

fn report(message: &Message) -> Report {
    compose(&facts(), message, &results(&message.entry))
}

/// Header and parts, each as header and octets.
struct Read {
    header: String,
    parts: Vec<(String, Vec<u8>)>,
}

/// Splits at an octet string.
fn split<'a>(octets: &'a [u8], at: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = octets;
    while let Some(place) = rest.windows(at.len()).position(|octets| octets == at) {
        pieces.push(&rest[..place]);
        rest = &rest[place + at.len()..];
    }
    pieces.push(rest);
    pieces
}

fn halves(octets: &[u8]) -> (String, Vec<u8>) {
    let place = octets
        .windows(4)
        .position(|octets| octets == b"\r\n\r\n")
        .unwrap();
    let header = String::from_utf8(octets[..place + 2].to_vec()).unwrap();
    (header, octets[place + 4..].to_vec())
}

fn read(content: &[u8]) -> Read {
    assert!(are_lines(content) && content.ends_with(b"\r\n"));
    let (header, body) = halves(content);
    let boundary = header
        .split("boundary=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(boundary.len() <= 70);
    let body = [b"\r\n", &body[..]].concat();
    let pieces = split(&body, format!("\r\n--{boundary}").as_bytes());
    let (last, parts) = pieces[1..].split_last().unwrap();
    assert_eq!(*last, b"--\r\n");
    let occurrences = split(content, boundary.as_bytes()).len() - 1;
    assert_eq!(occurrences, parts.len() + 2, "the boundary is nowhere else");
    let parts = parts
        .iter()
        .map(|part| halves(part.strip_prefix(b"\r\n").unwrap()))
        .collect();
    Read { header, parts }
}

/// The groups of a status part, each as names and unfolded values. Bare CR and LF count as ends of
/// lines too, as lenient readers have it.
fn groups(part: &[u8]) -> Vec<Vec<(String, String)>> {
    let text = String::from_utf8(part.to_vec()).unwrap();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.trim_end_matches('\n')
        .split("\n\n")
        .map(|group| {
            let group = group.replace("\n ", " ");
            let fields = group.lines().map(|line| line.split_once(": ").unwrap());
            fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        })
        .collect()
}

fn value<'a>(group: &'a [(String, String)], name: &str) -> &'a str {
    let mut values = group.iter().filter(|(field, _)| field == name);
    let value = values
        .next()
        .unwrap_or_else(|| panic!("{name} in {group:?}"));
    assert!(values.next().is_none(), "{name} once in {group:?}");
    &value.1
}

#[test]
fn a_report_is_a_message_that_can_be_read() {
    let content = b"Subject: hello\r\n\r\nBody\r\n".to_vec();
    let message = Message {
        entry: entry(vec![
            failed("bob@b.example", &["5.1.1 first", "5.1.1 second"]),
            recipient("blind@b.example"),
        ]),
        content: content.clone(),
    };
    let report = report(&message);
    assert_eq!(report.envelope.sender, "");
    assert_eq!(report.envelope.recipients[0].address, "alice@a.example");
    assert_eq!(report.envelope.size, report.content.len() as u64);
    assert_eq!(report.envelope.options, MailOptions::default());
    let read = read(&report.content);
    for field in [
        "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n",
        "From: Mail Delivery System <postmaster@msa.example.org>\r\n",
        "To: <alice@a.example>\r\n",
        "Subject: Your message could not be delivered\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "MIME-Version: 1.0\r\n",
        &format!("Message-ID: <{}@msa.example.org>\r\n", report.id),
    ] {
        assert_eq!(read.header.matches(field).count(), 1, "{field}");
    }
    let kinds: Vec<&str> = read
        .parts
        .iter()
        .map(|(header, _)| header.lines().next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "Content-Type: text/plain; charset=us-ascii",
            "Content-Type: message/delivery-status",
            "Content-Type: message/rfc822"
        ]
    );
    let text = String::from_utf8(read.parts[0].1.clone()).unwrap();
    assert!(text.contains("  <bob@b.example>\r\n    550-5.1.1 first\r\n    550 5.1.1 second\r\n"));
    let groups = groups(&read.parts[1].1);
    assert_eq!(groups.len(), 2);
    assert_eq!(value(&groups[1], "Final-Recipient"), "rfc822;bob@b.example");
    assert_eq!(
        value(&groups[1], "Diagnostic-Code"),
        "smtp; 550-5.1.1 first 550 5.1.1 second"
    );
    assert_eq!(read.parts[2].1, content);
    assert!(!String::from_utf8(report.content).unwrap().contains("blind"));
}

#[test]
fn the_same_result_makes_the_same_report_and_another_one_another() {
    let mut message = Message {
        entry: entry(vec![
            failed("a@b.example", &["no"]),
            failed("c@d.example", &["no"]),
        ]),
        content: b"A: b\r\n".to_vec(),
    };
    let first = report(&message);
    assert_eq!(report(&message).id, first.id);
    message.entry.recipients[0].reported = true;
    assert_ne!(report(&message).id, first.id);
    message.entry.id.push('x');
    assert_ne!(report(&message).id, first.id);
}

#[rstest]
#[case(
    "用@a.example",
    "utf-8;用户@b.example",
    "message/global-delivery-status",
    true
)]
#[case(
    "alice@a.example",
    r"utf-8;\x{7528}\x{6237}@b.example",
    "message/delivery-status",
    false
)]
fn the_way_back_decides_about_utf8(
    #[case] sender: &str,
    #[case] address: &str,
    #[case] kind: &str,
    #[case] utf8: bool,
) {
    let mut entry = entry(vec![failed("用户@b.example", &["5.1.1 no"])]);
    entry.sender = sender.to_owned();
    entry.options.smtputf8 = true;
    let content = "Subject: ö\r\n\r\nText\r\n".as_bytes().to_vec();
    let report = report(&Message { entry, content });
    assert_eq!(report.envelope.options.smtputf8, utf8);
    assert_eq!(report.envelope.options.body.is_some(), utf8);
    assert_eq!(report.content.is_ascii(), !utf8);
    let read = read(&report.content);
    assert!(read.header.contains(&format!("To: <{sender}>\r\n")));
    assert!(read.parts[1].0.contains(kind));
    assert_eq!(
        value(&groups(&read.parts[1].1)[1], "Final-Recipient"),
        address
    );
    assert!(read.parts[2].0.contains("message/global\r\n"));
}

/// Octets that like to break reports, and others.
fn odd() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\0".to_owned()),
        Just("\r\n.\r\n".to_owned()),
        Just("Action: delivered".to_owned()),
        Just("\n\nFinal-Recipient: rfc822;other@b.example\n".to_owned()),
        Just("--report-000000002328-".to_owned()),
        Just("é".to_owned()),
        Just(" ".repeat(1000)),
        Just("x".repeat(1000)),
        ".{0,20}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_breaks_a_report(
        replies in prop::collection::vec(prop::collection::vec(odd(), 0..4), 1..4),
        content in odd(),
        header in any::<bool>(),
        remote in odd(),
        orcpt in odd(),
        envid in odd(),
        smtputf8 in any::<bool>(),
        sender in prop::sample::select(vec!["alice@a.example", "用@a.example"]),
    ) {
        let recipients: Vec<Recipient> = replies
            .iter()
            .enumerate()
            .map(|(number, lines)| {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                Recipient {
                    remote: Some(remote.clone()),
                    orcpt: Some(orcpt.clone()),
                    ..failed(&format!("r{number}@b.example"), &lines)
                }
            })
            .collect();
        let mut entry = entry(recipients);
        entry.sender = sender.to_owned();
        entry.options.envid = Some(envid);
        entry.options.smtputf8 = smtputf8;
        let content = if header { format!("Subject: x\r\n{content}") } else { content };
        let message = Message { entry, content: content.into_bytes() };
        let report = report(&message);
        if sender.is_ascii() {
            prop_assert!(report.content.is_ascii());
        }
        let read = read(&report.content);
        prop_assert!((2..=3).contains(&read.parts.len()));
        let groups = groups(&read.parts[1].1);
        prop_assert_eq!(groups.len(), replies.len() + 1);
        for (number, group) in groups[1..].iter().enumerate() {
            prop_assert_eq!(value(group, "Final-Recipient"), format!("rfc822;r{number}@b.example"));
            prop_assert_eq!(value(group, "Action"), "failed");
            prop_assert_eq!(value(group, "Status").len(), 5);
            prop_assert_eq!(group.len(), 7);
        }
    }
}

#[test]
fn the_boundary_gives_way_to_what_it_meets() {
    let mut message = Message {
        entry: entry(vec![failed("a@b.example", &["no"])]),
        content: b"A: b\r\n\r\n".to_vec(),
    };
    let id = report(&message).id;
    message
        .content
        .extend_from_slice(format!("--report-{id}--\r\n--report-{id}-1\r\n").as_bytes());
    let report = report(&message);
    assert_eq!(read(&report.content).parts[2].1, message.content);
}

#[test]
fn a_report_about_a_thousand_long_replies_stays_within_bounds() {
    let long = vec!["x".repeat(500); 100];
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let recipients = (0..1000).map(|number| failed(&format!("r{number}@b.example"), &long));
    let message = Message {
        entry: entry(recipients.collect()),
        content: b"A: b\r\n".to_vec(),
    };
    let report = report(&message);
    assert!(
        report.content.len() < 2 * 1024 * 1024,
        "{}",
        report.content.len()
    );
    assert_eq!(groups(&read(&report.content).parts[1].1).len(), 1001);
}
