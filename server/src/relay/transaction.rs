//! One transaction: MAIL, RCPT, DATA and the content, and what each recipient was answered.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::timeout;

use super::client::octets;
use super::fault::HopFault;
use super::fit::fit;
use super::offers::Offers;
use super::outcome::Outcome;
use super::reply::HopReply;
use super::session::Session;
use crate::config::HopDeadlines;
use crate::spool::{Body, Message, Recipient, RecipientState};

/// How a transaction ended.
pub(super) struct Transferred {
    /// For each recipient, in their order.
    pub(super) outcomes: Vec<Outcome>,
    /// Why the session cannot go on, if it cannot.
    pub(super) fault: Option<HopFault>,
    /// Whether the hop said nothing but that it closes: nothing was begun.
    pub(super) untouched: bool,
}

/// Commands in one group (RFC 2920); few enough that the replies cannot block what is written.
pub(super) const GROUP: usize = 100;

/// Hands a message over to the hop for some recipients.
pub(super) async fn transfer(
    session: &mut Session,
    message: &Message,
    recipients: &[&Recipient],
    deadlines: &HopDeadlines,
) -> Transferred {
    let content = match fit(message, recipients, session.offers) {
        Ok(content) => content,
        Err(reply) => {
            let outcome = Outcome::failed(reply, Some(session.host.clone()));
            return Transferred {
                outcomes: vec![outcome; recipients.len()],
                fault: None,
                untouched: false,
            };
        }
    };
    let mut dialogue = Dialogue {
        content,
        host: session.host.clone(),
        dsn: session.offers.dsn,
        answers: vec![None; recipients.len()],
        rest: None,
        replies: 0,
        go_ahead: false,
    };
    session.served += 1;
    let fault = match dialogue.run(session, message, recipients, deadlines).await {
        Ok(()) => None,
        Err(fault) => {
            // A refusal of MAIL stays one, however the session ended.
            let lost = Outcome::temporary(fault.last_reply(), Some(session.host.clone()));
            dialogue.rest.get_or_insert(lost);
            Some(fault)
        }
    };
    let rest = dialogue.rest;
    let outcomes = dialogue.answers.into_iter().map(|answer| {
        answer.or_else(|| rest.clone()).unwrap_or_else(|| {
            // Every path above leaves an answer.
            let reply = HopFault::NotAReply.last_reply();
            Outcome::temporary(reply, None)
        })
    });
    Transferred {
        outcomes: outcomes.collect(),
        fault,
        untouched: dialogue.replies == 0,
    }
}

/// What came of a transaction so far.
struct Dialogue<'a> {
    /// As this hop can have it.
    content: Cow<'a, [u8]>,
    host: String,
    dsn: bool,
    /// What single recipients were answered: a refusal, or nothing yet.
    answers: Vec<Option<Outcome>>,
    /// What holds for all others.
    rest: Option<Outcome>,
    /// Replies other than 421.
    replies: usize,
    /// 354
    go_ahead: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Mail,
    /// The recipient with this number.
    Rcpt(usize),
    Data,
}

impl Dialogue<'_> {
    async fn run(
        &mut self,
        session: &mut Session,
        message: &Message,
        recipients: &[&Recipient],
        deadlines: &HopDeadlines,
    ) -> Result<(), HopFault> {
        // A hop that answers each command at the last moment has its end too.
        let commands = self.commands(session, message, recipients, deadlines);
        timeout(deadlines.commands, commands)
            .await
            .map_err(|_| HopFault::Late)??;
        if self.go_ahead {
            self.content(session).await?;
        }
        Ok(())
    }

    async fn commands(
        &mut self,
        session: &mut Session,
        message: &Message,
        recipients: &[&Recipient],
        deadlines: &HopDeadlines,
    ) -> Result<(), HopFault> {
        if session.needs_reset {
            let reply = session.client.command("RSET", deadlines.greeting).await?;
            if reply.class() != 2 {
                return Err(HopFault::Refused(reply));
            }
            session.needs_reset = false;
        }
        let rcpts = 0..recipients.len();
        let steps: Vec<Step> = std::iter::once(Step::Mail)
            .chain(rcpts.map(Step::Rcpt))
            .chain(std::iter::once(Step::Data))
            .collect();
        let size = if session.offers.pipelining { GROUP } else { 1 };
        for group in steps.chunks(size) {
            if self.is_hopeless(group) {
                break;
            }
            let lines: Vec<String> = group
                .iter()
                .map(|step| line(*step, message, &self.content, recipients, session.offers))
                .collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            session.client.send(&lines).await?;
            for step in group {
                let reply = session.client.reply(step.deadline(deadlines)).await?;
                self.note(*step, &reply, session)?;
            }
        }
        Ok(())
    }

    /// Whether these commands cannot lead to anything.
    fn is_hopeless(&self, group: &[Step]) -> bool {
        let nobody = self.answers.iter().all(Option::is_some);
        self.rest.is_some() || (nobody && matches!(group, [Step::Data]))
    }

    /// Takes note of a reply. Replies belong to commands by their order alone.
    fn note(
        &mut self,
        step: Step,
        reply: &HopReply,
        session: &mut Session,
    ) -> Result<(), HopFault> {
        if reply.code == 421 {
            return Err(HopFault::Refused(reply.clone()));
        }
        self.replies += 1;
        match step {
            Step::Mail => {
                session.needs_reset = true;
                if reply.class() != 2 {
                    self.rest = Some(self.refusal(reply));
                }
            }
            Step::Rcpt(_) if self.rest.is_some() || reply.class() == 2 => {}
            Step::Rcpt(number) => {
                let accepted = self.answers[..number].iter().any(Option::is_none);
                let mut refusal = self.refusal(reply);
                if accepted && is_too_many(reply) {
                    refusal.state = RecipientState::Pending;
                    refusal.surplus = true;
                }
                self.answers[number] = Some(refusal);
            }
            Step::Data if reply.code == 354 => self.go_ahead = true,
            Step::Data if self.rest.is_none() => self.rest = Some(self.refusal(reply)),
            Step::Data => {}
        }
        Ok(())
    }

    /// The content, or nothing but its end if nobody is to get it (RFC 2920, section 3.1).
    async fn content(&mut self, session: &mut Session) -> Result<(), HopFault> {
        let nobody = self.rest.is_some() || self.answers.iter().all(Option::is_some);
        if nobody {
            // What is said to it concerns nobody, and a fault is seen by the next transaction.
            let wait = Duration::from_secs(5);
            let _ = session.client.command(".", wait).await?;
            session.needs_reset = false;
            return Ok(());
        }
        let reply = session.client.content(&self.content).await?;
        session.needs_reset = false;
        self.rest = Some(match reply.class() {
            2 => Outcome {
                state: RecipientState::Delivered,
                dsn_passed_on: self.dsn,
                ..self.refusal(&reply)
            },
            _ if reply.code == 421 => return Err(HopFault::Refused(reply)),
            _ => self.refusal(&reply),
        });
        Ok(())
    }

    /// 5yz is for good; 4yz and what makes no sense here are to be tried again.
    fn refusal(&self, reply: &HopReply) -> Outcome {
        let host = Some(self.host.clone());
        match reply.class() {
            5 => Outcome::failed(reply.last_reply(), host),
            _ => Outcome::temporary(reply.last_reply(), host),
        }
    }
}

/// Whether it is only too many at once. Some hops say 552 then (RFC 5321, section 4.5.3.1.10),
/// which has other meanings too if it says more.
fn is_too_many(reply: &HopReply) -> bool {
    match reply.code {
        452 => true,
        552 => matches!(reply.last_reply().status().as_str(), "5.0.0" | "5.5.3"),
        _ => false,
    }
}

impl Step {
    fn deadline(self, deadlines: &HopDeadlines) -> Duration {
        match self {
            Step::Mail => deadlines.mail,
            Step::Rcpt(_) => deadlines.rcpt,
            Step::Data => deadlines.data,
        }
    }
}

/// A command with the parameters that the client gave and the hop has offered.
fn line(
    step: Step,
    message: &Message,
    content: &[u8],
    recipients: &[&Recipient],
    offers: Offers,
) -> String {
    let entry = &message.entry;
    let options = &entry.options;
    match step {
        Step::Mail => {
            let mut line = format!("MAIL FROM:<{}>", entry.sender);
            if offers.size {
                line.push_str(&format!(" SIZE={}", octets(content)));
            }
            let eight_bit = options.body == Some(Body::EightBitMime) || !content.is_ascii();
            if offers.eight_bit && eight_bit {
                line.push_str(" BODY=8BITMIME");
            }
            if options.smtputf8 {
                line.push_str(" SMTPUTF8");
            }
            if options.requiretls && offers.requiretls {
                line.push_str(" REQUIRETLS");
            }
            if let Some(ret) = options.ret.filter(|_| offers.dsn) {
                line.push_str(&format!(" RET={}", ret.name()));
            }
            if let Some(envid) = options.envid.as_ref().filter(|_| offers.dsn) {
                line.push_str(&format!(" ENVID={envid}"));
            }
            line
        }
        Step::Rcpt(number) => {
            let recipient = recipients[number];
            let mut line = format!("RCPT TO:<{}>", recipient.address);
            if let Some(notify) = recipient.notify.filter(|_| offers.dsn) {
                line.push_str(&format!(" NOTIFY={notify}"));
            }
            if let Some(orcpt) = recipient.orcpt.as_ref().filter(|_| offers.dsn) {
                line.push_str(&format!(" ORCPT={orcpt}"));
            }
            line
        }
        Step::Data => "DATA".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(452, "4.5.3 too many", true)]
    #[case(552, "too many", true)]
    #[case(552, "5.5.3 too many", true)]
    #[case(552, "5.2.2 mailbox full", false)]
    #[case(450, "4.2.0 later", false)]
    fn too_many_at_once_is_told_from_too_much(
        #[case] code: u16,
        #[case] text: &str,
        #[case] expected: bool,
    ) {
        let lines = vec![text.to_owned()];
        assert_eq!(is_too_many(&HopReply { code, lines }), expected);
    }
}
