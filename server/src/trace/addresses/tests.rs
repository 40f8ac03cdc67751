use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::policy::{FixUps, Refusals};
use crate::trace::corrections::corrected;
use crate::trace::tests::facts;
use crate::trace::{Unfit, header};

fn rewriting() -> Rewriting {
    Rewriting::new(
        &[
            ("jru@example.org", "J.Random.User@example.org"),
            ("@squeaky.example.org", "@example.org"),
            ("\"j r\"@example.org", "jr@example.org"),
            ("\"j..r\"@example.org", "jr@example.org"),
        ]
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .into(),
    )
}

/// What becomes of a content, as it would leave; or what it is refused for.
fn fixed(content: &[u8], facts: &Facts<'_>) -> Result<Vec<u8>, String> {
    let corrected = corrected(content, facts);
    let (edits, _) = corrected.map_err(|unfit: Unfit| unfit.to_string())?;
    Ok(edits.applied(content, content.len()).concat())
}

fn rewritten(content: &[u8]) -> Vec<u8> {
    let rewriting = rewriting();
    let facts = Facts {
        rewriting: Some(&rewriting),
        ..facts()
    };
    fixed(content, &facts).unwrap()
}

#[rstest]
#[case("From: jru@example.org", "From: J.Random.User@example.org")]
#[case(
    "From :\tJ (the \"one\") <jru@example.org> (at jru@example.org)",
    "From :\tJ (the \"one\") <J.Random.User@example.org> (at jru@example.org)"
)]
#[case(
    "From: \"jru@example.org\"\r\n <jru\r\n\t(x)@ Example.org>",
    "From: \"jru@example.org\"\r\n <J.Random.User\r\n\t(x)@ example.org>"
)]
#[case(
    "SENDER: \"odd, local\"@squeaky.example.org",
    "SENDER: \"odd, local\"@example.org"
)]
#[case("From: \"j r\"@example.org", "From: jr@example.org")]
#[case("From: \"jru\"@example.org", "From: J.Random.User@example.org")]
#[case("From: \"JRU\"@example.org", "From: \"JRU\"@example.org")]
#[case("From: j..r@example.org", "From: jr@example.org")]
#[case("From: j..r@squeaky.example.org", "From: \"j..r\"@example.org")]
#[case(
    "From: [J] <jru@example.org>",
    "From: \"[J]\" <J.Random.User@example.org>"
)]
#[case(
    "Reply-To: Team: jru@example.org, x@y.example;, a@squeaky.example.org",
    "Reply-To: Team: J.Random.User@example.org, x@y.example;, a@example.org"
)]
#[case("From: jru@example.org, broken", "From: jru@example.org, broken")]
#[case(
    "From: <@x.example:jru@example.org>",
    "From: <@x.example:J.Random.User@example.org>"
)]
#[case("From: jru @ example . org", "From: J.Random.User @ example.org")]
#[case("To: jru@example.org", "To: jru@example.org")]
#[case(
    "Cc: jru@example.org\r\nBcc: jru@example.org",
    "Cc: jru@example.org\r\nBcc: jru@example.org"
)]
#[case("Resent-From: jru@example.org", "Resent-From: jru@example.org")]
#[case(
    "Subject: x\r\n\r\nFrom: jru@example.org",
    "Subject: x\r\n\r\nFrom: jru@example.org"
)]
fn only_the_authors_addresses_are_rewritten(#[case] content: &str, #[case] expected: &str) {
    let (content, expected) = (format!("{content}\r\n"), format!("{expected}\r\n"));
    let rewritten = rewritten(content.as_bytes());
    assert_eq!(String::from_utf8(rewritten).unwrap(), expected);
}

#[test]
fn a_line_does_not_become_too_long() {
    const LINE_LIMIT: usize = 1000;
    let content = |octets| format!("From: {} <jru@example.org>\r\n", "a".repeat(octets));
    let fits = content(LINE_LIMIT - "From:  <J.Random.User@example.org>\r\n".len());
    assert_ne!(rewritten(fits.as_bytes()), fits.as_bytes());
    let full = content(LINE_LIMIT - "From:  <J.Random.User@example.org>\r\n".len() + 1);
    assert_eq!(rewritten(full.as_bytes()), full.as_bytes());
    // The quotes that it needs it still gets.
    let odd = full.replacen("a <", "@ <", 1);
    let quoted = odd
        .replacen("From: ", "From: \"", 1)
        .replacen(" <", "\" <", 1);
    assert_eq!(rewritten(odd.as_bytes()), quoted.as_bytes());
}

#[rstest]
#[case("jru@example.org,\r\n ")]
#[case("@@ <a@y.example>,\r\n ")]
fn a_list_does_not_grow_without_bounds(#[case] address: &str) {
    let content = |count| format!("From: {}x@y.example\r\n", address.repeat(count)).into_bytes();
    assert_ne!(rewritten(&content(900)), content(900));
    assert_eq!(rewritten(&content(50_000)), content(50_000));
    let strict = Facts {
        refuse: Refusals::default(),
        ..facts()
    };
    let refused = fixed(&content(50_000), &strict).is_err();
    assert_eq!(refused, address.starts_with('@'));
}

#[rstest]
#[case(
    "From: a@b.example <a@b.example>",
    "From: \"a@b.example\" <a@b.example>"
)]
#[case(
    "Sender: [Tag] A.\r\n B <a@b.example> (x)",
    "Sender: \"[Tag] A.\r\n B\" <a@b.example> (x)"
)]
#[case(
    "reply-to: A (\\\" x) @ <a@b.example>",
    "reply-to: \"A (\\\\\\\" x) @\" <a@b.example>"
)]
#[case(
    "To: a..b@b.example, .a@b.example",
    "To: \"a..b\"@b.example, \".a\"@b.example"
)]
#[case("Cc: G: A <a.@b.example>;", "Cc: G: A <\"a.\"@b.example>;")]
#[case("Resent-To: a@b <a@b.example>", "Resent-To: \"a@b\" <a@b.example>")]
#[case("To:\r\nSubject: x", "Subject: x")]
#[case("X: y\r\nCc: ,\r\n (nobody)\r\nReply-To: ", "X: y")]
#[case("Resent-Cc:", "Resent-Cc:")]
#[case(
    "From: =?utf-8?Q?A,_(B)?= <a@b.example>",
    "From: =?utf-8?Q?A=2C_=28B=29?= <a@b.example>"
)]
#[case("To: undisclosed-recipients:;", "To: undisclosed-recipients:;")]
#[case("From: Nobody:;", "From: Nobody:;")]
#[case(
    "From: \"A. B\" <@old.example:a@b.example>",
    "From: \"A. B\" <@old.example:a@b.example>"
)]
#[case("Resent-From: ,,<>, user@@b", "Resent-From: ,,<>, user@@b")]
#[case("Bcc: user@@b", "Bcc: user@@b")]
fn what_people_write_is_repaired(#[case] content: &str, #[case] expected: &str) {
    let facts = Facts {
        refuse: Refusals::default(),
        ..facts()
    };
    let fixed = fixed(format!("{content}\r\n").as_bytes(), &facts).unwrap();
    assert_eq!(String::from_utf8(fixed).unwrap(), format!("{expected}\r\n"));
}

#[rstest]
#[case("From: broken <user@@example", "From: not a list of addresses")]
#[case("To: ,,<>,", "To: an address is missing")]
#[case("From:", "From: an address is missing")]
#[case("Sender: ", "Sender: an address is missing")]
#[case(
    "Cc: A: a@b.example",
    "Cc: a quote, bracket, comment or group has no end"
)]
#[case("Sender: a@b.example, c@b.example", "Sender: more than one address")]
#[case("From: root", "From: a domain is missing or not fully qualified")]
#[case("To: a@shorthost", "To: a domain is missing or not fully qualified")]
fn what_cannot_be_repaired_is_refused(#[case] content: &str, #[case] reason: &str) {
    let content = format!("{content}\r\n");
    let fixed = |refuse| fixed(content.as_bytes(), &Facts { refuse, ..facts() });
    assert_eq!(fixed(Refusals::default()), Err(reason.to_owned()));
    assert_eq!(fixed(Refusals::NONE), Ok(content.clone().into_bytes()));
    let unqualified = Refusals::named(&["unqualified"]).unwrap();
    assert_eq!(fixed(unqualified).is_err(), reason.contains("qualified"));
}

#[rstest]
#[case(
    "From: a@b.example <a@b.example>",
    "From: a name or a local part lacks quotes"
)]
#[case("To: a..b@b.example", "To: a name or a local part lacks quotes")]
#[case("Cc:", "Cc: an address is missing")]
fn what_is_not_repaired_is_refused(#[case] content: &str, #[case] reason: &str) {
    let facts = Facts {
        refuse: Refusals::default(),
        fix: FixUps::NONE,
        ..facts()
    };
    assert_eq!(fixed(content.as_bytes(), &facts), Err(reason.to_owned()));
}

#[rstest]
#[case("From: root", "From: root@example.org")]
#[case("From: Root <root> (x)", "From: Root <root@example.org> (x)")]
#[case(
    "To: a@shorthost, postmaster",
    "To: a@shorthost.example.org, postmaster@example.org"
)]
#[case("Cc: .a.@shorthost", "Cc: \".a.\"@shorthost.example.org")]
#[case("Resent-To: colleague", "Resent-To: colleague@example.org")]
#[case("From: a@squeaky", "From: a@example.org")]
#[case("From: a@[192.0.2.1]", "From: a@[192.0.2.1]")]
fn unqualified_domains_are_completed(#[case] content: &str, #[case] expected: &str) {
    let rewriting = rewriting();
    let facts = Facts {
        completion: Some("example.org"),
        rewriting: Some(&rewriting),
        refuse: Refusals::named(&["nonconforming"]).unwrap(),
        ..facts()
    };
    let completed = fixed(content.as_bytes(), &facts).unwrap();
    assert_eq!(String::from_utf8(completed).unwrap(), expected);
    let only_read = Facts {
        fix: FixUps::NONE,
        refuse: Refusals::NONE,
        rewriting: None,
        ..facts
    };
    assert_eq!(
        fixed(content.as_bytes(), &only_read).unwrap(),
        content.as_bytes()
    );
}

#[rstest]
#[case("From: a@b.example", Author::Mailbox("a@b.example".to_owned()))]
#[case("From: \"A, <x@y>\"\r\n <a@b.example> (at (home), really)", Author::Mailbox("a@b.example".to_owned()))]
#[case("From: A <a . b @ c . example>", Author::Mailbox("a.b@c.example".to_owned()))]
#[case("From: a..b@c.example", Author::Mailbox("\"a..b\"@c.example".to_owned()))]
#[case("From: root", Author::Mailbox("root@example.org".to_owned()))]
#[case("From: a@b.example, c@b.example", Author::Several)]
#[case("From: A <a@b.example>, C <c@b.example>, ", Author::Several)]
#[case("From: a@b.example, c@b.example (", Author::Unknown)]
#[case("From: Group: a@b.example;", Author::Unknown)]
#[case("From: \"unclosed <a@b.example>", Author::Unknown)]
#[case("From: a@b.example\r\nFrom: a@b.example", Author::Unknown)]
#[case("Sender: a@b.example", Author::Unknown)]
fn the_author_is_known(#[case] content: &str, #[case] author: Author) {
    let facts = Facts {
        completion: Some("example.org"),
        ..facts()
    };
    assert_eq!(corrected(content.as_bytes(), &facts).unwrap().1, author);
}

fn contents() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "From:",
        "Sender:",
        "To:",
        "Cc:",
        "\r\nReply-To:",
        "X:",
        ":",
        " ",
        "\t",
        "\r\n",
        "jru",
        "@",
        "example.org",
        "squeaky.example.org",
        "jru@example.org",
        "<",
        ">",
        ",",
        ";",
        "(",
        ")",
        "\"",
        "\\",
        "[",
        "]",
        ".",
        "=?utf-8?q?",
        "?=",
        "\u{e9}",
        "\0",
        "<a@b.example>",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn all_else_stays(content in contents()) {
        let rewriting = rewriting();
        let facts = Facts {
            rewriting: Some(&rewriting),
            completion: Some("example.org"),
            ..facts()
        };
        let (edits, _) = corrected(content.as_bytes(), &facts).unwrap();
        let pieces = edits.applied(content.as_bytes(), content.len());
        let texts = pieces.iter().skip(1).step_by(2);
        for text in texts.map(|text| str::from_utf8(text).unwrap()) {
            let known = ["", "\"", "\\", "J.Random.User", "jr"];
            let known = known.contains(&text)
                || text.trim_start_matches(['.', '@']) == "example.org"
                || text.starts_with('=') && text.len() == 3;
            prop_assert!(known, "{text:?} in {content:?}");
        }
        let taken_out = pieces.iter().skip(1).step_by(2).filter(|text| text.is_empty());
        let fields = header::fields(content.as_bytes()).count() - taken_out.count();
        prop_assert_eq!(header::fields(&pieces.concat()).count(), fields);
    }

    /// What leaves is read without complaint where nothing is repaired, and needs no repair.
    #[test]
    fn what_leaves_conforms(content in contents()) {
        let strict = Facts {
            refuse: Refusals::named(&["nonconforming"]).unwrap(),
            completion: Some("example.org"),
            ..facts()
        };
        if let Ok(repaired) = fixed(content.as_bytes(), &strict) {
            let stricter = Facts { refuse: Refusals::default(), fix: FixUps::NONE, ..facts() };
            prop_assert_eq!(fixed(&repaired, &stricter), Ok(repaired.clone()));
            prop_assert_eq!(fixed(&repaired, &strict), Ok(repaired));
        }
    }
}
