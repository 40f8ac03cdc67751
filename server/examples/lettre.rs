//! A small application that submits its mail with lettre, and its test: `cargo test --example lettre`.

use std::error::Error;

use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};

/// The application: one greeting, sent by STARTTLS with a login.
fn greet(host: &str, port: u16, ca: &str, to: &str) -> Result<(), Box<dyn Error>> {
    let tls = TlsParameters::builder(host.to_owned())
        .add_root_certificate(Certificate::from_pem(ca.as_bytes())?)
        .build()?;
    let transport = SmtpTransport::relay(host)?
        .port(port)
        .tls(Tls::Required(tls))
        .credentials(("alice", "secret").into())
        .build();
    let message = Message::builder()
        .from("alice@example.org".parse()?)
        .to(to.parse()?)
        .subject("Hello");
    transport.send(&message.body("Good morning.\n".to_owned())?)?;
    Ok(())
}

#[test]
fn the_greeting_arrives() -> Result<(), Box<dyn Error>> {
    let server = msaspec_server::Server::builder()
        .user("alice", "secret")
        .start_blocking()?;
    let port = server.submission().ok_or("no port")?.port();
    greet("localhost", port, server.ca_pem(), "bob@example.net")?;
    let mail = server.messages().to("bob@example.net")?;
    assert_eq!(mail.sender, "alice@example.org");
    assert!(mail.tls && mail.text().contains("Subject: Hello\r\n"));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let ca = std::fs::read_to_string("ca.pem")?;
    greet("localhost", 587, &ca, "bob@example.net")
}
