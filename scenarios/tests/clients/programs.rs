//! Mail programs: each by every mechanism that it can be told to use, over both families and to both ports.

use std::sync::Arc;

use libtest_mimic::{Completion, Trial};
use msaspec_harness::promises::Family;

use super::{
    server::{CA, OTHER_CA, Server},
    submission::{Submission, Way},
};
use crate::stage::{Told, trial};

/// A program by its script in the clients' image, and what it can do.
struct Program {
    script: &'static str,
    mechanisms: &'static [&'static str],
    ports: &'static [u16],
}

const BOTH: &[u16] = &[587, 465];

const PROGRAMS: &[Program] = &[
    Program {
        script: "curl",
        mechanisms: &["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"],
        ports: BOTH,
    },
    // It has no implicit TLS.
    Program {
        script: "gsasl",
        mechanisms: &[
            "SCRAM-SHA-256-PLUS",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1-PLUS",
            "SCRAM-SHA-1",
        ],
        ports: &[587],
    },
    Program {
        script: "msmtp",
        mechanisms: &["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"],
        ports: BOTH,
    },
    Program {
        script: "mutt",
        mechanisms: &["SCRAM-SHA-256", "PLAIN"],
        ports: BOTH,
    },
    Program {
        script: "net-smtp",
        mechanisms: &["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"],
        ports: BOTH,
    },
    Program {
        script: "openssl",
        mechanisms: &["PLAIN", "LOGIN"],
        ports: BOTH,
    },
    Program {
        script: "s-nail",
        mechanisms: &["PLAIN", "LOGIN", "CRAM-MD5"],
        ports: BOTH,
    },
    Program {
        script: "smtplib",
        mechanisms: &["PLAIN", "LOGIN", "CRAM-MD5"],
        ports: BOTH,
    },
    Program {
        script: "swaks",
        mechanisms: &["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"],
        ports: BOTH,
    },
];

/// The trials of all programs.
pub(crate) fn trials(server: &Arc<Server>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for program in PROGRAMS {
        let script = program.script;
        for mechanism in program.mechanisms {
            for family in [Family::Inet, Family::Inet6] {
                for &port in program.ports {
                    let way = Way {
                        mechanism,
                        family: Some(family),
                        port,
                        ca: CA,
                    };
                    let server = server.clone();
                    trials.push(trial(
                        format!("{script}::{mechanism}::{}::{port}", family.ip()),
                        move || submits(&server, script, family, way),
                    ));
                }
            }
        }
        for &port in program.ports {
            let way = Way {
                mechanism: program.mechanisms[0],
                family: Some(Family::Inet),
                port,
                ca: OTHER_CA,
            };
            let server = server.clone();
            let name = format!("{script}::unknown-authority::{port}");
            trials.push(trial(name, move || refuses(&server, script, way)));
        }
    }
    trials
}

fn submits(server: &Server, script: &str, family: Family, way: Way) -> Told {
    server.with_client(family, |running, client| {
        let submission = Submission::new(running)?;
        let output = submission.hand_to(client, script, way)?;
        match submission.arrives(way) {
            Ok(()) if output.status == 0 => Ok(Completion::Completed),
            Ok(()) => Err(format!("status {} although it has arrived", output.status).into()),
            Err(failed) => Err(format!("{failed:?}; {script} said: {output:#?}").into()),
        }
    })
}

/// The client says that it is about the certificate, and does not submit.
fn refuses(server: &Server, script: &str, way: Way) -> Told {
    server.with_client(Family::Inet, |running, client| {
        let submission = Submission::new(running)?;
        let output = submission.hand_to(client, script, way)?;
        let said = format!("{}{}", output.stdout, output.stderr).to_lowercase();
        if output.status == 0 || !said.contains("certificate") {
            return Err(format!("not refused because of the certificate: {output:#?}").into());
        }
        submission.is_not_there()?;
        Ok(Completion::Completed)
    })
}
