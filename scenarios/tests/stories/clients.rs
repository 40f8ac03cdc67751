//! Mail programs that people use submit a message by the name that users configure.

use libtest_mimic::Completion;
use msaspec_harness::{
    line::Line,
    message::{Received, token},
    reply::Reply,
    target::container::Running,
    transcript::{Answers, Transcript},
};

use crate::{Scene, stage::Told};

/// A client: from sender, recipient, user, password and token to a script for its container.
pub(crate) type Client = fn(&Letter<'_>) -> String;

/// What is sent, and by whom.
pub(crate) struct Letter<'l> {
    host: &'l str,
    sender: &'l str,
    recipient: &'l str,
    user: &'l str,
    password: &'l str,
    token: &'l str,
}

/// The clients of the origin's evening and its readers'.
pub(crate) const CLIENTS: &[(&str, Client)] = &[
    ("openssl-s_client", openssl),
    ("swaks-CRAM-MD5", |letter| swaks(letter, "CRAM-MD5")),
    ("swaks-DIGEST-MD5", |letter| swaks(letter, "DIGEST-MD5")),
    ("curl", curl),
    ("msmtp", msmtp),
];

/// The message arrives once, after a login, inside TLS.
pub(crate) fn submits(scene: &Scene, name: &str, client: Client, running: &Running) -> Told {
    let target = &running.target;
    let account = target.account.as_ref().ok_or("no account")?;
    let token = token().map_err(|e| e.to_string())?;
    let recipient = format!("{token}@sink.example");
    let letter = Letter {
        host: target.host.as_deref().ok_or("the target has no name")?,
        sender: &target.envelope.sender,
        recipient: &recipient,
        user: &account.user,
        password: &account.password,
        token: &token,
    };
    let said = scene.client(running, &client(&letter))?;
    let hop = target.next_hop.as_ref().ok_or("no next hop")?;
    let delivered = hop
        .wait(&token, target.treatment.delivery_deadline, &|| false)
        .ok_or_else(|| format!("the message of {name} does not arrive; it said: {said}"))?;
    let received = delivered.all("Received");
    let with = received.first().and_then(|top| Received::parse(top).with);
    if with.as_deref() != Some("ESMTPSA") {
        return Err(format!("not received with ESMTPSA: {received:?}").into());
    }
    if name == "openssl-s_client" {
        crate::snapshot(
            format!("typed-{}", scene.stage.name),
            dialogue(&said, &letter),
        );
    }
    Ok(Completion::Completed)
}

/// The dialogue as it was typed, lines that begin with R and Q among the body's.
fn openssl(letter: &Letter<'_>) -> String {
    let Letter {
        host,
        sender,
        recipient,
        token,
        ..
    } = letter;
    let (user, password) = (base64(letter.user), base64(letter.password));
    format!(
        "typed {host} 587 <<'END'
EHLO typed.client.example
AUTH LOGIN
{user}
{password}
MAIL FROM:<{sender}>
RCPT TO:<{recipient}>
DATA
From: <{sender}>
To: <{recipient}>
Subject: msaspec typed
Message-ID: <{token}@client.example>

RRenegotiation is not what this line is about.
QQuitting neither.
.
QUIT
END"
    )
}

fn swaks(letter: &Letter<'_>, mechanism: &str) -> String {
    let Letter {
        host,
        sender,
        recipient,
        user,
        password,
        token,
    } = letter;
    format!(
        "swaks --server {host} --port 587 --tls --tls-verify --tls-ca-path /msaspec/tls/ca.pem --auth {mechanism} \
         --auth-user {user} --auth-password {password} --from {sender} --to {recipient} --ehlo swaks.client.example \
         --header 'Subject: {token}' --body Hello --hide-all"
    )
}

fn curl(letter: &Letter<'_>) -> String {
    let Letter {
        host,
        sender,
        recipient,
        user,
        password,
        ..
    } = letter;
    format!(
        "{} | curl --silent --show-error --ssl-reqd --cacert /msaspec/tls/ca.pem \
         --url smtp://{host}:587/curl.client.example --user {user}:{password} --mail-from {sender} \
         --mail-rcpt {recipient} --upload-file -",
        message(letter)
    )
}

fn msmtp(letter: &Letter<'_>) -> String {
    let Letter {
        host,
        sender,
        recipient,
        user,
        password,
        ..
    } = letter;
    format!(
        "{} | msmtp --host={host} --port=587 --tls=on --tls-starttls=on --tls-trust-file=/msaspec/tls/ca.pem --auth=on \
         --user={user} --passwordeval='printf %s {password}' --domain=msmtp.client.example --from={sender} {recipient}",
        message(letter)
    )
}

fn message(letter: &Letter<'_>) -> String {
    let Letter {
        sender,
        recipient,
        token,
        ..
    } = letter;
    format!(
        "printf 'From: <%s>\\r\\nTo: <%s>\\r\\nSubject: %s\\r\\n\\r\\nHello\\r\\n' {sender} {recipient} {token}"
    )
}

fn base64(text: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(text)
}

/// What was typed and answered, as a transcript of the harness would show it.
fn dialogue(said: &str, letter: &Letter<'_>) -> String {
    let (user, password) = (base64(letter.user), base64(letter.password));
    let mut transcript = Transcript::default();
    let (mut reply, mut answers) = (Reply::default(), Answers::Other);
    for line in said.lines() {
        if let Some(command) = line.strip_prefix("C: ") {
            answers = if command.starts_with("EHLO") {
                Answers::Ehlo
            } else {
                Answers::Other
            };
            transcript.client(&match command {
                _ if command == user => Line::default().token(command, letter.user),
                _ if command == password => Line::default().token(command, "password"),
                _ => Line::new(
                    command
                        .replace(letter.recipient, "[recipient]")
                        .replace(letter.sender, "[sender]")
                        .replace(letter.token, "[token]"),
                ),
            });
        } else if reply.push(format!("{}\r\n", line.trim_start_matches("S: ")).as_bytes()) {
            transcript.server(&std::mem::take(&mut reply), answers);
        }
    }
    transcript.into_lines().join("\n")
}
