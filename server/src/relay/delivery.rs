//! One attempt at one message: what each recipient was answered, and how that is written down.

use jiff::Timestamp;
use tokio::time::sleep;

use super::Hop;
use super::client::{Client, HopError};
use super::reply::HopReply;
use crate::spool::{LastReply, Message, Recipient, RecipientState, Spool, SpoolError};

/// How a message stands after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Everybody has it, or somebody removed it.
    Gone,
    /// Somebody is to be tried again.
    Waiting,
    /// Nobody is to be tried again, and somebody was refused.
    Settled,
    /// The next hop was not there at all.
    Unreachable,
}

/// What one recipient was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    state: RecipientState,
    reply: LastReply,
}

/// What an attempt brought, and with it how much depends on its being written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// There was nobody left to try.
    None,
    /// Answers, and somebody may be tried again without harm.
    Attempt,
    /// Somebody has the message and must not get it again.
    Delivery,
}

/// Tries every pending recipient of a message once.
pub(super) async fn attempt(id: &str, spool: &Spool, hop: &Hop) -> Standing {
    let message = match spool.read(id).await {
        Ok(message) => message,
        Err(SpoolError::NoSuchMessage(_)) => return Standing::Gone,
        Err(error @ SpoolError::Damaged { .. }) => {
            tracing::warn!(id, %error, "set aside");
            spool.set_aside(id).await;
            return Standing::Gone;
        }
        Err(error) => {
            tracing::error!(id, %error, "cannot be read now");
            return Standing::Waiting;
        }
    };
    if !message.entry.is_pending() {
        return write_down(id, spool, hop, &message.entry.recipients, Progress::None).await;
    }
    let (answers, reached) = transfer(&message, hop).await;
    let progress = if answers.iter().any(Answer::is_delivery) {
        Progress::Delivery
    } else {
        Progress::Attempt
    };
    let recipients = answered(message.entry.recipients, answers);
    let standing = write_down(id, spool, hop, &recipients, progress).await;
    if reached || standing != Standing::Waiting {
        standing
    } else {
        Standing::Unreachable
    }
}

/// One transaction. An answer for each pending recipient, in their order, and whether the hop was
/// there.
async fn transfer(message: &Message, hop: &Hop) -> (Vec<Answer>, bool) {
    let pending: Vec<&str> = message
        .entry
        .recipients
        .iter()
        .filter(|recipient| recipient.state == RecipientState::Pending)
        .map(|recipient| recipient.address.as_str())
        .collect();
    let mut client = match Client::connect(hop).await {
        Ok(client) => client,
        Err(error) => return (vec![Answer::lost(&error); pending.len()], false),
    };
    let mut answers: Vec<Option<Answer>> = vec![None; pending.len()];
    let rest = match envelope(&mut client, message, hop, &pending, &mut answers).await {
        Ok(rest) => rest,
        Err(error) => Answer::lost(&error),
    };
    client.quit().await;
    (
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| rest.clone()))
            .collect(),
        true,
    )
}

/// MAIL, RCPT and DATA. Fills in what single recipients were answered; what is returned holds for
/// all others.
async fn envelope(
    client: &mut Client,
    message: &Message,
    hop: &Hop,
    pending: &[&str],
    answers: &mut [Option<Answer>],
) -> Result<Answer, HopError> {
    let mut mail = format!("MAIL FROM:<{}>", message.entry.sender);
    if client.size {
        mail.push_str(&format!(" SIZE={}", message.content.len()));
    }
    let reply = client.command(&mail, hop.deadlines.mail).await?;
    if reply.class() != 2 {
        return Ok(Answer::refusal(&reply));
    }
    let mut accepted = false;
    for (address, answer) in pending.iter().zip(answers.iter_mut()) {
        let reply = client
            .command(&format!("RCPT TO:<{address}>"), hop.deadlines.rcpt)
            .await?;
        match reply.code {
            421 => return Ok(Answer::refusal(&reply)),
            200..=299 => accepted = true,
            // Some hops say so when it is only too many at once (RFC 5321, section 4.5.3.1.10).
            552 if accepted => *answer = Some(Answer::temporary(&reply)),
            _ => *answer = Some(Answer::refusal(&reply)),
        }
    }
    if !accepted {
        return Ok(Answer {
            state: RecipientState::Pending,
            reply: own("nobody was accepted"),
        });
    }
    let reply = client.command("DATA", hop.deadlines.data).await?;
    if reply.code != 354 {
        return Ok(Answer::refusal(&reply));
    }
    let reply = client.content(&message.content).await?;
    Ok(if reply.class() == 2 {
        Answer {
            state: RecipientState::Delivered,
            reply: said(&reply),
        }
    } else {
        Answer::refusal(&reply)
    })
}

impl Answer {
    fn is_delivery(&self) -> bool {
        self.state == RecipientState::Delivered
    }

    /// 5yz is for good; 4yz, 421 above all, and what makes no sense here are to be tried again.
    fn refusal(reply: &HopReply) -> Self {
        let state = if reply.class() == 5 {
            RecipientState::Failed
        } else {
            RecipientState::Pending
        };
        Answer {
            state,
            reply: said(reply),
        }
    }

    fn temporary(reply: &HopReply) -> Self {
        Answer {
            state: RecipientState::Pending,
            reply: said(reply),
        }
    }

    /// No answer: tried again, at the price of a duplicate if the content had been sent whole
    /// (RFC 5321, section 3.8).
    fn lost(error: &HopError) -> Self {
        Answer {
            state: RecipientState::Pending,
            reply: own(&error.to_string()),
        }
    }
}

fn said(reply: &HopReply) -> LastReply {
    LastReply::Hop {
        code: reply.code,
        lines: reply.lines.clone(),
    }
}

fn own(why: &str) -> LastReply {
    LastReply::Own {
        status: "4.4.0".to_owned(),
        why: why.to_owned(),
    }
}

fn answered(mut recipients: Vec<Recipient>, answers: Vec<Answer>) -> Vec<Recipient> {
    let now = Timestamp::now();
    let pending = recipients
        .iter_mut()
        .filter(|recipient| recipient.state == RecipientState::Pending);
    for (recipient, answer) in pending.zip(answers) {
        recipient.state = answer.state;
        recipient.last_reply = Some(answer.reply);
        recipient.attempts += 1;
        recipient.last_attempt = Some(now);
    }
    recipients
}

/// Makes the result durable. After a delivery this is kept at until it succeeds, since trying the
/// message again without it would deliver twice; otherwise the place goes to the next message.
async fn write_down(
    id: &str,
    spool: &Spool,
    hop: &Hop,
    recipients: &[Recipient],
    progress: Progress,
) -> Standing {
    let is = |state| move |recipient: &Recipient| recipient.state == state;
    let delivered = recipients.iter().all(is(RecipientState::Delivered));
    let standing = if delivered {
        Standing::Gone
    } else if recipients.iter().any(is(RecipientState::Pending)) {
        Standing::Waiting
    } else {
        Standing::Settled
    };
    let new = progress != Progress::None;
    if new {
        for Recipient {
            address,
            state,
            last_reply,
            ..
        } in recipients
        {
            tracing::info!(
                id,
                address,
                ?state,
                answer = last_reply.as_ref().map(tracing::field::display),
                "tried"
            );
        }
    }
    loop {
        let written = match delivered {
            true => spool.remove(id).await,
            false if new => spool.record(id, recipients).await,
            false => Ok(()),
        };
        match written {
            Ok(()) => return standing,
            Err(SpoolError::NoSuchMessage(_)) => return Standing::Gone,
            Err(error) => tracing::error!(id, %error, "progress not written"),
        }
        if progress != Progress::Delivery {
            return Standing::Waiting;
        }
        sleep(hop.retry).await;
    }
}
