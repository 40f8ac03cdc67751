use rstest::rstest;

use super::*;

const REPORT: &str = "From: <MAILER-DAEMON@a.example>\r\n\
    Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"b/1\"\r\n\r\n\
    --b/1\r\n\r\nSorry.\r\n\
    --b/1\r\nContent-Type: message/delivery-status\r\n\r\n\
    Reporting-MTA: dns; a.example\r\n\r\n\
    Final-Recipient: rfc822; One@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
    Diagnostic-Code: smtp; 550 5.1.1\r\n  unknown\r\n\r\n\
    Final-Recipient: rfc822;two@b.example\r\nAction: delayed\r\nStatus: 4.2.1\r\n\r\n\
    --b/1\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n\r\n\
    --b/1--\r\n";

fn message(content: &str) -> Delivered {
    Delivered {
        helo: "a.example".to_owned(),
        mail: "FROM:<>".to_owned(),
        recipients: vec!["TO:<sender@b.example>".to_owned()],
        content: content.as_bytes().to_vec(),
    }
}

#[test]
fn groups_are_read_one_a_recipient() {
    let notification = Notification::read(&message(REPORT)).unwrap();
    assert_eq!(notification.parts.len(), 3);
    assert_eq!(
        notification.about_message.only("Reporting-MTA").unwrap(),
        "dns; a.example"
    );
    assert_eq!(notification.about_recipients.len(), 2);
    let one = notification.about("one@b.example").unwrap();
    assert_eq!(one.value("action"), Some("failed"));
    assert_eq!(
        one.value("Diagnostic-Code"),
        Some("smtp; 550 5.1.1  unknown")
    );
}

#[rstest]
#[case("report-type=delivery-status;", "", "Content-Type")]
#[case("--b/1--\r\n", "", "closing boundary")]
#[case("message/delivery-status", "text/plain", "the second part")]
#[case("Action: failed", "failed", "not a field")]
#[case("Action: failed\r\n", "Action: failed\n", "CR LF")]
fn what_is_no_report_says_why(#[case] from: &str, #[case] to: &str, #[case] why: &str) {
    let error = Notification::read(&message(&REPORT.replace(from, to))).unwrap_err();
    assert!(error.contains(why), "{error}");
}

#[rstest]
#[case(b"a\r\nb\r\n", None)]
#[case(b"a\nb\r\n", Some("bare LF"))]
#[case(b"a\r\r\n", Some("bare CR"))]
#[case(b"a\r\nb", Some("does not end"))]
fn lines_are_looked_at(#[case] content: &[u8], #[case] fault: Option<&str>) {
    let found = line_fault(content);
    match fault {
        None => assert_eq!(found, None),
        Some(fault) => assert!(found.unwrap().contains(fault)),
    }
}

#[test]
fn a_line_has_998_octets_at_most() {
    let line = |length: usize| [&vec![b'x'; length][..], b"\r\n"].concat();
    assert_eq!(line_fault(&line(998)), None);
    assert!(line_fault(&line(999)).is_some());
}
