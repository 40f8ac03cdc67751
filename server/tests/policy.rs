//! What a listener refuses and repairs by its configuration, beyond what every submission server owes.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

#[allow(dead_code, reason = "nothing of TLS is looked at here")]
mod tls_client;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use msaspec_server::spool::{Message, Queue};
use msaspec_server::{Config, Refusals, Server};
use rstest::rstest;
use rustls::version::TLS13;
use tls_client::TlsClient;
use tokio::sync::Notify;

/// `\0alice\0secret`
const LOGIN: &str = "AUTH PLAIN AGFsaWNlAHNlY3JldA==";

async fn start(listener: &str, spool: &Path) -> Server {
    let text = format!(
        r#"
            hostname = "msa.example.org"
            spool = {spool:?}
            listeners = [{listener}]
            users = {{ alice = "secret" }}
            senders = {{ alice = ["alice@example.org", "@alice.example"] }}
            rewrite = {{ "alice@example.org" = "A.Liddell@example.org" }}
        "#
    );
    Server::start(Config::from_toml(&text).unwrap())
        .await
        .unwrap()
}

async fn login(server: &Server) -> TlsClient {
    let mut client = TlsClient::connect(server, &TLS13, None).await.unwrap();
    client.say("EHLO client.example").await;
    assert!(client.say(LOGIN).await.starts_with("235"));
    client
}

#[rstest]
#[case("", "MAIL FROM:<a@sales>", "554 5.1.0")]
#[case("", "MAIL FROM:<a@my_pc.example>", "501 5.1.7")]
#[case(", refuse = [\"unqualified\"]", "MAIL FROM:<a@my_pc>", "554 5.1.0")]
#[case("", "MAIL FROM:<bob@example.org>", "250")]
#[case(", refuse = []", "MAIL FROM:<a@sales>", "250")]
#[case(", refuse = []", "MAIL FROM:<a@my_pc.example>", "250")]
#[case(", refuse = []", "MAIL FROM:<a@my pc.example>", "501 5.5.4")]
#[case(
    ", refuse = [\"foreign-sender\"]",
    "MAIL FROM:<bob@example.org>",
    "550 5.7.1"
)]
#[case(
    ", refuse = [\"foreign-sender\"]",
    "MAIL FROM:<alice@Example.org>",
    "250"
)]
#[case(
    ", refuse = [\"foreign-sender\"]",
    "MAIL FROM:<any@alice.example>",
    "250"
)]
#[case(
    ", refuse = [\"foreign-sender\"]",
    "MAIL FROM:<\"al\\ice\"@example.org>",
    "250"
)]
#[case(
    ", refuse = [\"foreign-sender\"]",
    "MAIL FROM:<Alice@example.org>",
    "550 5.7.1"
)]
#[case(", refuse = [\"foreign-sender\"]", "MAIL FROM:<>", "250")]
#[tokio::test]
async fn senders_are_refused_by_the_listener(
    #[case] more: &str,
    #[case] command: &str,
    #[case] expected: &str,
) {
    let spool = tempfile::tempdir().unwrap();
    let listener = format!("{{ address = \"127.0.0.1:0/tls\"{more} }}");
    let server = start(&listener, spool.path()).await;
    let answer = login(&server).await.say(command).await;
    assert!(answer.starts_with(expected), "{answer}");
}

#[tokio::test]
async fn a_domain_that_cannot_be_looked_up_is_refused_for_now() {
    let spool = tempfile::tempdir().unwrap();
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let broken = socket.local_addr().unwrap();
    let questions = Arc::new(AtomicUsize::new(0));
    let asked = questions.clone();
    tokio::spawn(async move {
        let mut octets = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut octets).await {
            asked.fetch_add(1, Ordering::SeqCst);
            // SERVFAIL (RFC 1035, section 4.1.1)
            octets[2..4].copy_from_slice(&[0x81, 0x82]);
            let _ = socket.send_to(&octets[..length], peer).await;
        }
    });
    let server = knowing(broken, spool.path()).await;
    let mut client = login(&server).await;
    let answer = client.say("MAIL FROM:<a@b.example>").await;
    assert!(answer.starts_with("451 4.4.3"), "{answer}");
    for taken in ["MAIL FROM:<>", "RCPT TO:<a@[127.0.0.1]>"] {
        let answer = client.say(taken).await;
        assert!(answer.starts_with("250"), "{taken}: {answer}");
    }
    let answer = client.say("RCPT TO:<a@b.example>").await;
    assert!(answer.starts_with("451 4.4.3"), "{answer}");
    let before = questions.load(Ordering::SeqCst);
    let answer = client.say("RCPT TO:<c@B.example>").await;
    assert!(answer.starts_with("451 4.4.3"), "{answer}");
    let answer = client.say("RCPT TO:<a@Routed.example>").await;
    assert!(answer.starts_with("250"), "{answer}");
    assert_eq!(questions.load(Ordering::SeqCst), before);
}

/// A server that asks this name server about domains, and has a route for one.
async fn knowing(resolver: SocketAddr, spool: &Path) -> Server {
    let mut config = Config::modern("msa.example.org", spool);
    config.listeners = vec!["127.0.0.1:0/tls".parse().unwrap()];
    config.listeners[0].refuse = Refusals::named(&["unknown-domain"]).unwrap();
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.delivery.resolver = vec![resolver];
    let routes = &mut config.delivery.routes;
    routes.insert("routed.example".to_owned(), "127.0.0.1:9".to_owned());
    Server::start(config).await.unwrap()
}

/// A client whose last command waits for the DNS, which is silent until it is told to say no.
async fn waiting(spool: &Path) -> (Server, TlsClient, Arc<Notify>) {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let silent = socket.local_addr().unwrap();
    let speak = Arc::new(Notify::new());
    let told = speak.clone();
    tokio::spawn(async move {
        told.notified().await;
        let mut octets = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut octets).await {
            // NXDOMAIN
            octets[2..4].copy_from_slice(&[0x81, 0x83]);
            let _ = socket.send_to(&octets[..length], peer).await;
        }
    });
    let server = knowing(silent, spool).await;
    let mut client = login(&server).await;
    let commands = b"MAIL FROM:<>\r\nRCPT TO:<a@[127.0.0.1]>\r\nRCPT TO:<a@b.example>";
    assert!(client.say_octets(commands).await.starts_with("250 2.1.0"));
    assert!(client.reply().await.unwrap().starts_with("250 2.1.5"));
    (server, client, speak)
}

#[tokio::test]
async fn no_reply_waits_for_the_dns_but_its_own() {
    let spool = tempfile::tempdir().unwrap();
    let (_server, mut client, speak) = waiting(spool.path()).await;
    speak.notify_one();
    let answer = client.reply().await.unwrap();
    assert!(answer.starts_with("550 5.1.2"), "{answer}");
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_the_dns() {
    let spool = tempfile::tempdir().unwrap();
    let (server, mut client, _silent) = waiting(spool.path()).await;
    let (answer, ()) = tokio::join!(client.reply(), server.shutdown());
    let answer = answer.unwrap();
    assert!(answer.starts_with("421 4.3.2"), "{answer}");
}

/// Submits a message as alice and returns it as it lies in the spool.
async fn submitted(listener: &str, recipient: &str, content: &str) -> Message {
    let spool = tempfile::tempdir().unwrap();
    let answer = answered(listener, spool.path(), recipient, content).await;
    assert!(answer.starts_with("250"), "{answer}");
    let id = answer.split(' ').nth(2).unwrap();
    Queue::open(spool.path()).unwrap().read(id).unwrap()
}

/// Submits a message as alice and returns the answer to it.
async fn answered(listener: &str, spool: &Path, recipient: &str, content: &str) -> String {
    let server = start(listener, spool).await;
    let mut client = login(&server).await;
    client.say("MAIL FROM:<alice@example.org>").await;
    client.say(&format!("RCPT TO:<{recipient}>")).await;
    client.say("DATA").await;
    client.say(&format!("{content}\r\n.")).await
}

/// RFC 6409, section 6.3: the content is at fault.
#[rstest]
#[case("From: broken <user@@example", "From: not a list of addresses")]
#[case("From:", "From: an address is missing")]
#[case("To: colleague", "To: a domain is missing or not fully qualified")]
#[case("Subject: x\r\nSubject: y", "Subject: more than once")]
#[case(
    "From: a@b.example, c@b.example",
    "Several authors and no Sender field"
)]
#[case("Subject: caf\u{e9}", "Subject: octets above 127, which need SMTPUTF8")]
#[case("Bad Name: x\r\nSubject: x", "Subject: behind a line that is no field")]
#[case(": x\r\nBcc: x@y.example", "Bcc: behind a line that is no field")]
#[tokio::test]
async fn what_does_not_conform_is_refused_by_name(#[case] content: &str, #[case] reason: &str) {
    let spool = tempfile::tempdir().unwrap();
    let listener = "\"127.0.0.1:0/tls\"";
    let answer = answered(listener, spool.path(), "bob@example.org", content).await;
    assert_eq!(answer, format!("554 5.6.0 {reason}"));
}

/// Lines without a field are the body of a message that has no header section yet.
#[tokio::test]
async fn what_is_no_header_section_is_a_body() {
    let content = "this line is neither a header field nor blank\r\nFrom";
    let message = submitted("\"127.0.0.1:0/tls\"", "bob@example.org", content).await;
    let text = String::from_utf8(message.content).unwrap();
    assert!(text.contains("\r\nFrom: <alice@example.org>\r\n"), "{text}");
    assert!(text.ends_with(&format!("\r\n\r\n{content}\r\n")), "{text}");
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused() {
    let spool = tempfile::tempdir().unwrap();
    let (listener, content) = ("\"127.0.0.1:0/tls\"", "a".repeat(999));
    let answer = answered(listener, spool.path(), "bob@example.org", &content).await;
    assert_eq!(answer, "554 5.6.0 A line of more than 998 octets");
}

#[tokio::test]
async fn unqualified_addresses_are_completed_in_the_fields_too() {
    let listener = "{ address = \"127.0.0.1:0/tls\", refuse = [\"nonconforming\"] }";
    let content = "From: alice\r\nTo: bob@sales\r\n\r\nText.";
    let message = submitted(listener, "bob@sales", content).await;
    let text = String::from_utf8(message.content).unwrap();
    let completed = "From: alice@example.org\r\nTo: bob@sales.example.org\r\n\r\nText.\r\n";
    assert!(text.ends_with(completed), "{text}");
}

#[tokio::test]
async fn an_unqualified_recipient_is_completed_where_it_is_taken() {
    let listener = "{ address = \"127.0.0.1:0/tls\", refuse = [\"malformed\"] }";
    let message = submitted(listener, "bob@sales", "").await;
    assert_eq!(message.entry.recipients[0].address, "bob@sales.example.org");
}

#[tokio::test]
async fn messages_are_repaired_by_the_listener() {
    let content = "From: Bob <bob@example.org>\r\nBcc: x@y.example\r\n\r\nT\u{e9}xt.";
    let fix =
        |words: &str| format!("{{ address = \"127.0.0.1:0/tls\", refuse = [], fix = [{words}] }}");
    let all = fix("\"sender\", \"bcc\", \"transfer-encoding\"");
    let message = submitted(&all, "bob@example.org", content).await;
    assert!(message.entry.options.transfer_encoding);
    let text = String::from_utf8(message.content).unwrap();
    assert!(
        text.contains("\r\nSender: <alice@example.org>\r\n"),
        "{text}"
    );
    assert!(!text.contains("Bcc:") && !text.contains("Date:"), "{text}");
    let message = submitted(&fix(""), "bob@example.org", content).await;
    assert!(!message.entry.options.transfer_encoding);
    let text = String::from_utf8(message.content).unwrap();
    assert!(text.ends_with(&format!("\r\n{content}\r\n")), "{text}");
    assert!(
        !text.contains("Date:") && !text.contains("Message-ID:"),
        "{text}"
    );
}

#[tokio::test]
async fn a_login_name_is_hidden_where_the_listener_rewrites() {
    let content = "From: Alice <alice@example.org>\r\nTo: alice@example.org\r\n\r\nText.";
    let fix = |words: &str| {
        format!(
            "{{ address = \"127.0.0.1:0/tls\", refuse = [\"foreign-sender\"], fix = [{words}] }}"
        )
    };
    let message = submitted(&fix("\"rewrite\""), "alice@example.org", content).await;
    assert_eq!(message.entry.sender, "A.Liddell@example.org");
    assert_eq!(message.entry.recipients[0].address, "alice@example.org");
    let text = String::from_utf8(message.content).unwrap();
    let rewritten = content.replacen("alice@", "A.Liddell@", 1);
    assert!(text.ends_with(&format!("\r\n{rewritten}\r\n")), "{text}");
    let message = submitted(&fix(""), "bob@example.org", content).await;
    assert_eq!(message.entry.sender, "alice@example.org");
    let text = String::from_utf8(message.content).unwrap();
    assert!(text.ends_with(&format!("\r\n{content}\r\n")), "{text}");
}

/// What is not offered, by the code that the RFC has for it (RFC 5321, section 4.2.4).
#[rstest]
#[case("EXPN list", "502 5.5.1")]
#[case("ETRN example.org", "502 5.5.1")]
#[case("ATRN example.org", "502 5.5.1")]
#[case("TURN", "502 5.5.1")]
#[case("BDAT 5 LAST", "502 5.5.1")]
#[case("BURL imap://example.org LAST", "500 5.5.1")]
#[case("XCLIENT NAME=x", "500 5.5.1")]
#[case("AUTH KERBEROS_V4", "503 5.5.1")]
#[case("MAIL FROM:<a@b.example> BODY=BINARYMIME", "555 5.5.4")]
#[case("MAIL FROM:<a@b.example> SMTPUTF8", "555 5.5.4")]
#[case("STARTTLS", "503 5.5.1")]
#[case("VRFY alice", "252 2.5.0")]
#[case("HELP", "214 2.0.0")]
#[tokio::test]
async fn what_is_not_offered_has_its_code(#[case] command: &str, #[case] expected: &str) {
    let spool = tempfile::tempdir().unwrap();
    let server = start("\"127.0.0.1:0/tls\"", spool.path()).await;
    let answer = login(&server).await.say(command).await;
    assert!(answer.starts_with(expected), "{answer}");
}

#[tokio::test]
async fn after_helo_there_are_no_parameters() {
    let spool = tempfile::tempdir().unwrap();
    let server = start("\"127.0.0.1:0/tls\"", spool.path()).await;
    let mut client = login(&server).await;
    client.say("HELO client.example").await;
    let answer = client.say("MAIL FROM:<a@b.example> SIZE=1").await;
    assert!(answer.starts_with("555 5.5.4"), "{answer}");
}
