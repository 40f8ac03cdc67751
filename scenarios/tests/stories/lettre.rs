//! lettre, as Rust programs submit mail.

use lettre::{
    Address, SmtpTransport, Transport,
    address::Envelope,
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{Certificate, Tls, TlsParameters},
    },
};
use libtest_mimic::{Completion, Failed};
use msaspec_harness::{
    message::{Message, token},
    target::container::Running,
};

use crate::stage::Told;

/// A story.
pub(crate) type Story = fn(&Running) -> Told;

/// Whether a story needs implicit TLS.
pub(crate) fn wraps(name: &str) -> bool {
    name.starts_with("wrapper")
}

/// STARTTLS and wrapper TLS, PLAIN and LOGIN; an unknown authority and a wrong name.
pub(crate) const STORIES: &[(&str, Story)] = &[
    ("starttls-PLAIN", |running| {
        submits(running, 587, Mechanism::Plain)
    }),
    ("starttls-LOGIN", |running| {
        submits(running, 587, Mechanism::Login)
    }),
    ("wrapper-PLAIN", |running| {
        submits(running, 465, Mechanism::Plain)
    }),
    ("wrapper-LOGIN", |running| {
        submits(running, 465, Mechanism::Login)
    }),
    ("unknown-authority", |running| refuses(running, false, None)),
    ("wrong-name", |running| {
        refuses(running, true, Some("other.example"))
    }),
];

fn submits(running: &Running, port: u16, mechanism: Mechanism) -> Told {
    let target = &running.target;
    let host = target.host.clone().ok_or("the target has no name")?;
    let transport = transport(running, port, &host, true)?
        .authentication(vec![mechanism])
        .build();
    let token = send(running, &transport).map_err(|e| format!("{e}: {e:?}"))?;
    let hop = target.next_hop.as_ref().ok_or("no next hop")?;
    match hop.wait(&token, target.treatment.delivery_deadline, &|| false) {
        Some(_) => Ok(Completion::Completed),
        None => Err("the message does not arrive".into()),
    }
}

fn refuses(running: &Running, trusted: bool, other_name: Option<&str>) -> Told {
    let host = running
        .target
        .host
        .clone()
        .ok_or("the target has no name")?;
    let transport = transport(running, 587, other_name.unwrap_or(&host), trusted)?.build();
    match send(running, &transport) {
        Ok(_) => Err("lettre sends although the certificate is not to be believed".into()),
        Err(error) if format!("{error:?}").to_lowercase().contains("certificate") => {
            Ok(Completion::Completed)
        }
        Err(error) => Err(format!("refused, and not because of the certificate: {error:?}").into()),
    }
}

fn transport(
    running: &Running,
    port: u16,
    name: &str,
    trusted: bool,
) -> Result<lettre::transport::smtp::SmtpTransportBuilder, Failed> {
    let target = &running.target;
    let listener = target
        .listeners
        .iter()
        .find(|listener| listener.port == port)
        .ok_or("no such listener")?;
    let account = target.account.as_ref().ok_or("no account")?;
    let mut tls = TlsParameters::builder(name.to_owned());
    if trusted {
        tls = tls.add_root_certificate(Certificate::from_pem(running.ca_pem())?);
    }
    let tls = tls.build()?;
    let tls = if port == 465 {
        Tls::Wrapper(tls)
    } else {
        Tls::Required(tls)
    };
    Ok(
        SmtpTransport::builder_dangerous(listener.address.ip().to_string())
            .port(port)
            .tls(tls)
            .credentials(Credentials::new(
                account.user.clone(),
                account.password.clone(),
            )),
    )
}

fn send(
    running: &Running,
    transport: &SmtpTransport,
) -> Result<String, lettre::transport::smtp::Error> {
    let sender = &running.target.envelope.sender;
    let token = token().unwrap_or_default();
    let recipient = format!("{token}@sink.example");
    let address = |text: &str| text.parse::<Address>().ok();
    let envelope = Envelope::new(address(sender), address(&recipient).into_iter().collect());
    let message =
        Message::new("lettre", sender, &recipient, token.clone()).with_body("One line.\r\n");
    match envelope {
        Ok(envelope) => transport
            .send_raw(&envelope, message.as_bytes())
            .map(|_| token),
        // The addresses are ours; this cannot be.
        Err(error) => panic!("the envelope is not one: {error}"),
    }
}
