//! The part of a report for people.

use super::address::{printable, shown};
use super::fields::diagnostic_limit;
use super::fold::folded;
use super::{Action, Due, Facts, Form, diagnostic};
use crate::spool::Entry;
use crate::trace::date;

/// What happened to whom, and what the other side said. Everything that others wrote is indented.
pub(super) fn text(facts: &Facts<'_>, entry: &Entry, due: &[Due<'_>], form: Form) -> String {
    let mut text = format!(
        "This is the mail system at {}.\r\n\r\nIt is about your message of {}.\r\n",
        facts.hostname,
        date(entry.arrival),
    );
    let limit = diagnostic_limit(due);
    for action in [Action::Failed, Action::Delayed, Action::Relayed] {
        let mut about = due.iter().filter(|due| due.action == action).peekable();
        if about.peek().is_some() {
            text.push_str(&introduction(action, facts));
        }
        for due in about {
            let recipient = due.recipient;
            let address = folded(&shown(&recipient.address, form), "  ");
            text.push_str(&format!("\r\n  <{address}>\r\n"));
            if let Some(remote) = due.speaker() {
                let remote = folded(&printable(remote), "    ");
                text.push_str(&format!("    {remote} said:\r\n"));
            }
            let said = recipient.last_reply.iter();
            for line in said.flat_map(|reply| diagnostic::lines(reply, limit)) {
                text.push_str(&format!("    {line}\r\n"));
            }
        }
    }
    text
}

/// The subject for all that the report tells.
pub(super) fn subject(due: &[Due<'_>]) -> &'static str {
    let tells = |action| due.iter().any(|due| due.action == action);
    if tells(Action::Failed) {
        "Your message could not be delivered"
    } else if tells(Action::Delayed) {
        "Your message is delayed"
    } else {
        "Your message was relayed"
    }
}

fn introduction(action: Action, facts: &Facts<'_>) -> String {
    match (action, facts.retry_until) {
        (Action::Failed, _) => "\r\nIt could not be delivered to these recipients, and no further \
             attempt is made:\r\n"
            .to_owned(),
        (Action::Delayed, None) => "\r\nIt could not be delivered to these recipients yet. \
             Attempts go on; there is no need to send it again:\r\n"
            .to_owned(),
        (Action::Delayed, Some(time)) => format!(
            "\r\nIt could not be delivered to these recipients yet. Attempts go on until\r\n\
             {}; there is no need to send it again:\r\n",
            date(time)
        ),
        (Action::Relayed, _) => "\r\nIt was handed on for these recipients to a mail system that \
             does not tell\r\nwhether it arrives:\r\n"
            .to_owned(),
    }
}
