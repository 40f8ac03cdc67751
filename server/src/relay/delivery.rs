//! One attempt at one message's recipients with the same destination.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::fault::HopFault;
use super::outcome::Outcome;
use super::progress::{Standing, unreadable};
use super::queue::Job;
use super::route;
use super::session::{Demand, Session, Unreachable};
use super::transaction::{Transferred, transfer};
use super::{Office, Settings};
use crate::spool::{Message, Recipient, RecipientState};

/// What is to become of a job after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nobody of it is left.
    Done,
    /// It is due again after that time.
    Again(Duration),
    /// The same, and no host of its destination could be reached.
    Unreachable(Duration),
}

/// Recipients of one transaction (RFC 5321, section 4.5.3.1.8).
const PORTION: usize = 100;

/// Tries every pending recipient of a job once. A session that still works is left for the next
/// job.
pub(super) async fn attempt(job: &Job, office: &Office, session: &mut Option<Session>) -> Ended {
    let (settings, spool) = (&office.settings, &office.spool);
    let tracked = &job.message;
    let pending = tracked.pending(|to| job.concerns(to, settings)).await;
    if pending.is_empty() {
        return Ended::Done;
    }
    let message = match spool.read(&tracked.id).await {
        Ok(message) => message,
        Err(error) => match unreadable(&tracked.id, &error, spool).await {
            Standing::Gone => return Ended::Done,
            _ => return Ended::Again(settings.pace.first),
        },
    };
    let mut rest = VecDeque::from(pending);
    let mut reached = true;
    let mut standing = Standing::Kept;
    while standing == Standing::Kept && !rest.is_empty() {
        let portion: Vec<_> = rest.drain(..rest.len().min(PORTION)).collect();
        let outcomes = match portion_of(job, &message, &portion, settings, session).await {
            Ok(transferred) => settle_surplus(transferred.outcomes, portion, &mut rest),
            Err(failure) => {
                reached = failure.fault.is_permanent();
                // Whoever was to come next would learn the same.
                let all = portion.into_iter().chain(rest.drain(..));
                let outcome = Outcome::unreached(&failure.fault, failure.host);
                all.map(|(number, _)| (number, outcome.clone())).collect()
            }
        };
        standing = tracked.settle(outcomes, office).await;
    }
    if standing == Standing::Gone {
        return Ended::Done;
    }
    let pending = tracked.pending(|to| job.concerns(to, settings)).await;
    match (job.due(&pending, settings), reached) {
        _ if standing == Standing::NotWritten => Ended::Again(settings.pace.first),
        (None, _) => Ended::Done,
        (Some(wait), true) => Ended::Again(wait),
        (Some(wait), false) => Ended::Unreachable(wait),
    }
}

/// One transaction, over a session that is there or a new one. A session from before may have died
/// meanwhile, which says nothing about this message: it is tried over a new one then.
async fn portion_of(
    job: &Job,
    message: &Message,
    portion: &[(usize, Recipient)],
    settings: &Settings,
    session: &mut Option<Session>,
) -> Result<Transferred, Unreachable> {
    let demand = demand(job, message);
    let recipients: Vec<&Recipient> = portion.iter().map(|(_, recipient)| recipient).collect();
    loop {
        let mut kept = session.take();
        let fit = match &mut kept {
            Some(open) => open.is_fit(demand) && open.client.is_quiet().await,
            None => false,
        };
        let mut open = match kept {
            Some(open) if fit => open,
            unfit => {
                if let Some(unfit) = unfit {
                    unfit.client.quit().await;
                }
                Session::open(settings, &job.destination.target, demand).await?
            }
        };
        let used = open.served > 0;
        let transferred = transfer(&mut open, message, &recipients, &settings.deadlines).await;
        match &transferred.fault {
            None if open.client.is_in_step() => *session = Some(open),
            // A refusal came before the whole content had gone; no command can follow it.
            None => {}
            // After 421 the hop expects nothing more.
            Some(HopFault::Refused(_)) => open.client.quit().await,
            Some(_) => {}
        }
        if !(used && transferred.fault.is_some() && transferred.untouched) {
            return Ok(transferred);
        }
    }
}

/// Puts recipients that were only too many at once back into the line, if others were served.
fn settle_surplus(
    outcomes: Vec<Outcome>,
    portion: Vec<(usize, Recipient)>,
    rest: &mut VecDeque<(usize, Recipient)>,
) -> Vec<(usize, Outcome)> {
    let served = outcomes
        .iter()
        .any(|outcome| outcome.state == RecipientState::Delivered);
    let mut settled = Vec::new();
    for ((number, recipient), outcome) in portion.into_iter().zip(outcomes) {
        match served && outcome.surplus {
            true => rest.push_back((number, recipient)),
            false => settled.push((number, outcome)),
        }
    }
    settled
}

fn demand(job: &Job, message: &Message) -> Demand {
    Demand {
        tls: job.destination.tls,
        // A report rather goes without it than nowhere (RFC 8689, section 5).
        requiretls: message.entry.options.requiretls && !message.entry.sender.is_empty(),
    }
}

impl Job {
    /// How long until it is due: until one of its recipients is, and at the end of their lifetime.
    pub(super) fn due(
        &self,
        pending: &[(usize, Recipient)],
        settings: &Settings,
    ) -> Option<Duration> {
        let now = Timestamp::now();
        let left = settings.pace.left(self.message.arrival, now);
        pending
            .iter()
            .filter(|(_, to)| self.concerns(to, settings))
            .map(|(_, to)| settings.pace.until_due(to.attempts, to.last_attempt, now))
            .min()
            .map(|wait| wait.min(left.max(settings.pace.first)))
    }

    fn concerns(&self, recipient: &Recipient, settings: &Settings) -> bool {
        settings.destination(&recipient.address) == self.destination
    }
}

impl Settings {
    /// Where a recipient's mail goes, and how.
    pub(super) fn destination(&self, mailbox: &str) -> route::Destination {
        route::destination(mailbox, self.next_hop.as_deref(), &self.delivery)
    }
}
