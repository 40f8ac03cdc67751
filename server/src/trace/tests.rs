use super::*;
use proptest::prelude::*;
use rstest::rstest;

pub(super) fn facts<'a>() -> Facts<'a> {
    Facts {
        id: "0001-ab",
        hostname: "msa.example.org",
        client: "client.example",
        peer: "192.0.2.7:4711".parse().unwrap(),
        esmtp: true,
        authenticated: true,
        tls: None,
        only_recipient: None,
        arrival: "2026-11-24T10:00:00Z".parse().unwrap(),
        fix: FixUps::default(),
        refuse: Refusals::NONE,
        completion: None,
        sender: "sender@b.example",
        login: None,
        rewriting: None,
    }
}

const RECEIVED: &str = "Received: from client.example ([192.0.2.7])\r\n\tby msa.example.org with ESMTPA id 0001-ab; Tue, 24 Nov 2026 10:00:00 +0000\r\n";
const DATE: &str = "Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n";
const FROM: &str = "From: <sender@b.example>\r\n";
const MESSAGE_ID: &str = "Message-ID: <0001-ab@msa.example.org>\r\n";

fn complete(content: &str) -> String {
    completed(content, &facts())
}

fn completed(content: &str, facts: &Facts<'_>) -> String {
    let additions = additions(content.as_bytes(), facts).unwrap();
    String::from_utf8(additions.pieces(content.as_bytes()).concat()).unwrap()
}

#[rstest]
#[case(
    "To: a@b.example\r\n\r\nDate: body\r\n",
    "To: a@b.example\r\n\r\nDate: body\r\n"
)]
#[case("\r\nbody only\r\n", "\r\nbody only\r\n")]
#[case("no field here: at all\r\n", "\r\nno field here: at all\r\n")]
#[case(" begins with a blank\r\n", "\r\n begins with a blank\r\n")]
#[case("Subject: x\r\nthen a line\r\n", "Subject: x\r\n\r\nthen a line\r\n")]
#[case("word\r\n: x\r\n", "\r\nword\r\n: x\r\n")]
#[case("Subject: x\r\n\tfolded\r\n", "Subject: x\r\n\tfolded\r\n")]
#[case("", "")]
fn fields_stand_before_the_boundary(#[case] content: &str, #[case] rest: &str) {
    assert_eq!(
        complete(content),
        format!("{RECEIVED}{DATE}{FROM}{MESSAGE_ID}{rest}")
    );
}

#[test]
fn fields_that_are_there_stay() {
    let content = "date : 21 Nov 97 09:55:06 GMT\r\nMESSAGE-id: <1@x>\r\nFROM: a@b.example\r\n\r\n";
    assert_eq!(complete(content), format!("{RECEIVED}{content}"));
}

#[test]
fn the_received_field_tells_tls_and_an_only_recipient() {
    let tls = TlsFacts {
        version: "TLS1.3",
        cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
    };
    let facts = Facts {
        peer: "[::1]:4711".parse().unwrap(),
        tls: Some(&tls),
        only_recipient: Some("bob@example.org"),
        ..facts()
    };
    assert_eq!(
        received(&facts),
        "Received: from client.example ([IPv6:::1])\r\n\tby msa.example.org with ESMTPSA id 0001-ab\r\n\t(TLS1.3 TLS_AES_256_GCM_SHA384)\r\n\tfor <bob@example.org>\r\n\ttls TLS_AES_256_GCM_SHA384; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
    );
}

#[rstest]
#[case(100, false)]
#[case(101, true)]
fn loops_are_stopped(#[case] hops: usize, #[case] stopped: bool) {
    let content = "Received: x\r\n".repeat(hops);
    assert_eq!(additions(content.as_bytes(), &facts()).is_err(), stopped);
}

#[rstest]
#[case(
    "From: a@b.example\r\nfrom: c@b.example\r\n",
    Some(Unfit::Twice("From"))
)]
#[case(
    "SUBJECT: x\r\nFrom: a@b.example\r\nSubject : y\r\n",
    Some(Unfit::Twice("Subject"))
)]
#[case("To: a@b.example\r\n", Some(Unfit::NoAuthor))]
#[case("From: a@b.example, c@b.example\r\n", Some(Unfit::NoSender))]
#[case("From: a@b.example, c@b.example\r\nSender: a@b.example\r\n", None)]
#[case("From: a@b.example\r\nReceived: x\r\nReceived: y\r\n", None)]
#[case("From: a@b.example\r\n\r\nFrom: c@b.example\r\n", None)]
#[case("From: a@b.example\r\nX-Caf\u{e9}: x\r\n", None)]
#[case(
    "Subject: caf\u{e9}\r\nFrom: a@b.example\r\n",
    Some(Unfit::EightBit("Subject".to_owned()))
)]
#[case("Received: from caf\u{e9} ??\r\nFrom: a@b.example\r\n", None)]
#[case("From: a@b.example\r\n\r\ncaf\u{e9}\r\n", None)]
#[case("From: a@b.example\r\nno field\r\nNote: x\r\n", None)]
#[case(
    "From: a@b.example\r\nBad Name: x\r\nsubject : y\r\n",
    Some(Unfit::Behind("Subject"))
)]
#[case(
    "From: a@b.example\r\n: x\r\nNote: x\r\nTo: b@c.example\r\n\r\n",
    Some(Unfit::Behind("To"))
)]
#[case(
    "From alice Sun Nov 29 20:46:49 2026\r\nFrom: a@b.example\r\n",
    Some(Unfit::Behind("From"))
)]
#[case("From: a@b.example\r\nno field\r\n\r\nTo: x\r\n", None)]
#[case("From: a@b.example\r\nno field\r\n To: x\r\n", None)]
#[case(
    "Resent-To: a@b.example\r\nFrom: a@b.example\r\nResent-To: x\r\n",
    None
)]
fn what_does_not_conform_is_refused(#[case] content: &str, #[case] unfit: Option<Unfit>) {
    let facts = |refuse| Facts {
        sender: "",
        refuse,
        ..facts()
    };
    let strict = facts(Refusals::default());
    assert_eq!(additions(content.as_bytes(), &strict).err(), unfit);
    assert!(additions(content.as_bytes(), &facts(Refusals::NONE)).is_ok());
}

#[rstest]
#[case("no field\r\nBcc: x\r\n", true)]
#[case("To: a@b.example\r\nno field\r\nresent-bcc : x\r\n", true)]
#[case("no field\r\nTo: x\r\n", false)]
#[case("no field\r\n\r\nBcc: x\r\n", false)]
fn a_blind_recipient_is_never_shown(#[case] content: &str, #[case] refused: bool) {
    let refusal = |fix| {
        let facts = Facts { fix, ..facts() };
        additions(content.as_bytes(), &facts).err()
    };
    let shown = refusal(FixUps::default());
    assert_eq!(
        matches!(shown, Some(Unfit::Behind(_))),
        refused,
        "{shown:?}"
    );
    assert_eq!(refusal(FixUps::NONE), None);
}

#[rstest]
#[case("Date: yesterday", DATE, Unfit::Date)]
#[case(
    "dAte :\r\n Sun, 31 Feb 2027\r\n 00:00:00 +0000",
    "dAte : Tue, 24 Nov 2026 10:00:00 +0000\r\n",
    Unfit::Date
)]
#[case("Message-ID: none", MESSAGE_ID, Unfit::MessageId)]
#[case("Message-ID:", MESSAGE_ID, Unfit::MessageId)]
fn what_cannot_be_read_is_made_anew(#[case] field: &str, #[case] anew: &str, #[case] unfit: Unfit) {
    let date = if unfit == Unfit::Date { "X" } else { "Date" };
    let content = format!("From: a@b.example\r\n{field}\r\n{date}: 21 Nov 97 09:55:06 GMT\r\n\r\n");
    let strict = Facts {
        refuse: Refusals::default(),
        ..facts()
    };
    let expected = content.replacen(&format!("{field}\r\n"), anew, 1);
    assert!(completed(&content, &strict).ends_with(&expected));
    let without = |refuse| Facts {
        fix: FixUps::NONE,
        refuse,
        ..facts()
    };
    let refused = additions(content.as_bytes(), &without(Refusals::default()));
    assert_eq!(refused.err(), Some(unfit));
    assert!(completed(&content, &without(Refusals::NONE)).ends_with(&content));
}

/// Trace and resent fields stay together and in their order (RFC 5322, sections 3.6 and 3.6.6).
#[test]
fn fields_keep_their_order() {
    let content = "Received: from nowhere ?? ;;; not a date\r\nReceived: x\r\n\
        Resent-Date: x\r\nResent-To: ,,<>\r\nResent-From: user@@b\r\nResent-To: y\r\n\
        X-A: 1\r\nX-B: 2\r\nX-A: 3\r\nSubject: x\r\nFrom: a@b.example\r\n\
        To: c@b.example\r\nDate: 21 Nov 97 09:55:06 GMT\r\nMessage-ID: <1>\r\nX-C: 4\r\n\r\n";
    let strict = Facts {
        refuse: Refusals::default(),
        ..facts()
    };
    assert_eq!(completed(content, &strict), format!("{RECEIVED}{content}"));
}

#[test]
fn without_a_date_a_message_does_not_leave() {
    let facts = Facts {
        fix: FixUps::NONE,
        refuse: Refusals::default(),
        ..facts()
    };
    let content = b"From: a@b.example\r\n\r\n";
    assert_eq!(additions(content, &facts).err(), Some(Unfit::NoDate));
}

#[test]
fn nothing_is_added_that_is_switched_off() {
    let facts = Facts {
        fix: FixUps::NONE,
        ..facts()
    };
    assert_eq!(
        completed("\r\nx\r\n", &facts),
        format!("{RECEIVED}\r\nx\r\n")
    );
}

#[rstest]
#[case("From: alice@b.example\r\n", "alice@b.example", None)]
#[case(
    "From: Bob <bob@b.example>\r\n",
    "alice@b.example",
    Some("alice@b.example")
)]
#[case(
    "From: alice@b.example, bob@b.example\r\n",
    "",
    Some("alice@b.example")
)]
#[case("From: bob@b.example\r\nSender: carol@b.example\r\n", "", None)]
#[case("Subject: x\r\n", "alice@b.example", None)]
#[case("Subject: x\r\n", "bob@b.example", Some("alice@b.example"))]
#[case("Subject: x\r\n", "", None)]
fn a_sender_is_added_where_from_is_not_the_login(
    #[case] content: &str,
    #[case] sender: &str,
    #[case] added: Option<&str>,
) {
    let senders = [("alice".to_owned(), vec!["alice@b.example".to_owned()])].into();
    let facts = Facts {
        fix: FixUps::named(&["sender", "from"]).unwrap(),
        sender,
        login: Some(Login::new("alice", &senders)),
        ..facts()
    };
    let whole = completed(content, &facts);
    let fields = whole.strip_suffix(content).unwrap();
    let expected = added.map(|address| format!("Sender: <{address}>\r\n"));
    assert_eq!(fields.contains("Sender: "), added.is_some(), "{fields}");
    assert!(
        expected.is_none_or(|field| fields.contains(&field)),
        "{fields}"
    );
}

/// Whose address it is was decided before.
#[rstest]
#[case("From: jru@b.example\r\n", "From: J.User@b.example\r\n", "")]
#[case(
    "From: x@b.example\r\n",
    "From: x@b.example\r\n",
    "Sender: <J.User@b.example>\r\n"
)]
#[case("Subject: x\r\n", "Subject: x\r\n", "From: <J.User@b.example>\r\n")]
fn what_is_added_is_rewritten_too(#[case] content: &str, #[case] rest: &str, #[case] added: &str) {
    let senders = [("jru".to_owned(), vec!["jru@b.example".to_owned()])].into();
    let table = [("jru@b.example".to_owned(), "J.User@b.example".to_owned())].into();
    let rewriting = Rewriting::new(&table);
    let facts = Facts {
        fix: FixUps::named(&["sender", "from", "rewrite"]).unwrap(),
        sender: "jru@b.example",
        login: Some(Login::new("jru", &senders)),
        rewriting: Some(&rewriting),
        ..facts()
    };
    assert_eq!(
        completed(content, &facts),
        format!("{RECEIVED}{added}{rest}")
    );
}

#[rstest]
#[case("Bcc: x\r\n\r\nBcc: body\r\n", "\r\nBcc: body\r\n")]
#[case(
    "A: 1\r\nbcc :\r\n\tfolded\r\nReturn-Path: <x>\r\nB: 2\r\n\r\n",
    "A: 1\r\nB: 2\r\n\r\n"
)]
#[case(
    "A: 1\r\nResent-Bcc: x\r\nno field\r\nBcc: y\r\n",
    "A: 1\r\nno field\r\nBcc: y\r\n"
)]
#[case("Bcc: without end", "")]
#[case(" Bcc: x\r\n", " Bcc: x\r\n")]
#[case("", "")]
fn fields_are_taken_out(#[case] content: &str, #[case] rest: &str) {
    let mut octets = content.as_bytes().to_vec();
    take_out(&mut octets, FixUps::NONE);
    assert_eq!(octets, content.as_bytes());
    take_out(&mut octets, FixUps::default());
    assert_eq!(String::from_utf8(octets).unwrap(), rest);
}

proptest! {
    #[test]
    fn any_header_is_completed(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["From", "Bcc", "Date", ":", " ", "\t", "\r\n", "<a@b.c>", "\u{e9}", "("]),
            0..30,
        ),
    ) {
        let mut content = pieces.concat().into_bytes();
        take_out(&mut content, FixUps::default());
        let additions = match additions(&content, &facts()) {
            Ok(additions) => additions,
            Err(unfit) => {
                prop_assert_eq!(unfit, Unfit::Behind("Bcc"));
                return Ok(());
            }
        };
        let whole = additions.pieces(&content).concat();
        prop_assert_eq!(header::scan(&whole).received, 1);
        let again = whole.clone();
        let mut kept = whole;
        take_out(&mut kept, FixUps::default());
        prop_assert_eq!(kept, again);
    }

    /// What was repaired is taken where nothing is.
    #[test]
    fn what_leaves_is_taken_again(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "From: ", "Sender: ", "Date: ", "Message-ID: ", "Cc:", "Bcc: ", "Resent-To: ", "Subject : ",
                "no field", "\r\n", "\r\n ", "<a@b.c>", "21 Nov 97 09:55:06 GMT", "[x] ", "a..b@c", "\u{e9}", ",", "(",
            ]),
            0..30,
        ),
    ) {
        let mut content = pieces.concat().into_bytes();
        let strict = Facts {
            refuse: Refusals::default(),
            completion: Some("example.org"),
            ..facts()
        };
        take_out(&mut content, strict.fix);
        if let Ok(additions) = additions(&content, &strict) {
            let whole = additions.pieces(&content).concat();
            let only_read = Facts { fix: FixUps::NONE, completion: None, ..strict };
            prop_assert_eq!(super::additions(&whole, &only_read).err(), None);
        }
    }
}
