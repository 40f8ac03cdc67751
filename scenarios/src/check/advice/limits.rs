//! Limits that are narrower than a client may rely on.

use super::{Evidence, Found, OPTIONS, Rule, remedy};
use crate::check::findings::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "recipients-too-few",
        look: recipients_too_few,
        reason: "Clients may give 100 recipients at a time; those beyond the limit are put off, and some clients give up.",
        source: "RFC 5321 section 4.5.3.1.8",
    },
    Rule {
        id: "mail-only-queued",
        look: mail_only_queued,
        reason: "Nothing leaves before somebody runs the queue, and the sender is told that all is well.",
        source: OPTIONS,
    },
];

/// What a server has to take at least.
const RECIPIENTS: u32 = 100;

fn recipients_too_few(evidence: &Evidence<'_>) -> Vec<Found> {
    let limit = evidence.cf.option("MaxRecipientsPerMessage");
    let limit = limit.and_then(|limit| limit.trim().parse::<u32>().ok());
    let Some(limit) = limit.filter(|limit| (1..RECIPIENTS).contains(limit)) else {
        return Vec::new();
    };
    vec![Found {
        kind: Kind::Hint,
        what: format!("A message may have {limit} recipients at most."),
        remedy: remedy::define("confMAX_RCPTS_PER_MESSAGE", "100"),
        place: evidence.option_place("MaxRecipientsPerMessage", "confMAX_RCPTS_PER_MESSAGE"),
    }]
}

fn mail_only_queued(evidence: &Evidence<'_>) -> Vec<Found> {
    let mode = evidence
        .cf
        .option("DeliveryMode")
        .unwrap_or_default()
        .trim();
    if !mode.to_ascii_lowercase().starts_with('q') {
        return Vec::new();
    }
    vec![Found {
        kind: Kind::Hint,
        what: "Mail is only queued (confDELIVERY_MODE).".to_owned(),
        remedy: remedy::define("confDELIVERY_MODE", "background"),
        place: evidence.option_place("DeliveryMode", "confDELIVERY_MODE"),
    }]
}
