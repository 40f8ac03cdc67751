//! What attempts bring is written down, for one attempt at a message after the other.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::Office;
use super::outcome::Outcome;
use crate::report::is_settled;
use crate::spool::{Entry, Recipient, RecipientState, Spool, SpoolError};

/// A message with somebody left to try. Its destinations are tried independently of each other.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) id: String,
    pub(super) arrival: Timestamp,
    /// As the spool has them, except while they are being written.
    recipients: Mutex<Vec<Recipient>>,
}

/// How a message stands after something was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is left to be done, or somebody removed it.
    Gone,
    /// It stays in the spool.
    Kept,
    /// What was done could not be written down, and may be done again without harm.
    NotWritten,
}

impl Tracked {
    pub(super) fn new(entry: Entry) -> Arc<Self> {
        Arc::new(Tracked {
            id: entry.id,
            arrival: entry.arrival,
            recipients: Mutex::new(entry.recipients),
        })
    }

    /// The pending recipients that are to be tried together, with their numbers.
    pub(super) async fn pending(
        &self,
        wanted: impl Fn(&Recipient) -> bool,
    ) -> Vec<(usize, Recipient)> {
        let recipients = self.recipients.lock().await;
        recipients
            .iter()
            .cloned()
            .enumerate()
            .filter(|(_, recipient)| {
                recipient.state == RecipientState::Pending && wanted(recipient)
            })
            .collect()
    }

    /// Takes note of what recipients were answered, and reports what is due. Whoever is pending at
    /// the end of the lifetime is given up.
    pub(super) async fn settle(
        &self,
        outcomes: Vec<(usize, Outcome)>,
        office: &Office,
    ) -> Standing {
        let now = Timestamp::now();
        let expired = office.settings.pace.left(self.arrival, now).is_zero();
        let delivered = outcomes
            .iter()
            .any(|(_, outcome)| outcome.state == RecipientState::Delivered);
        let mut recipients = self.recipients.lock().await;
        let mut changed = recipients.clone();
        for (number, outcome) in outcomes {
            if let Some(recipient) = changed.get_mut(number) {
                take_note(recipient, outcome, now, expired);
                tell(&self.id, recipient);
            }
        }
        let standing = self.write_down(&changed, delivered, office).await;
        if standing != Standing::NotWritten {
            *recipients = changed;
        }
        match standing {
            Standing::Kept => self.report(&mut recipients, true, office).await,
            other => other,
        }
    }

    /// Makes the reports that an earlier start or a full disk left undone, and removes what an
    /// earlier version was about to remove.
    pub(super) async fn catch_up(&self, office: &Office) -> Standing {
        let mut recipients = self.recipients.lock().await;
        // Whoever finds the jobs of all messages does not wait for one.
        match self.report(&mut recipients, false, office).await {
            Standing::Kept if recipients.iter().all(is_settled) => {
                self.write_down(&recipients, false, office).await
            }
            standing => standing,
        }
    }

    /// Makes the reports that are due about what is on disk, and marks them as made. What fails is
    /// done again when the spool is looked at. A report leaves only behind its mark: without it,
    /// one that is delivered and gone would be made again.
    async fn report(
        &self,
        recipients: &mut Vec<Recipient>,
        patient: bool,
        office: &Office,
    ) -> Standing {
        let reporter = &office.settings.reporter;
        let id = &self.id;
        if !reporter.is_needed(self.arrival, recipients) {
            return Standing::Kept;
        }
        let message = match office.spool.read(id).await {
            Ok(message) => message,
            Err(error) => return unreadable(id, &error, &office.spool).await,
        };
        match reporter.conclude(message, &office.spool).await {
            Ok(concluded) => {
                let patient = patient && !concluded.reports.is_empty();
                let standing = self
                    .write_down(&concluded.recipients, patient, office)
                    .await;
                if standing != Standing::NotWritten {
                    *recipients = concluded.recipients;
                    for report in concluded.reports {
                        office.announce(report);
                    }
                }
                standing
            }
            Err(error) => {
                tracing::error!(id, %error, "no report yet");
                Standing::NotWritten
            }
        }
    }

    /// Makes the result durable. After a delivery or a report this is kept at until it succeeds,
    /// since trying again without it would deliver twice; otherwise the place goes to the next one.
    async fn write_down(
        &self,
        recipients: &[Recipient],
        patient: bool,
        office: &Office,
    ) -> Standing {
        let (id, spool) = (&self.id, &office.spool);
        let settled = recipients.iter().all(is_settled);
        loop {
            let written = match settled {
                true => spool.remove(id).await,
                false => spool.record(id, recipients).await,
            };
            match written {
                Ok(()) if settled => return Standing::Gone,
                Ok(()) => return Standing::Kept,
                Err(SpoolError::NoSuchMessage(_)) => return Standing::Gone,
                Err(error) => tracing::error!(id, %error, "progress not written"),
            }
            if !patient {
                return Standing::NotWritten;
            }
            sleep(office.settings.pace.first).await;
        }
    }
}

/// What becomes of a message that cannot be read: what cannot be understood is set aside.
pub(super) async fn unreadable(id: &str, error: &SpoolError, spool: &Spool) -> Standing {
    match error {
        SpoolError::NoSuchMessage(_) => Standing::Gone,
        SpoolError::Damaged { .. } => {
            tracing::warn!(id, %error, "set aside");
            match spool.set_aside(id).await {
                Ok(()) | Err(SpoolError::NoSuchMessage(_)) => Standing::Gone,
                Err(error) => {
                    tracing::error!(id, %error, "not set aside");
                    Standing::NotWritten
                }
            }
        }
        _ => {
            tracing::error!(id, %error, "cannot be read now");
            Standing::NotWritten
        }
    }
}

fn take_note(recipient: &mut Recipient, outcome: Outcome, now: Timestamp, expired: bool) {
    recipient.state = match outcome.state {
        RecipientState::Pending if expired => RecipientState::Failed,
        state => state,
    };
    recipient.last_reply = Some(outcome.reply);
    recipient.remote = outcome.host;
    recipient.dsn_passed_on = outcome.dsn_passed_on;
    recipient.attempts = recipient.attempts.saturating_add(1);
    recipient.last_attempt = Some(now);
}

fn tell(id: &str, recipient: &Recipient) {
    let Recipient {
        address,
        state,
        remote,
        last_reply,
        ..
    } = recipient;
    let reply = last_reply.as_ref().map(tracing::field::display);
    tracing::info!(id, address, ?state, remote, reply, "tried");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::relay::Settings;
    use crate::relay::queue::Queue;
    use crate::relay::tests::stored;
    use crate::spool::LastReply;
    use crate::spool::tests::{Owner, owner};

    /// The reports announced since; they are delivered at once.
    async fn reports(office: &Office) -> usize {
        let mut number = 0;
        loop {
            let new = office.queue().next_new();
            let Some(id) = new else { return number };
            office.spool.remove(&id).await.unwrap();
            number += 1;
        }
    }

    #[tokio::test]
    async fn a_failure_is_reported_once_whatever_the_disk_does() {
        for first in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let Owner { spool, faults } = owner(folder.path()).unwrap();
            let mut config = Config::modern("msa.example.org", folder.path());
            config.retry_seconds = 0.01;
            let office = Office {
                settings: Settings::new(&config, Vec::new()).unwrap(),
                spool: spool.clone(),
                queue: Queue::new(1, 1).into(),
                changed: tokio::sync::Notify::new(),
            };
            let id = stored(&spool).await;
            let message = Tracked::new(spool.read(&id).await.unwrap().entry);
            let reply = LastReply::Hop {
                code: 550,
                lines: Vec::new(),
            };
            let outcome = || vec![(0, Outcome::failed(reply.clone(), None))];
            faults.plan(first, 1, 28);
            let mut standing = message.settle(outcome(), &office).await;
            let calls = faults.calls();
            faults.plan(0, 0, 0);
            let mut number = reports(&office).await;
            if standing != Standing::Gone {
                standing = message.settle(outcome(), &office).await;
                number += reports(&office).await;
            }
            assert_eq!((standing, number), (Standing::Gone, 1), "call {first}");
            assert!(spool.ids().is_empty(), "call {first}");
            spool.closed().await;
            if calls < first {
                // The progress, the report and its mark, at least.
                assert!(first > 3, "{first}");
                break;
            }
        }
    }
}
