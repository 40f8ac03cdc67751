//! What becomes of mail behind the target: the next hop gets it, or its sender a report.

use super::Session;
use crate::{
    error::Error,
    message::{Delivered, Message},
    next_hop::{Heard, NextHop},
    notification::Notification,
    verdict::{Halt, Outcome, Weight},
};

impl Session<'_> {
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
