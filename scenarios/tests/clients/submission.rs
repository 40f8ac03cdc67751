//! One message: handed to a client, and looked at where it arrives.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use msaspec_harness::{
    message::{Received, token},
    promises::Family,
    target::container::{Client, Output, Running},
};

use super::server::host;

/// How a client is told to submit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// The mechanism's name.
    pub(crate) mechanism: &'static str,
    /// Over which family, where that is settled.
    pub(crate) family: Option<Family>,
    /// 465 begins with TLS.
    pub(crate) port: u16,
    /// The authority's certificate in the client's container.
    pub(crate) ca: &'static str,
}

/// A message that can be told from every other.
pub(crate) struct Submission<'r> {
    running: &'r Running,
    token: String,
}

impl<'r> Submission<'r> {
    /// A message that nobody has yet.
    pub(crate) fn new(running: &'r Running) -> Result<Self, Failed> {
        let token = token()?;
        Ok(Submission { running, token })
    }

    /// Gives the message to the script of a client, and waits until the script ends.
    pub(crate) fn hand_to(
        &self,
        client: &Client,
        script: &str,
        way: Way,
    ) -> Result<Output, Failed> {
        let target = &self.running.target;
        let account = target.account.as_ref().ok_or("no account")?;
        let sender = &target.envelope.sender;
        let recipient = format!("{}@sink.example", self.token);
        let told = [
            format!("HOST={}", host(target)?),
            format!("PORT={}", way.port),
            format!("CA={}", way.ca),
            format!("MECHANISM={}", way.mechanism),
            format!("LOGIN={}", account.user),
            format!("PASSWORD={}", account.password),
            format!("SENDER={sender}"),
            format!("RECIPIENT={recipient}"),
            format!(
                "MESSAGE=From: <{sender}>\nTo: <{recipient}>\nSubject: {}\n\n{BODY}",
                self.token
            ),
        ];
        let script = format!("/usr/local/lib/msaspec/{script}");
        let mut command = vec!["env"];
        command.extend(told.iter().map(String::as_str));
        command.extend([
            "sh",
            "-c",
            "printf %s \"$MESSAGE\" | timeout 60 \"$0\"",
            &script,
        ]);
        Ok(client.exec(&command)?)
    }

    /// The message has come through our server unharmed, by this way.
    pub(crate) fn arrives(&self, way: Way) -> Result<(), Failed> {
        let target = &self.running.target;
        let hop = target.next_hop.as_ref().ok_or("no next hop")?;
        let delivered = hop
            .wait(&self.token, target.treatment.delivery_deadline, &|| false)
            .ok_or("the message does not arrive")?;
        let body = String::from_utf8_lossy(delivered.body());
        if body != BODY.replace('\n', "\r\n") {
            return Err(format!("another body: {body:?}").into());
        }
        let received = delivered.all("Received");
        let top = received.first().ok_or("no Received field")?;
        let clauses = Received::parse(top);
        let from = match top.contains("([IPv6:") {
            true => Family::Inet6,
            false => Family::Inet,
        };
        let other_family = way.family.is_some_and(|family| family != from);
        if clauses.with.as_deref() != Some("ESMTPSA") || other_family {
            return Err(format!("not received that way: {top}").into());
        }
        let id = clauses.id.ok_or("no id in the Received field")?;
        let mechanism = self.mechanism(&id)?;
        if mechanism != way.mechanism {
            return Err(format!("logged in by {mechanism}").into());
        }
        Ok(())
    }

    /// The message has not arrived.
    pub(crate) fn is_not_there(&self) -> Result<(), Failed> {
        let hop = self.running.target.next_hop.as_ref().ok_or("no next hop")?;
        match hop.messages(&self.token).len() {
            0 => Ok(()),
            _ => Err("the message has arrived".into()),
        }
    }

    /// By which mechanism the client of this message has logged in, as the server's log says: the same
    /// peer once logged in and once had a message with this id queued.
    fn mechanism(&self, id: &str) -> Result<String, Failed> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.running.logs()?;
            let queued = log
                .lines()
                .find(|line| line.contains(id) && field(line, "user").is_some());
            let peer = queued.and_then(|line| field(line, "peer"));
            let login = |line: &&str| line.contains("authenticated") && field(line, "peer") == peer;
            let login = log.lines().rfind(login).filter(|_| peer.is_some());
            if let Some(mechanism) = login.and_then(|line| field(line, "mechanism")) {
                return Ok(mechanism.to_owned());
            }
            // The engine may be a moment behind with the log.
            if Instant::now() > deadline {
                return Err(format!("no login of the client of {id} in the log:\n{log}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The value of `name=` in a line of the log.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let mut words = line.split_whitespace();
    let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim_matches('"'))
}

const BODY: &str = "A line.\n.A line that begins with a dot.\n\nThe last line.\n";
