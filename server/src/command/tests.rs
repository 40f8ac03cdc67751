use super::*;
use crate::command::path::Flaw;
use proptest::prelude::*;
use rstest::rstest;

const MALFORMED: Flaw = Flaw {
    malformed: true,
    unqualified: false,
};
const UNQUALIFIED: Flaw = Flaw {
    malformed: false,
    unqualified: true,
};

fn mailbox(address: &str, flaw: Flaw) -> Mailbox {
    Mailbox {
        address: address.to_owned(),
        flaw,
    }
}

fn mail(sender: &str, parameters: &[(&str, &str)]) -> Command {
    let written = parameters.iter().map(|(keyword, value)| Parameter {
        keyword: (*keyword).to_owned(),
        value: (!value.is_empty()).then(|| value.as_bytes().to_vec()),
    });
    Command::Mail {
        sender: mailbox(sender, Flaw::default()),
        parameters: written.collect(),
    }
}

fn rcpt(recipient: &str) -> Command {
    flawed(recipient, Flaw::default())
}

fn flawed(recipient: &str, flaw: Flaw) -> Command {
    Command::Rcpt {
        recipient: mailbox(recipient, flaw),
        parameters: Vec::new(),
    }
}

#[rstest]
#[case("ehlo client.example", Command::Ehlo { client: "client.example".into() })]
#[case("HELO my_pc", Command::Helo { client: "my_pc".into() })]
#[case("EHLO [127.0.0.1]", Command::Ehlo { client: "[127.0.0.1]".into() })]
#[case("EHLO [IPv6:::1]", Command::Ehlo { client: "[IPv6:::1]".into() })]
#[case("EHLO [010.000.0.1]", Command::Ehlo { client: "[010.000.0.1]".into() })]
#[case("NOOP  whatever it says", Command::Noop)]
#[case("QUIT \t", Command::Quit)]
#[case("RSET ", Command::Rset)]
#[case("auth plain =", Command::Auth { mechanism: "PLAIN".into(), initial: Some(b"=".to_vec()) })]
#[case("AUTH LOGIN", Command::Auth { mechanism: "LOGIN".into(), initial: None })]
#[case("MAIL FROM:<>", mail("", &[]))]
#[case(
    "mail from:<A@b.example> size=10 Auth=<>",
    mail("A@b.example", &[("SIZE", "10"), ("AUTH", "<>")])
)]
#[case(
    "MAIL FROM:<a@b.example> X-y SMTPUTF8",
    mail("a@b.example", &[("X-Y", ""), ("SMTPUTF8", "")])
)]
#[case(
    "MAIL FROM:<@x.example,@y.example:a@b.example>",
    mail("a@b.example", &[])
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
#[case("RCPT TO:<a@sales>", flawed("a@sales", UNQUALIFIED))]
#[case("RCPT TO:<a@my_pc.example>", flawed("a@my_pc.example", MALFORMED))]
#[case("RCPT TO:<u@-bad.example>", flawed("u@-bad.example", MALFORMED))]
#[case("BDAT 5 LAST", Command::NotImplemented)]
fn commands_are_read(#[case] line: &str, #[case] command: Command) {
    assert_eq!(parse(line.as_bytes()), Ok(command));
}

#[rstest]
#[case("GET / HTTP/1.1", true)]
#[case("propfind /calendar HTTP/1.1", true)]
#[case("POST /\0", true)]
#[case("GET", true)]
#[case("GETTING / HTTP/1.1", false)]
#[case("NOOP / HTTP/1.1", false)]
#[case("", false)]
fn requests_of_http_are_known(#[case] line: &str, #[case] http: bool) {
    assert_eq!(is_http(line.as_bytes()), http);
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
#[case("MAIL FROM:<a@b.example> SIZE=1 size=1", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example> X=a=b", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example> X=\u{e9}", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example> -X", FaultKind::Arguments)]
#[case("MAIL FROM:<a@b.example>  SIZE=1", FaultKind::Arguments)]
#[case("RCPT TO:<u@bad!.example>", FaultKind::Arguments)]
#[case("RCPT TO:<>", FaultKind::Arguments)]
#[case("RCPT TO:<user>", FaultKind::Arguments)]
#[case("RCPT TO:<u@[IPv6:2001:db8:::1]>", FaultKind::Arguments)]
#[case("RCPT TO:<u@[2001:db8::1]>", FaultKind::Arguments)]
#[case("EHLO [IPv6:1:2:3:4:5:6:7::]", FaultKind::Arguments)]
#[case("EHLO [tag:content]", FaultKind::Arguments)]
#[case("RCPT TO:<u@[IPv6:fe80::1%eth0]>", FaultKind::Arguments)]
#[case("RCPT TO:<u@[tag:content]>", FaultKind::Arguments)]
#[case("RCPT TO:<\u{e9}@b.example>", FaultKind::Arguments)]
#[case("RCPT TO:<\"a\tb\"@b.example>", FaultKind::Arguments)]
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
    fn octets_give_a_command_or_a_reply(line in prop::collection::vec(any::<u8>(), 0..100)) {
        is_command_or_reply(&line)?;
    }

    #[test]
    fn near_commands_give_a_command_or_a_reply(
        verb in prop::sample::select(vec!["EHLO ", "HELO", "AUTH ", "MAIL FROM:", "RCPT TO:", "MAIL FROM:<a@b.c> ", "NOOP", "BDAT "]),
        pieces in prop::collection::vec(
            prop::sample::select(vec!["<", ">", "\"", "\\", "@", ":", ",", ".", "[", "]", "=", " ", "\t", "+", "-", "_", "a", "SIZE", "AUTH", "BODY", "8BITMIME", "IPv6:", "\u{e9}", "\r", "\n", "\0"]),
            0..12,
        ),
    ) {
        let line = format!("{verb}{}", pieces.concat());
        is_command_or_reply(line.as_bytes())?;
    }
}

/// What a command carries on is printable; what is no command has a reply that is well formed.
fn is_command_or_reply(line: &[u8]) -> Result<(), TestCaseError> {
    match parse(line) {
        Ok(
            Command::Rcpt {
                recipient: path,
                parameters,
            }
            | Command::Mail {
                sender: path,
                parameters,
            },
        ) => {
            prop_assert!(
                path.address
                    .bytes()
                    .all(|octet| matches!(octet, 0x20..=0x7e))
            );
            let mut octets = parameters
                .iter()
                .filter_map(|read| read.value.as_ref())
                .flatten();
            prop_assert!(octets.all(u8::is_ascii_graphic));
        }
        Ok(Command::Ehlo { client } | Command::Helo { client }) => {
            prop_assert!(client.bytes().all(|octet| octet.is_ascii_graphic()));
        }
        Ok(_) => {}
        Err(fault) => {
            let reply = fault.kind.reply().to_string();
            let text = reply.strip_suffix("\r\n").unwrap_or_default();
            prop_assert!(text.starts_with("50") && text.len() > 10, "{reply:?}");
            prop_assert!(
                text.bytes().all(|octet| matches!(octet, 0x20..=0x7e)),
                "{reply:?}"
            );
        }
    }
    Ok(())
}
