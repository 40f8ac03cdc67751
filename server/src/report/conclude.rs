//! The place of reports in the delivery: after what happened is on disk, and before it is forgotten.

use std::time::Duration;

use jiff::Timestamp;

use super::compose::{Report, compose};
use super::owed::{delays, is_delay, is_settled, results};
use super::{Due, Facts};
use crate::spool::{Message, Recipient, RecipientState, Spool, SpoolError};

/// Makes reports, and knows when.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    /// The name we are known by.
    pub(crate) hostname: String,
    /// How long a message is tried.
    pub(crate) lifetime: Duration,
    /// After how long its sender hears that it is delayed.
    pub(crate) delay_after: Duration,
}

/// What was done about a message.
#[derive(Debug)]
pub(crate) struct Concluded {
    /// Its recipients, with a mark on those whose report was made or is owed to nobody. It has to
    /// be recorded; if that fails, all can be done again without a second report.
    pub(crate) recipients: Vec<Recipient>,
    /// The queue ids of new reports.
    pub(crate) reports: Vec<String>,
}

impl Reporter {
    /// Whether there is anything to be done about a message.
    pub(crate) fn is_needed(&self, arrival: Timestamp, recipients: &[Recipient]) -> bool {
        let late = self.is_late(arrival, Timestamp::now());
        recipients.iter().any(|recipient| match recipient.state {
            RecipientState::Pending => late && is_delay(recipient),
            _ => !is_settled(recipient),
        })
    }

    /// Stores the reports that are due about a message, whose progress has to be on disk already:
    /// a report tells of nothing that a crash could undo.
    pub(crate) async fn conclude(
        &self,
        message: Message,
        spool: &Spool,
    ) -> Result<Concluded, SpoolError> {
        let entry = &message.entry;
        let now = Timestamp::now();
        let facts = Facts {
            hostname: &self.hostname,
            now,
            retry_until: entry.arrival.checked_add(self.lifetime).ok(),
        };
        let late = self.is_late(entry.arrival, now);
        let mut reports = Vec::new();
        let delays = if late { delays(entry) } else { Vec::new() };
        for due in [results(entry), delays] {
            if !due.is_empty() {
                let report = compose(&facts, &message, &due);
                tell(&entry.id, &report, &due);
                reports.push(report.id.clone());
                store(report, spool).await?;
            }
        }
        let mut recipients = message.entry.recipients;
        for recipient in &mut recipients {
            match recipient.state {
                RecipientState::Pending => recipient.delay_reported |= late && is_delay(recipient),
                _ => {
                    if recipient.state == RecipientState::Failed && !recipient.reported {
                        tell_untold(&message.entry.id, &message.entry.sender, recipient);
                    }
                    recipient.reported = true;
                }
            }
        }
        Ok(Concluded {
            recipients,
            reports,
        })
    }

    fn is_late(&self, arrival: Timestamp, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(arrival)).unwrap_or_default();
        age >= self.delay_after
    }
}

/// Stores a report unless it was stored before a crash.
async fn store(report: Report, spool: &Spool) -> Result<(), SpoolError> {
    if spool.holds(&report.id) {
        return Ok(());
    }
    spool
        .store(&report.id, &report.envelope, &[&report.content])
        .await
}

fn tell(id: &str, report: &Report, due: &[Due<'_>]) {
    for due in due {
        tracing::info!(
            id,
            report = report.id,
            address = due.recipient.address,
            action = due.action.name(),
            "reported"
        );
    }
}

/// Mail that nobody gets and nobody is told of is not lost without a word.
fn tell_untold(id: &str, sender: &str, recipient: &Recipient) {
    let address = &recipient.address;
    let reply = recipient.last_reply.as_ref().map(tracing::field::display);
    if sender.is_empty() {
        tracing::warn!(
            id,
            address,
            reply,
            "failed, and its null reverse-path leaves nobody to tell"
        );
    } else if recipient.notify.is_some_and(|notify| !notify.failure) {
        tracing::info!(
            id,
            address,
            reply,
            "failed, and its sender does not want to hear of it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::recipient;
    use super::*;
    use crate::spool::{Addressee, Envelope, LastReply, MailOptions, Notify, new_id};

    fn reporter(delay_after: u64) -> Reporter {
        Reporter {
            hostname: "msa.example.org".to_owned(),
            lifetime: Duration::from_secs(100),
            delay_after: Duration::from_secs(delay_after),
        }
    }

    /// A message in a spool, and what became of its recipients.
    async fn stored(spool: &Spool, sender: &str, recipients: Vec<Recipient>) -> Message {
        let arrival = Timestamp::now();
        let id = new_id(arrival).unwrap();
        let envelope = Envelope {
            arrival,
            size: 6,
            sender: sender.to_owned(),
            options: MailOptions::default(),
            recipients: recipients
                .iter()
                .map(|recipient| Addressee::from(recipient.address.clone()))
                .collect(),
        };
        spool.store(&id, &envelope, &[b"A: b\r\n"]).await.unwrap();
        spool.record(&id, &recipients).await.unwrap();
        spool.read(&id).await.unwrap()
    }

    fn failed(address: &str, notify: Option<Notify>) -> Recipient {
        Recipient {
            state: RecipientState::Failed,
            notify,
            last_reply: Some(LastReply::Hop {
                code: 550,
                lines: vec!["5.1.1 no".to_owned()],
            }),
            ..recipient(address)
        }
    }

    fn spool() -> Spool {
        Spool::open(None).unwrap()
    }

    #[tokio::test]
    async fn a_failure_is_reported_once_even_if_the_mark_is_lost() {
        let spool = spool();
        let message = stored(
            &spool,
            "alice@a.example",
            vec![failed("b@b.example", None), recipient("c@c.example")],
        )
        .await;
        let reporter = reporter(50);
        let arrival = message.entry.arrival;
        assert!(reporter.is_needed(arrival, &message.entry.recipients));
        let first = reporter.conclude(message.clone(), &spool).await.unwrap();
        let again = reporter.conclude(message, &spool).await.unwrap();
        assert_eq!(first.reports, again.reports);
        assert_eq!(spool.ids().len(), 2);
        assert!(!reporter.is_needed(arrival, &first.recipients));
        assert_eq!(
            first
                .recipients
                .iter()
                .map(|to| to.reported)
                .collect::<Vec<_>>(),
            [true, false]
        );
        let report = spool.read(&first.reports[0]).await.unwrap();
        assert_eq!(report.entry.sender, "");
        assert_eq!(report.entry.recipients[0].address, "alice@a.example");
        let text = String::from_utf8(report.content).unwrap();
        assert!(text.contains("Final-Recipient: rfc822;b@b.example"));
        assert!(!text.contains("c@c.example"));
    }

    #[tokio::test]
    async fn nobody_hears_of_what_nobody_may_hear() {
        let spool = spool();
        for (sender, notify) in [("", None), ("alice@a.example", Some(Notify::default()))] {
            let message = stored(&spool, sender, vec![failed("b@b.example", notify)]).await;
            let concluded = reporter(50).conclude(message, &spool).await.unwrap();
            assert!(concluded.reports.is_empty());
            assert!(concluded.recipients[0].reported);
        }
    }

    #[tokio::test]
    async fn a_delay_is_told_once_and_not_before_its_time() {
        let spool = spool();
        let message = stored(&spool, "alice@a.example", vec![recipient("b@b.example")]).await;
        let arrival = message.entry.arrival;
        assert!(!reporter(50).is_needed(arrival, &message.entry.recipients));
        let early = reporter(50)
            .conclude(message.clone(), &spool)
            .await
            .unwrap();
        assert!(early.reports.is_empty() && !early.recipients[0].delay_reported);
        let late = reporter(0).conclude(message, &spool).await.unwrap();
        let text = String::from_utf8(spool.read(&late.reports[0]).await.unwrap().content).unwrap();
        assert!(
            text.contains("Action: delayed\r\nStatus: 4.4.7\r\n"),
            "{text}"
        );
        assert!(text.contains("Will-Retry-Until: "));
        assert!(!reporter(0).is_needed(arrival, &late.recipients));
    }
}
