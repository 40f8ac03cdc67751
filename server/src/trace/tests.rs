use super::*;
use rstest::rstest;

fn facts<'a>() -> Facts<'a> {
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
    }
}

const RECEIVED: &str = "Received: from client.example ([192.0.2.7])\r\n\tby msa.example.org with ESMTPA id 0001-ab; Tue, 24 Nov 2026 10:00:00 +0000\r\n";
const DATE: &str = "Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n";
const MESSAGE_ID: &str = "Message-ID: <0001-ab@msa.example.org>\r\n";

fn complete(content: &str) -> String {
    let additions = additions(content.as_bytes(), &facts()).unwrap();
    String::from_utf8(additions.pieces(content.as_bytes()).concat()).unwrap()
}

#[rstest]
#[case(
    "From: a@b.example\r\n\r\nDate: body\r\n",
    "From: a@b.example\r\n\r\nDate: body\r\n"
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
        format!("{RECEIVED}{DATE}{MESSAGE_ID}{rest}")
    );
}

#[test]
fn fields_that_are_there_stay() {
    let content = "date : x\r\nMESSAGE-id: <1@x>\r\n\r\n";
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
