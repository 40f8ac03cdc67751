//! The server inside another program: started by one call, asked for its mail, ended by its drop.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::net::TcpStream;

use msaspec_server::{Mechanism, Server, StartError};

mod client;

#[tokio::test]
async fn what_was_accepted_is_told() {
    let server = Server::builder()
        .user("alice", "secret")
        .clear_text_login()
        .start()
        .await
        .unwrap();
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
    let server = Server::builder()
        .user("alice", "secret")
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
    let server = Server::builder().start().await.unwrap();
    assert_ne!(server.submission().unwrap(), server.submissions().unwrap());
    let server = Server::builder()
        .listen("127.0.0.1:0/tls")
        .start()
        .await
        .unwrap();
    assert_eq!(server.submission(), None);
    assert!(server.submissions().is_some());
}

#[tokio::test]
async fn what_cannot_work_is_an_error_of_the_start() {
    let error = Server::builder().listen("localhost").start().await;
    assert!(matches!(error, Err(StartError::Listener(_))));
    let error = Server::builder()
        .mechanisms([Mechanism::OAuthBearer])
        .start()
        .await;
    assert!(matches!(error, Err(StartError::Config(_))));
}

#[test]
fn the_drop_closes_the_ports() {
    let server = Server::builder().start_blocking().unwrap();
    let address = server.submission().unwrap();
    TcpStream::connect(address).unwrap();
    drop(server);
    TcpStream::connect(address).unwrap_err();
}
