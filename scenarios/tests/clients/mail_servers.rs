//! Mail servers as clients: ours is the smart host to which they submit everything, by a login.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use libtest_mimic::{Completion, Failed, Trial};
use msaspec_harness::{
    promises::Family,
    target::container::{Client, Running},
};

use super::{
    server::{self, CA, OTHER_CA, Server, client_over},
    submission::{Submission, Way},
};
use crate::stage::{Told, trial};

/// A mail server: the helper with its image is `clients-NAME`, its script there has its name.
struct MailServer {
    name: &'static str,
    helper: &'static str,
    ports: &'static [u16],
    /// Why a message stays in the queue where the certificate is not to be believed.
    unknown_authority: &'static str,
}

const POSTFIX: MailServer = MailServer {
    name: "postfix",
    helper: "clients-postfix",
    ports: &[587, 465],
    unknown_authority: "server certificate not verified",
};

/// Debian's has no implicit TLS as a client. Its words are those of its ruleset tls_server; a login that
/// is refused has others.
const SENDMAIL: MailServer = MailServer {
    name: "sendmail",
    helper: "clients-sendmail",
    ports: &[587],
    unknown_authority: "454 4.7.0 authentication failed",
};

const MECHANISMS: [&str; 4] = ["SCRAM-SHA-256", "DIGEST-MD5", "CRAM-MD5", "PLAIN"];

/// The trials of all mail servers; `alone` is shut down in one of them.
pub(crate) fn trials(shared: &Arc<Server>, alone: &Arc<Server>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for its in [&POSTFIX, &SENDMAIL] {
        for (mechanism, family) in [Family::Inet, Family::Inet6]
            .into_iter()
            .flat_map(|family| MECHANISMS.map(|mechanism| (mechanism, family)))
        {
            for &port in its.ports {
                let way = Way {
                    mechanism,
                    family: Some(family),
                    port,
                    ca: CA,
                };
                let server = shared.clone();
                trials.push(trial(
                    format!("{}::{mechanism}::{}::{port}", its.name, family.ip()),
                    move || {
                        server
                            .stage
                            .shared(|running| submits(running, its, family, way))
                    },
                ));
            }
        }
        let server = shared.clone();
        trials.push(trial(
            format!("{}::unknown-authority", its.name),
            move || server.stage.shared(|running| keeps(running, its)),
        ));
    }
    let server = alone.clone();
    trials.push(trial(
        "mail-servers::shut-down-meanwhile".to_owned(),
        move || server.stage.shared(waits_for_the_server),
    ));
    trials
}

fn submits(running: &Running, its: &MailServer, family: Family, way: Way) -> Told {
    let client = client_over(family, its.helper, running)?;
    let submission = Submission::new(running)?;
    accepted(&submission, &client, its, way)?;
    match submission.arrives(way) {
        Ok(()) => Ok(Completion::Completed),
        Err(failed) => Err(format!("{failed:?}; {}", log(&client)).into()),
    }
}

/// The message stays where it is: nothing goes to a server that is not to be believed.
fn keeps(running: &Running, its: &MailServer) -> Told {
    let way = Way {
        ca: OTHER_CA,
        ..USUAL
    };
    let client = client_over(Family::Inet, its.helper, running)?;
    let submission = Submission::new(running)?;
    accepted(&submission, &client, its, way)?;
    queued(&client, its.unknown_authority)?;
    submission.is_not_there()?;
    Ok(Completion::Completed)
}

/// While the server is down the message stays in the queue, and it goes out when the server is back.
fn waits_for_the_server(running: &Running) -> Told {
    let clients = [&POSTFIX, &SENDMAIL].map(|its| Ok((its, server::client(its.helper, running)?)));
    let clients = clients.into_iter().collect::<Result<Vec<_>, Failed>>()?;
    running.stop_server()?;
    let mut waiting = Vec::new();
    for (its, client) in &clients {
        let submission = Submission::new(running)?;
        accepted(&submission, client, its, USUAL)?;
        waiting.push((client, submission));
    }
    for (client, submission) in &waiting {
        queued(
            client,
            "no route to host\\|connection refused\\|timed out\\|unreachable",
        )?;
        submission.is_not_there()?;
    }
    running.start_server()?;
    // Every start makes an authority of its own.
    let ca = new_ca(running)?;
    for (client, submission) in &waiting {
        client.put([(CA, ca.as_slice())])?;
        done(client, &["/usr/local/lib/msaspec/reload"])?;
        submission
            .arrives(USUAL)
            .map_err(|failed| format!("{failed:?}; {}", log(client)))?;
    }
    Ok(Completion::Completed)
}

const USUAL: Way = Way {
    mechanism: "SCRAM-SHA-256",
    family: None,
    port: 587,
    ca: CA,
};

fn accepted(
    submission: &Submission<'_>,
    client: &Client,
    its: &MailServer,
    way: Way,
) -> Result<(), Failed> {
    let output = submission.hand_to(client, its.name, way)?;
    match output.status {
        0 => Ok(()),
        _ => Err(format!("{output:#?}; {}", log(client)).into()),
    }
}

fn queued(client: &Client, words: &str) -> Result<(), Failed> {
    done(client, &["/usr/local/lib/msaspec/queued", words])
}

fn done(client: &Client, command: &[&str]) -> Result<(), Failed> {
    let output = client.exec(command)?;
    match output.status {
        0 => Ok(()),
        _ => Err(format!("{output:#?}; {}", log(client)).into()),
    }
}

fn log(client: &Client) -> String {
    client.logs().unwrap_or_else(|error| error.to_string())
}

fn new_ca(running: &Running) -> Result<Vec<u8>, Failed> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let ca = running.server().file(CA).unwrap_or_default();
        if ca.ends_with(b"-----END CERTIFICATE-----\n") && ca != running.ca_pem() {
            return Ok(ca);
        }
        if Instant::now() > deadline {
            return Err(format!("no new certificate; the log: {}", running.logs()?).into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
