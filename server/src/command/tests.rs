use super::*;
use proptest::prelude::*;
use rstest::rstest;

fn mail(sender: &str, size: Option<u64>, any: bool) -> Command {
    Command::Mail {
        sender: sender.to_owned(),
        parameters: MailParameters { size, any },
    }
}

fn rcpt(recipient: &str) -> Command {
    Command::Rcpt {
        recipient: recipient.to_owned(),
    }
}

#[rstest]
#[case("ehlo client.example", Command::Ehlo { client: "client.example".into() })]
#[case("HELO my_pc", Command::Helo { client: "my_pc".into() })]
#[case("EHLO [127.0.0.1]", Command::Ehlo { client: "[127.0.0.1]".into() })]
#[case("EHLO [IPv6:::1]", Command::Ehlo { client: "[IPv6:::1]".into() })]
#[case("NOOP  whatever it says", Command::Noop)]
#[case("QUIT \t", Command::Quit)]
#[case("RSET ", Command::Rset)]
#[case("auth plain =", Command::Auth { mechanism: "PLAIN".into(), initial: Some(b"=".to_vec()) })]
#[case("AUTH LOGIN", Command::Auth { mechanism: "LOGIN".into(), initial: None })]
#[case("MAIL FROM:<>", mail("", None, false))]
#[case(
    "mail from:<A@b.example> size=10 Auth=<>",
    mail("A@b.example", Some(10), true)
)]
#[case(
    "MAIL FROM:<a@b.example> AUTH=e+3Dmc2@example.com",
    mail("a@b.example", None, true)
)]
#[case(
    "MAIL FROM:<@x.example,@y.example:a@b.example>",
    mail("a@b.example", None, false)
)]
#[case("RCPT TO:<postMaster>", rcpt("postMaster"))]
#[case(
    r#"RCPT TO:<"john> \"doe"@b.example>"#,
    rcpt(r#""john> \"doe"@b.example"#)
)]
#[case("RCPT TO:<a@[IPv6:2001:db8::1]>", rcpt("a@[IPv6:2001:db8::1]"))]
#[case(
    "RCPT TO:<!#$%&'*+-/=?^_`{|}~@b.example>",
    rcpt("!#$%&'*+-/=?^_`{|}~@b.example")
)]
#[case("BDAT 5 LAST", Command::NotImplemented)]
#[case("GET / HTTP/1.1", Command::Http)]
fn commands_are_read(#[case] line: &str, #[case] command: Command) {
    assert_eq!(parse(line.as_bytes()), Ok(command));
}

#[rstest]
#[case("", FaultKind::UnknownVerb)]
#[case("XYZZY", FaultKind::UnknownVerb)]
#[case(" NOOP", FaultKind::UnknownVerb)]
#[case("NOOP\nQUIT", FaultKind::Octets)]
#[case("NOOP\r", FaultKind::Octets)]
#[case("MAIL FROM:<us\0er@b.example>", FaultKind::Octets)]
#[case("EHLO", FaultKind::Arguments)]
#[case("EHLO a..b", FaultKind::Arguments)]
#[case("EHLO [300.1.2.3]", FaultKind::Arguments)]
#[case("EHLO two words", FaultKind::Arguments)]
#[case("QUIT now", FaultKind::Arguments)]
#[case("AUTH", FaultKind::Arguments)]
#[case("AUTH PLAIN a b", FaultKind::Arguments)]
#[case("MAIL", FaultKind::Arguments)]
#[case("MAIL FROM: <a@b.example>", FaultKind::Arguments)]
#[case("MAIL FROM:a@b.example", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example", FaultKind::Arguments)]
#[case("MAIL FROM:<a..b@b.example>", FaultKind::Arguments)]
#[case("MAIL FROM:<a>", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example> SIZE=", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example> SIZE=-1", FaultKind::Arguments)]
#[case(
    "MAIL FROM:<a@b.example> SIZE=100000000000000000000",
    FaultKind::Arguments
)]
#[case("MAIL FROM:<a@b.example> SIZE=1 SIZE=1", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example> AUTH=a+ZZb@example.com", FaultKind::Arguments)]
#[case(
    "MAIL FROM:<a@b.example> AUTH=a+0D+0AX@example.com",
    FaultKind::Arguments
)]
#[case("MAIL FROM:<a@b.example> AUTH=not-a-mailbox", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example> BODY=8BITMIME", FaultKind::Parameter)]
#[case("MAIL FROM:<a@sales>", FaultKind::Unqualified)]
#[case("RCPT TO:<>", FaultKind::Arguments)]
#[case("RCPT TO:<user>", FaultKind::Arguments)]
#[case("RCPT TO:<u@-bad.example>", FaultKind::Arguments)]
#[case("RCPT TO:<u@[IPv6:2001:db8:::1]>", FaultKind::Arguments)]
#[case("RCPT TO:<u@[2001:db8::1]>", FaultKind::Arguments)]
#[case("RCPT TO:<\u{e9}@b.example>", FaultKind::Arguments)]
#[case("RCPT TO:<\"a\tb\"@b.example>", FaultKind::Arguments)]
#[case("RCPT TO:<a@b.example> NOTIFY=NEVER", FaultKind::Parameter)]
fn faults_are_told_apart(#[case] line: &str, #[case] kind: FaultKind) {
    assert_eq!(
        parse(line.as_bytes()).map_err(|fault| fault.kind),
        Err(kind)
    );
}

#[rstest]
#[case(64, 252, true)]
#[case(65, 20, false)]
#[case(1, 260, false)]
fn limits_are_those_of_the_grammar(
    #[case] local: usize,
    #[case] domain: usize,
    #[case] taken: bool,
) {
    let labels = format!("{}.", "d".repeat(63)).repeat(5);
    let domain = format!("{}example", &labels[labels.len() + 7 - domain..]);
    let line = format!("RCPT TO:<{}@{domain}>", "l".repeat(local));
    assert_eq!(parse(line.as_bytes()).is_ok(), taken);
}

proptest! {
    #[test]
    fn octets_give_a_command_or_a_fault(line in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse(&line);
    }

    #[test]
    fn near_commands_give_a_command_or_a_fault(
        verb in prop::sample::select(vec!["EHLO ", "AUTH ", "MAIL FROM:", "RCPT TO:", "MAIL FROM:<a@b.c> "]),
        pieces in prop::collection::vec(
            prop::sample::select(vec!["<", ">", "\"", "\\", "@", ":", ",", ".", "[", "]", "=", " ", "+", "a", "SIZE", "AUTH", "IPv6:", "\u{e9}"]),
            0..12,
        ),
    ) {
        let line = format!("{verb}{}", pieces.concat());
        if let Ok(Command::Rcpt { recipient: path } | Command::Mail { sender: path, .. }) = parse(line.as_bytes()) {
            prop_assert!(path.bytes().all(|octet| matches!(octet, 0x20..=0x7e)));
        }
    }
}
