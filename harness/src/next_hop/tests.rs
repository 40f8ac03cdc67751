//! The next hop as a client meets it.

use std::io::{BufRead, BufReader, Write};

use super::*;

fn talk(hop: &NextHop, lines: &[&str]) -> Vec<String> {
    let stream = std::net::TcpStream::connect(hop.address()).unwrap();
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let mut output = stream;
    let mut replies = Vec::new();
    for line in std::iter::once(&"").chain(lines) {
        output.write_all(line.as_bytes()).unwrap();
        let mut reply = String::new();
        loop {
            reply.clear();
            input.read_line(&mut reply).unwrap();
            if reply.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        replies.push(reply.trim_end().to_owned());
    }
    replies
}

fn send(hop: &NextHop, token: &str) -> Vec<String> {
    talk(
        hop,
        &[
            "EHLO a.example\r\n",
            "MAIL FROM:<a@b.example>\r\n",
            "RCPT TO:<c@d.example>\r\n",
            "DATA\r\n",
            &format!("A: 1\r\n\tfolded\r\nB: {token}\r\n\r\n..dot\r\n\n.\r\nend\r\n.\r\n"),
            "QUIT\r\n",
        ],
    )
}

fn hop() -> NextHop {
    NextHop::listen(([127, 0, 0, 1], 0).into()).unwrap()
}

#[test]
fn a_message_arrives_as_it_was() {
    let hop = hop();
    send(&hop, "token-1");
    let message = hop
        .wait("token-1", Duration::from_secs(5), &|| false)
        .unwrap();
    assert_eq!(message.mail, "FROM:<a@b.example>");
    assert_eq!(message.recipients, ["TO:<c@d.example>"]);
    assert_eq!(message.body(), b".dot\r\n\n.\r\nend\r\n");
    assert!(!hop.touched());
}

#[test]
fn a_rule_has_its_turns() {
    let hop = hop();
    let busy = Rule::at(Stage::Recipient).about("c@d.example");
    hop.rule(busy.once(Action::reply("452 4.2.2 Full")));
    hop.rule(
        Rule::at(Stage::Dot)
            .about("other@d.example")
            .always(Action::Drop),
    );
    assert_eq!(send(&hop, "token-2")[3], "452 4.2.2 Full");
    assert_eq!(send(&hop, "token-2")[3], "250 2.1.5 Recipient ok");
    assert_eq!(hop.messages("token-2").len(), 1);
}

#[test]
fn the_log_has_every_octet_and_who_was_too_early() {
    let hop = hop();
    hop.rule(Rule::at(Stage::Greeting).once(Action::slowly("220-one\n220 two")));
    let mut stream = std::net::TcpStream::connect(hop.address()).unwrap();
    stream.write_all(b"EHLO early.example\r\n").unwrap();
    let mut replies = String::new();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    std::io::Read::read_to_string(&mut stream, &mut replies).unwrap();
    send(&hop, "token-4");
    let early = &hop.visits("early.example")[0];
    assert!(early.begins_early());
    assert_eq!(early.out_of_turn(), None, "a greeting is no reply");
    let visits = hop.visits("token-4");
    assert_eq!(visits.len(), 1);
    assert!(!visits[0].begins_early());
    assert_eq!(visits[0].out_of_turn(), None);
    let content = visits[0].heard.iter().find(|heard| heard.is_content);
    let content = &content.unwrap().octets;
    assert!(content.ends_with(b"..dot\r\n\n.\r\nend\r\n.\r\n"));
}

#[test]
fn who_is_idle_is_asked_to_leave() {
    let hop = hop();
    hop.rule(Rule::at(Stage::Ehlo).always(Action::reply("502 5.5.1 No")));
    let mut stream = std::net::TcpStream::connect(hop.address()).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    lines.next().unwrap().unwrap();
    stream.write_all(b"EHLO a.example\r\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "502 5.5.1 No");
    hop.hush();
    assert!(lines.next().unwrap().unwrap().starts_with("421"));
    assert!(lines.next().is_none());
    assert!(talk(&hop, &["EHLO a.example\r\n"])[1].starts_with("250"));
}

#[test]
fn a_lie_reports_of_the_refused() {
    let hop = hop();
    hop.lie(&[Lie::ReportsAnyway]);
    let refusal = Rule::at(Stage::Recipient).about("token-4@d.example");
    hop.rule(refusal.always(Action::reply("550 5.1.1 No")));
    talk(
        &hop,
        &[
            "EHLO a.example\r\n",
            "MAIL FROM:<>\r\n",
            "RCPT TO:<token-4@d.example>\r\n",
            // Answered when the hop is done with what came before.
            "RSET\r\n",
        ],
    );
    assert_eq!(hop.notifications("token-4").len(), 1);
    assert!(hop.touched());
}

#[test]
fn lies_are_told_and_noticed() {
    for (lie, copies) in [
        (Lie::Swallow, 0),
        (Lie::Repeat, 2),
        (Lie::TopFieldSinks, 1),
        (Lie::Relayed(".dot", "dot"), 1),
        (Lie::SwallowFor("c@d"), 0),
        (Lie::OnTheWire("..dot", ".dot"), 1),
        (Lie::Heard("a@b.example>", "a@b.example> RET=HDRS"), 1),
    ] {
        let hop = hop();
        hop.lie(&[lie]);
        send(&hop, "token-3");
        let messages = hop.messages("token-3");
        assert_eq!(messages.len(), copies, "{lie:?}");
        assert!(hop.touched(), "{lie:?}");
        if lie == Lie::TopFieldSinks {
            assert_eq!(messages[0].header_names(), ["B", "A"]);
        }
    }
}
