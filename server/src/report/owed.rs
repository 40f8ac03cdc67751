//! Who is owed a report (RFC 3461, section 5.2; RFC 5321, section 6.1). The envelope alone decides.

use super::{Action, Due};
use crate::spool::{Entry, Recipient, RecipientState};

/// The recipients whose result is due, each once: failures unless NOTIFY leaves them out, and
/// successes that were asked for, where the hop that took the message makes no report of its own.
pub(super) fn results(entry: &Entry) -> Vec<Due<'_>> {
    owed(entry, |recipient| match recipient.state {
        _ if recipient.reported => None,
        RecipientState::Failed => recipient
            .notify
            .is_none_or(|notify| notify.failure)
            .then_some(Action::Failed),
        RecipientState::Delivered => recipient
            .notify
            .is_some_and(|notify| notify.success && !recipient.dsn_passed_on)
            .then_some(Action::Relayed),
        RecipientState::Pending => None,
    })
}

/// The recipients that wait and whose sender may hear of it, each once.
pub(super) fn delays(entry: &Entry) -> Vec<Due<'_>> {
    owed(entry, |recipient| {
        let allowed = recipient.notify.is_none_or(|notify| notify.delay);
        (allowed && is_delay(recipient)).then_some(Action::Delayed)
    })
}

/// Whether a recipient waits and nobody was told so. What was never tried waits for us alone.
pub(super) fn is_delay(recipient: &Recipient) -> bool {
    let waits = recipient.state == RecipientState::Pending && recipient.attempts > 0;
    waits && !recipient.delay_reported
}

/// Whether nothing more is to be done about a recipient. A failure is settled by its mark alone, also
/// where nobody is to be told.
pub(crate) fn is_settled(recipient: &Recipient) -> bool {
    let success = recipient.notify.is_some_and(|notify| notify.success);
    match recipient.state {
        RecipientState::Pending => false,
        RecipientState::Failed => recipient.reported,
        RecipientState::Delivered => recipient.reported || !success || recipient.dsn_passed_on,
    }
}

/// Nobody is owed a report about mail from the null reverse-path.
fn owed(entry: &Entry, action: impl Fn(&Recipient) -> Option<Action>) -> Vec<Due<'_>> {
    entry
        .recipients
        .iter()
        .filter(|_| !entry.sender.is_empty())
        .filter_map(|recipient| action(recipient).map(|action| Due { action, recipient }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, recipient};
    use super::*;
    use crate::spool::Notify;
    use rstest::rstest;

    const NEVER: Notify = Notify {
        success: false,
        failure: false,
        delay: false,
    };
    const SUCCESS: Notify = Notify {
        success: true,
        ..NEVER
    };
    const FAILURE: Notify = Notify {
        failure: true,
        ..NEVER
    };
    const DELAY: Notify = Notify {
        delay: true,
        ..NEVER
    };

    #[rstest]
    #[case(RecipientState::Failed, None, Some(Action::Failed))]
    #[case(RecipientState::Failed, Some(FAILURE), Some(Action::Failed))]
    #[case(RecipientState::Failed, Some(SUCCESS), None)]
    #[case(RecipientState::Failed, Some(DELAY), None)]
    #[case(RecipientState::Failed, Some(NEVER), None)]
    #[case(RecipientState::Delivered, None, None)]
    #[case(RecipientState::Delivered, Some(SUCCESS), Some(Action::Relayed))]
    #[case(RecipientState::Delivered, Some(FAILURE), None)]
    #[case(RecipientState::Pending, None, Some(Action::Delayed))]
    #[case(RecipientState::Pending, Some(DELAY), Some(Action::Delayed))]
    #[case(RecipientState::Pending, Some(FAILURE), None)]
    #[case(RecipientState::Pending, Some(NEVER), None)]
    fn notify_decides(
        #[case] state: RecipientState,
        #[case] notify: Option<Notify>,
        #[case] expected: Option<Action>,
    ) {
        let mut entry = entry(vec![Recipient {
            state,
            notify,
            ..recipient("a@b.example")
        }]);
        let actions = |entry: &Entry| -> Vec<Action> {
            [results(entry), delays(entry)]
                .concat()
                .iter()
                .map(|due| due.action)
                .collect()
        };
        assert_eq!(actions(&entry), Vec::from_iter(expected));
        let sender = std::mem::take(&mut entry.sender);
        assert_eq!(actions(&entry), [], "null reverse-path");
        entry.sender = sender;
        entry.recipients[0].reported = true;
        entry.recipients[0].delay_reported = true;
        assert_eq!(actions(&entry), [], "reported already");
    }

    #[test]
    fn a_hop_that_reports_itself_is_left_to_it() {
        let entry = entry(vec![Recipient {
            state: RecipientState::Delivered,
            notify: Some(SUCCESS),
            dsn_passed_on: true,
            ..recipient("a@b.example")
        }]);
        assert!(results(&entry).is_empty());
    }

    #[test]
    fn what_was_never_tried_is_not_late_yet() {
        let entry = entry(vec![Recipient {
            attempts: 0,
            ..recipient("a@b.example")
        }]);
        assert!(delays(&entry).is_empty());
    }
}
