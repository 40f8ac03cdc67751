//! The server inside another program: started by one call, asked for its mail, ended by its drop.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::error::Error as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use msaspec_server::{Builder, Mechanism, Server};
use rstest::rstest;

mod client;

#[tokio::test]
async fn what_was_accepted_is_told() {
    let server = alice().clear_text_login().start().await.unwrap();
    assert_eq!(server.messages().count(), 0);
    let id = client::submit(&server, &["bob@example.net", "carol@example.net"]).await;
    let message = server.messages().nth(1).await.unwrap();
    assert_eq!(message.id, id);
    assert_eq!(message.sender, "alice@example.org");
    assert_eq!(message.recipients, ["bob@example.net", "carol@example.net"]);
    assert_eq!(message.user.as_deref(), Some("alice"));
    assert_eq!(message.listener, "submission/inet");
    assert!(!message.tls);
    assert!(message.text().starts_with("Received: "));
    assert!(message.text().ends_with("\r\n\r\n.stuffed\r\n"));
    let to_carol = server.messages().to("carol@EXAMPLE.net").await.unwrap();
    assert_eq!(to_carol.id, id);
}

#[tokio::test]
async fn a_server_that_is_not_built_for_it_keeps_nothing() {
    let server = alice()
        .clear_text_login()
        .configure(|config| config.keep_messages = 0)
        .start()
        .await
        .unwrap();
    client::submit(&server, &["bob@example.net"]).await;
    assert!(server.messages().all().is_empty());
}

#[tokio::test]
async fn both_services_have_an_address() {
    let server = alice().start().await.unwrap();
    assert_ne!(server.submission().unwrap(), server.submissions().unwrap());
    let server = alice().listen("127.0.0.1:0/tls").start().await.unwrap();
    assert_eq!(server.submission(), None);
    assert!(server.submissions().is_some());
}

#[test]
fn the_drop_closes_the_ports() {
    let server = alice().start_blocking().unwrap();
    let address = server.submission().unwrap();
    TcpStream::connect(address).unwrap();
    drop(server);
    TcpStream::connect(address).unwrap_err();
}

#[tokio::test]
async fn who_fails_to_log_in_does_not_wait() {
    let server = alice().clear_text_login().start().await.unwrap();
    let begun = Instant::now();
    for _ in 0..2 {
        client::fail_to_log_in(&server, 4).await;
    }
    // With the usual limits the eighth answer alone is held back for sixteen seconds.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    let server = alice()
        .clear_text_login()
        .configure(|config| config.limits.failed_logins_per_address = 3)
        .start()
        .await
        .unwrap();
    assert!(client::fail_to_log_in(&server, 4).await.starts_with("454 "));
}

#[tokio::test]
async fn who_waits_is_told_of_the_end() {
    for shut_down in [true, false] {
        let server = alice().start();
        let server = server.await.unwrap();
        let messages = server.messages().patient(Duration::MAX);
        let waiting = tokio::spawn(async move { messages.to("bob@example.net").await });
        tokio::task::yield_now().await;
        match shut_down {
            true => server.shutdown().await,
            false => drop(server),
        }
        let told = tokio::time::timeout(Duration::from_secs(20), waiting);
        assert_eq!(
            told.await.unwrap().unwrap().unwrap_err().to_string(),
            "a message to bob@example.net had not come when the server ended; no message has"
        );
    }
}

#[rstest]
#[case::no_account(Server::builder(), "users: none, and every listener demands a login")]
#[case::no_mechanism(alice().mechanisms([]), "mechanisms: none, and every listener")]
#[case::no_name(Server::builder().user("", "secret"), "users: ")]
#[case::no_secret(Server::builder().user("alice", ""), "users: alice")]
#[case::no_domain(alice().hostname("no domain"), "hostname: \"no domain\" is not a domain")]
#[case::no_address(alice().listen("localhost"), "\"localhost\" is not ADDR:PORT")]
#[case::no_modifier(alice().listen("127.0.0.1:0,M=q"), "listener: unknown modifier 'q'")]
#[case::an_address_of_others(alice().listen("192.0.2.1:0"), "listener 192.0.2.1:0: ")]
#[case::twice_a_port(
    alice().listen("127.0.0.1:5870").listen("127.0.0.1:5870,M=Oa"),
    "listeners: 127.0.0.1:5870 is listed twice"
)]
#[case::no_next_hop(alice().next_hop("hop.example"), "next_hop: not HOST:PORT")]
#[case::no_connections(alice().configure(|config| config.limits.connections = 0), "limits.connections: at least 1")]
#[case::no_size(alice().configure(|config| config.size_limit = 0), "size_limit: at least 1")]
#[case::no_folder(alice().spool(""), "spool: not a path")]
#[case::a_file(alice().spool("Cargo.toml"), "spool: Cargo.toml: is no folder")]
#[case::no_key(alice().certificate("nowhere.pem", "nowhere.key"), "nowhere.pem")]
#[case::no_tokens(alice().mechanisms([Mechanism::OAuthBearer]), "OAUTHBEARER needs tokens")]
#[tokio::test]
async fn nonsense_is_an_error_of_the_start(#[case] builder: Builder, #[case] fault: &str) {
    let error = builder.start().await.unwrap_err();
    assert!(error.to_string().contains(fault), "{error}");
    // What is told is told once, however the error is printed.
    assert!(error.source().is_none(), "{error:?}");
}

#[tokio::test]
async fn without_accounts_there_has_to_be_another_way_in() {
    let open = Server::builder().listen("127.0.0.1:0,M=").start().await;
    assert_eq!(open.unwrap().listeners().len(), 1);
}

fn alice() -> Builder {
    Server::builder().user("alice", "secret")
}

#[tokio::test(start_paused = true)]
async fn where_the_clock_is_paused_deadlines_pass() {
    let server = alice().start().await.unwrap();
    let stream = tokio::net::TcpStream::connect(server.submission().unwrap());
    let mut stream = tokio::io::BufReader::new(stream.await.unwrap());
    assert!(client::reply(&mut stream).await.starts_with("220 "));
    assert!(client::reply(&mut stream).await.starts_with("421 4.4.2 "));
    server.messages().nth(1).await.unwrap_err();
}

#[test]
fn a_server_is_shown_by_its_listeners() {
    let server = alice().start_blocking().unwrap();
    let shown = format!("{server:?}");
    let listener = format!("submission/inet {}", server.submission().unwrap());
    assert!(shown.contains(&listener), "{shown}");
    assert!(shown.len() < 500 && !shown.contains("secret"), "{shown}");
}
