//! The verbs of mail whose way is followed: a next hop that misbehaves, what it heard, and reports.

use super::Session;
use crate::{
    error::Error,
    line::Line,
    message::{Delivered, Message, token},
    next_hop::{Action, Heard, NextHop, Rule, Stage},
    notification::Notification,
    target::Recipient,
    verdict::{Halt, Outcome, Weight},
};

/// What a message that nobody looks into says.
const BODY: &str = "One line.\r\n";

impl Session<'_> {
    /// A new message whose sender is reached by way of the next hop too: reports about it are seen.
    ///
    /// # Errors
    /// [`Halt::Skip`] where no next hop of ours takes mail for any address.
    pub fn returnable(&self) -> Outcome<Message> {
        self.hop()?;
        let Recipient::AnyAt(domain) = &self.target.envelope.recipient else {
            return Err(Halt::Skip("no domain leads to the next hop".to_owned()));
        };
        let (to, from) = (token()?, token()?);
        let (recipient, sender) = (format!("{to}@{domain}"), format!("from-{from}@{domain}"));
        Ok(Message::new(self.case.id, &sender, &recipient, to))
    }

    /// A new message as [`Session::returnable`], whose recipient the next hop refuses for good.
    ///
    /// # Errors
    /// As [`Session::returnable`].
    pub fn to_be_refused(&self) -> Outcome<Message> {
        let mail = self.returnable()?;
        let refusal = Action::reply("550 5.1.1 Unknown here");
        self.next_hop(
            Rule::at(Stage::Recipient)
                .about(&mail.recipient)
                .always(refusal),
        )?;
        Ok(mail)
    }

    /// Submits a message whose recipient the next hop refuses for good.
    ///
    /// # Errors
    /// As [`Session::post`].
    pub fn refused(&mut self) -> Outcome<Message> {
        let mail = self.to_be_refused()?;
        self.post(&mail)?;
        Ok(mail)
    }

    /// Another recipient of a message, with a name of its own.
    pub fn recipient(&self, mail: &Message, name: &str) -> String {
        let (user, domain) = mail.recipient.split_once('@').unwrap_or_default();
        format!("{user}-{name}@{domain}")
    }

    /// The next hop does otherwise than usual.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is none of ours.
    pub fn next_hop(&self, rule: Rule) -> Outcome {
        self.hop()?.rule(rule);
        Ok(())
    }

    /// The next hop takes back what it does on every connection, and ends those that are idle.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is none of ours.
    pub fn next_hop_as_usual(&self) -> Outcome {
        self.hop()?.hush();
        Ok(())
    }

    /// Submits a message with a body of one line, in the session as it is, or in a new one.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post(&mut self, mail: &Message) -> Outcome {
        self.post_to(mail, &[&mail.recipient], BODY)
    }

    /// As [`Session::post`], to these recipients and with this body, in which dots are doubled here.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_to(&mut self, mail: &Message, recipients: &[&str], body: &str) -> Outcome {
        self.post_content(mail, recipients, &mail.with_body(body), "", "")
    }

    /// As [`Session::post_to`] with a content of its own, header section and body.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_as(&mut self, mail: &Message, content: &str) -> Outcome {
        self.post_content(mail, &[&mail.recipient], content, "", "")
    }

    /// As [`Session::post_as`], declared as 8BITMIME (RFC 6152 section 3).
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_declared(&mut self, mail: &Message, content: &str) -> Outcome {
        self.post_content(mail, &[&mail.recipient], content, " BODY=8BITMIME", "")
    }

    /// As [`Session::post`], with every parameter of MAIL and RCPT that the target's extensions have.
    /// Those that it refuses are left out.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_with_parameters(&mut self, mail: &Message) -> Outcome {
        if self.wire.is_none() {
            self.authenticated()?;
        }
        let content = mail.with_body(BODY);
        let (mut of_mail, mut of_rcpt) = (String::new(), String::new());
        for (keyword, parameter) in [
            ("SIZE", format!(" SIZE={}", content.len())),
            ("8BITMIME", " BODY=8BITMIME".to_owned()),
            ("AUTH", " AUTH=<>".to_owned()),
            ("DSN", " RET=HDRS ENVID=QQ314159".to_owned()),
        ] {
            if self.keywords().offers(keyword) && self.takes_parameter(mail, &parameter)? {
                of_mail.push_str(&parameter);
            }
        }
        if self.keywords().offers("DSN") {
            of_rcpt = format!(" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{}", mail.recipient);
        }
        self.post_content(mail, &[&mail.recipient], &content, &of_mail, &of_rcpt)
    }

    fn takes_parameter(&mut self, mail: &Message, parameter: &str) -> Outcome<bool> {
        self.prepare(|s| {
            let line = Line::new("MAIL FROM:<").token(&mail.sender, "sender");
            let taken = s.command(line.then(">").then(parameter))?.accepted();
            s.command("RSET")?.ready(250)?;
            Ok(taken)
        })
    }

    fn post_content(
        &mut self,
        mail: &Message,
        recipients: &[&str],
        content: &str,
        of_mail: &str,
        of_rcpt: &str,
    ) -> Outcome {
        if self.wire.is_none() {
            self.authenticated()?;
        }
        self.prepare(|s| {
            let line = Line::new("MAIL FROM:<").token(&mail.sender, "sender");
            s.command(line.then(">").then(of_mail))?.ready(250)?;
            for recipient in recipients {
                let line = Line::new("RCPT TO:<")
                    .token(recipient, "recipient")
                    .then(">");
                let line = match of_rcpt {
                    "" => line,
                    parameters => line.token(parameters, "parameters"),
                };
                s.command(line)?.ready(250)?;
            }
            s.command("DATA")?.ready(354)?;
            s.send(Line::default().token(stuffed(content), "content"))?;
            s.end_data("")?.ready(250)
        })
    }

    /// The message as the next hop got it for its recipient.
    ///
    /// # Errors
    /// As [`Session::arrives_for`].
    pub fn arrives(&mut self, mail: &Message) -> Outcome<Delivered> {
        self.arrives_for(mail, &mail.recipient)
    }

    /// The message as the next hop got it for this recipient.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where a report comes in its place, or neither of the two, which fails
    /// whatever the level if it was promised to be otherwise, and else is [`Halt::Error`].
    pub fn arrives_for(&mut self, mail: &Message, recipient: &str) -> Outcome<Delivered> {
        match self.fate(mail, recipient)? {
            Fate {
                delivered: Some(message),
                ..
            } => {
                self.transcript.note("the next hop has the message");
                Ok(message)
            }
            Fate {
                report: Some(report),
                ..
            } => {
                let what = report.map_or_else(|fault| fault, |report| summary(&report, recipient));
                let expected = "the message at the next hop";
                Err(self.hop_deviates(mail, expected, format!("a report: {what}")))
            }
            Fate { .. } => Err(self.neither(mail)),
        }
    }

    /// What has become of the message for its recipient, where both are right.
    ///
    /// # Errors
    /// As [`Session::reported`], where nothing but the message or a report is right.
    pub fn settled(&mut self, mail: &Message) -> Outcome<Settled> {
        let fate = self.fate(mail, &mail.recipient)?;
        match (fate.delivered, fate.report) {
            (Some(message), _) => {
                self.transcript.note("the next hop has the message");
                Ok(Settled::Arrived(message))
            }
            (None, Some(Ok(report))) => {
                self.transcript.note("the sender has a report");
                Ok(Settled::Reported(report))
            }
            (None, Some(Err(fault))) => {
                let report = self.unread(mail, &mail.recipient, fault)?;
                Ok(Settled::Reported(report))
            }
            (None, None) => Err(self.neither(mail)),
        }
    }

    /// The report that says that this recipient did not get the message.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the message comes in its place, or a report that claims to be one of
    /// RFC 3464 and cannot be read; or neither, as in [`Session::arrives_for`].
    pub fn reported(&mut self, mail: &Message, recipient: &str) -> Outcome<Notification> {
        let fate = self.fate(mail, recipient)?;
        let expected = "a report to the sender";
        match (fate.report, fate.delivered) {
            (Some(Ok(report)), _) => {
                self.transcript.note("the sender has a report");
                Ok(report)
            }
            (Some(Err(fault)), _) => self.unread(mail, recipient, fault),
            (None, Some(_)) => {
                Err(self.hop_deviates(mail, expected, "the message at the next hop"))
            }
            (None, None) => Err(self.neither(mail)),
        }
    }

    /// The next hop has refused the recipient, so that the target knows of the failure.
    ///
    /// # Errors
    /// [`Halt::Skip`] where the message was not tried until the deadline: that is another case's
    /// matter.
    pub fn was_refused(&mut self, mail: &Message) -> Outcome {
        self.hang_up();
        let (hop, shared, patience) = (self.hop()?.clone(), self.shared, self.patience);
        let refused = || {
            let visits = hop.visits(&mail.token);
            let mut recipients = visits.iter().flat_map(|visit| visit.commands("RCPT"));
            let mine = |heard: &Heard| heard.text().contains(&mail.token);
            let refused = |heard: &Heard| mine(heard) && heard.reply.starts_with('5');
            recipients.any(refused).then_some(())
        };
        if hop
            .wait_until(patience, &|| shared.interrupted(), refused)
            .is_some()
        {
            self.transcript
                .note("the next hop has refused the recipient");
            return Ok(());
        }
        if shared.interrupted() {
            return Err(Error::Interrupted.into());
        }
        Err(Halt::Skip(format!(
            "not tried within {} s",
            patience.as_secs()
        )))
    }

    /// Neither delivered nor reported: still queued, or lost, which is the worst that can become of mail.
    fn neither(&mut self, mail: &Message) -> Halt {
        let patience = self.patience.as_secs();
        let observed = format!("neither of the two within {patience} s");
        let expected = "the message at the next hop, or a report to its sender";
        match self.late(mail, expected, observed) {
            Halt::Deviation(mut deviation) => {
                deviation.weight = Weight::Fail;
                Halt::Deviation(deviation)
            }
            other => other,
        }
    }

    /// What has become of a message for one recipient at the deadline, or as soon as something has.
    fn fate(&mut self, mail: &Message, recipient: &str) -> Outcome<Fate> {
        // A wait can be long, and the next message has a session of its own.
        self.hang_up();
        let (hop, shared, patience) = (self.hop()?.clone(), self.shared, self.patience);
        let look = || {
            let fate = Fate::of(&hop, mail, recipient);
            (fate.delivered.is_some() || fate.report.is_some()).then_some(fate)
        };
        let fate = hop.wait_until(patience, &|| shared.interrupted(), look);
        match fate {
            None if shared.interrupted() => Err(Error::Interrupted.into()),
            fate => Ok(fate.unwrap_or_default()),
        }
    }

    pub(super) fn hop(&self) -> Outcome<&NextHop> {
        self.needs_next_hop()?;
        let hop = self.target.next_hop.as_ref();
        hop.ok_or_else(|| Halt::Skip("no next hop: --next-hop".to_owned()))
    }
}

/// What has become of a message, where the server may choose.
#[derive(Clone, Debug)]
pub enum Settled {
    /// The next hop has it.
    Arrived(Delivered),
    /// Its sender has a report of failure.
    Reported(Notification),
}

/// What has become of a message for one recipient.
#[derive(Default)]
struct Fate {
    delivered: Option<Delivered>,
    /// A report of failure, or why it cannot be read.
    report: Option<Result<Notification, String>>,
}

impl Fate {
    fn of(hop: &NextHop, mail: &Message, recipient: &str) -> Fate {
        let mut messages = hop.messages(&mail.token).into_iter();
        let reports = hop.notifications(&mail.token);
        Fate {
            delivered: messages.find(|message| message.is_for(recipient)),
            report: reports
                .iter()
                .find_map(|report| failure_of(report, recipient)),
        }
    }
}

/// The report, if it tells of a failure of this recipient; or if nobody can tell what it tells.
pub(crate) fn failure_of(
    message: &Delivered,
    recipient: &str,
) -> Option<Result<Notification, String>> {
    match Notification::read(message) {
        Ok(report) => {
            let group = report.about(recipient)?;
            let failed = group.value("Action")?.eq_ignore_ascii_case("failed");
            failed.then_some(Ok(report))
        }
        Err(fault) => message.mentions(recipient).then_some(Err(fault)),
    }
}

fn summary(report: &Notification, recipient: &str) -> String {
    let value = |name| report.about(recipient).and_then(|group| group.value(name));
    let parts = ["Action", "Status", "Diagnostic-Code"]
        .into_iter()
        .filter_map(value);
    parts.collect::<Vec<_>>().join(", ")
}

/// RFC 5321 section 4.5.2.
pub(super) fn stuffed(content: &str) -> String {
    let lines = content.split_inclusive("\r\n");
    lines
        .map(|line| match line.starts_with('.') {
            true => format!(".{line}"),
            false => line.to_owned(),
        })
        .collect()
}
