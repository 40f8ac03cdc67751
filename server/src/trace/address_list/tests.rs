use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// Each mailbox as `{bare name}LOCAL@DOMAIN`, with `!` for stray dots and `;` in a group.
fn mailboxes(text: &str) -> Result<Vec<String>, Unreadable> {
    let mut found = Vec::new();
    read(text.as_bytes(), |mailbox| {
        let part = |place| String::from_utf8(plain(text.as_bytes(), place)).unwrap();
        let name = mailbox
            .bare_name
            .map(|place| format!("{{{}}}", &text[place]));
        let stray = if mailbox.stray_dots { "!" } else { "" };
        let group = if mailbox.in_group { ";" } else { "" };
        found.push(format!(
            "{}{}{stray}@{}{group}",
            name.unwrap_or_default(),
            part(mailbox.local_part),
            part(mailbox.domain),
        ));
    })
    .map(|_| found)
}

#[rstest]
#[case(" a@b.example\r\n", &["a@b.example"])]
#[case("Alice <a@b.example>, c@d.example", &["a@b.example", "c@d.example"])]
#[case("J. R. User <a@b.example>", &["a@b.example"])]
#[case("\u{e4}lice <a@b.example>", &["a@b.example"])]
#[case("\"Alice, <x@y>\"\r\n <a@b.example> (at (\\) home), x@y)", &["a@b.example"])]
#[case("\"a \\\" b\"@b.example", &["\"a \\\" b\"@b.example"])]
#[case("a (x) @ (y) b.example", &["a@b.example"])]
#[case("< a@[192.0.2.1] >", &["a@[192.0.2.1]"])]
#[case(", a@b.example,,", &["a@b.example"])]
#[case("All: a@b.example, C <c@d.example>;, e@f.example", &["a@b.example;", "c@d.example;", "e@f.example"])]
#[case("None:;", &[])]
#[case("undisclosed recipients : ( none ) ;", &[])]
#[case("", &[])]
fn are_found(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(mailboxes(text).unwrap(), expected);
}

#[rstest]
#[case("a . \"b c\" (x) . d @ b . (y) example", &["a.\"b c\".d@b.example"])]
#[case("<@x.example:a@b.example>", &["a@b.example"])]
#[case("A <,@x.example , ,@[192.0.2.1]\r\n ,:a@b.example>", &["a@b.example"])]
#[case("<,:a@b.example>", &[])]
#[case("<@x.example.:a@b.example>", &[])]
#[case("A: ,, a@b.example,;", &["a@b.example;"])]
fn obsolete_forms_are_read(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(mailboxes(text).unwrap_or_default(), expected);
}

#[rstest]
#[case("a@b.example <a@b.example>", &["{a@b.example}a@b.example"])]
#[case("[Tag] Foo\r\n <a@b.example>", &["{[Tag] Foo}a@b.example"])]
#[case(".Net <a@b.example>", &["{.Net}a@b.example"])]
#[case("A :-) \\o/ (x) <a@b.example>", &[])]
#[case("A ;-) <a@b.example>", &[])]
#[case("A -) \\o/ (x) <a@b.example>", &["{A -) \\o/}a@b.example"])]
#[case("G: \"A\" @ home <a@b.example>;", &["{\"A\" @ home}a@b.example;"])]
#[case("a..b@b.example, .a@b.example", &["a..b!@b.example", ".a!@b.example"])]
#[case("A <a.@b.example>", &["a.!@b.example"])]
#[case("root, <alice>", &["root@", "alice@"])]
#[case("=?utf-8?q?A,_B?= C <a@b.example>", &["{=?utf-8?q?A,_B?= C}a@b.example"])]
#[case("=?utf-8?q?A?= <a@b.example>", &["a@b.example"])]
#[case("=?utf-8?q?A?=@b.example", &["=?utf-8?q?A?=@b.example"])]
#[case("=?utf-8?q?A,_B <a@b.example>", &["=?utf-8?q?A@", "a@b.example"])]
#[case("root (Cron) , \"a b\"", &["root@", "\"a b\"@"])]
fn what_lacks_quotes_or_a_domain_is_read(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(mailboxes(text).unwrap_or_default(), expected);
}

#[rstest]
#[case("alice bob", Unreadable::NoAddress)]
#[case("<>", Unreadable::NoAddress)]
#[case("A <(x)>", Unreadable::NoAddress)]
#[case("a@b.example c@d.example", Unreadable::Syntax)]
#[case("broken <user@@example", Unreadable::Syntax)]
#[case(",,<>,", Unreadable::NoAddress)]
#[case("a b@c.example", Unreadable::Syntax)]
#[case("a. .b@c.example", Unreadable::Syntax)]
#[case("a@b.example.", Unreadable::Syntax)]
#[case("a@b..example", Unreadable::Syntax)]
#[case("a@", Unreadable::Syntax)]
#[case("<a@>", Unreadable::Syntax)]
#[case("@b.example", Unreadable::Syntax)]
#[case("<@b.example>", Unreadable::Syntax)]
#[case("a@[192.0.2.1].example", Unreadable::Syntax)]
#[case("a@\"b\"", Unreadable::Syntax)]
#[case("<a@b.example", Unreadable::Unclosed)]
#[case("a@b.example>", Unreadable::Syntax)]
#[case("<a@b.example> x", Unreadable::Syntax)]
#[case("A: b: c@d.example;;", Unreadable::Syntax)]
#[case(": a@b.example;", Unreadable::Syntax)]
#[case("A: b@c.example", Unreadable::Unclosed)]
#[case("A: b@c.example; d@e.example", Unreadable::Syntax)]
#[case("a@b.example;", Unreadable::Syntax)]
#[case("(a@b.example", Unreadable::Unclosed)]
#[case("a@b.example)", Unreadable::Syntax)]
#[case("\"a@b.example", Unreadable::Unclosed)]
#[case("a@[b", Unreadable::Unclosed)]
#[case("a@[b[c]", Unreadable::Syntax)]
#[case("a@b.example, \0", Unreadable::Syntax)]
#[case("a@b.example \\", Unreadable::Syntax)]
#[case("\"a\\", Unreadable::Unclosed)]
fn what_is_no_list_is_unreadable(#[case] text: &str, #[case] reason: Unreadable) {
    assert_eq!(mailboxes(text), Err(reason));
}

proptest! {
    #[test]
    fn any_octets_are_read(
        text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            prop::collection::vec(prop::sample::select(b"a.@<>,:;()[]\"\\ ".to_vec()), 0..40),
        ],
    ) {
        let mut end = 0;
        let _ = read(&text, |mailbox| {
            let name = mailbox.bare_name.unwrap_or(end..end);
            assert!(end <= name.start && name.end <= mailbox.local_part.start);
            assert!(mailbox.local_part.start < mailbox.local_part.end);
            assert!(mailbox.local_part.end <= mailbox.domain.start);
            end = mailbox.domain.end;
        });
        prop_assert!(end <= text.len());
    }
}
