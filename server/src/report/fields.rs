//! The fields of message/delivery-status: one group about the message, one for each recipient
//! (RFC 3464, sections 2.2 and 2.3).

use std::net::IpAddr;

use super::address::{decoded, final_recipient, original_recipient, printable};
use super::fold::folded;
use super::{Action, Due, Facts, Form, diagnostic};
use crate::spool::Entry;
use crate::trace::date;

/// All groups, an empty line between them.
pub(super) fn groups(facts: &Facts<'_>, entry: &Entry, due: &[Due<'_>], form: Form) -> String {
    let limit = diagnostic_limit(due);
    let mut fields = Fields(String::new());
    if let Some(envid) = &entry.options.envid {
        fields.add("Original-Envelope-Id", &decoded(envid));
    }
    fields.add("Reporting-MTA", &format!("dns; {}", facts.hostname));
    fields.add("Arrival-Date", &date(entry.arrival));
    for due in due {
        fields.0.push_str("\r\n");
        fields.recipient(facts, due, form, limit);
    }
    fields.0
}

/// Octets of each recipient's diagnostic, so that all together stay within bounds.
pub(super) fn diagnostic_limit(due: &[Due<'_>]) -> usize {
    (DIAGNOSTICS / due.len().max(1)).max(LEAST)
}

/// The status, which has to agree with the action (RFC 3464, sections 2.3.3 and 2.3.4).
fn status(due: &Due<'_>) -> String {
    let status = due.recipient.status();
    match due.action.class() {
        Some(class) if !status.starts_with(class) => format!("{class}.0.0"),
        None if !status.starts_with(['4', '5']) => "5.0.0".to_owned(),
        _ => status,
    }
}

/// The name of a host, or its address as a literal (RFC 5321, section 4.1.3).
fn mta(host: &str) -> String {
    match host.parse() {
        Ok(IpAddr::V4(address)) => format!("[{address}]"),
        Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        Err(_) => host.to_owned(),
    }
}

struct Fields(String);

impl Fields {
    fn add(&mut self, name: &str, value: &str) {
        self.0
            .push_str(&format!("{name}: {}\r\n", folded(value, " ")));
    }

    fn recipient(&mut self, facts: &Facts<'_>, due: &Due<'_>, form: Form, limit: usize) {
        let recipient = due.recipient;
        if let Some(orcpt) = &recipient.orcpt {
            self.add("Original-Recipient", &original_recipient(orcpt, form));
        }
        self.add(
            "Final-Recipient",
            &final_recipient(&recipient.address, form),
        );
        self.add("Action", due.action.name());
        self.add("Status", &printable(&status(due)));
        if let Some(remote) = due.speaker() {
            self.add("Remote-MTA", &format!("dns; {}", printable(&mta(remote))));
        }
        if let Some(reply) = &recipient.last_reply {
            self.add("Diagnostic-Code", &diagnostic::code(reply, limit));
        }
        if let Some(time) = recipient.last_attempt {
            self.add("Last-Attempt-Date", &date(time));
        }
        if let (Action::Delayed, Some(time)) = (due.action, facts.retry_until) {
            self.add("Will-Retry-Until", &date(time));
        }
    }
}

/// Octets of all diagnostics.
const DIAGNOSTICS: usize = 512 * 1024;
/// Octets of one diagnostic, however many there are: a reply line of the longest kind.
const LEAST: usize = 512;

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, facts, recipient};
    use super::*;
    use crate::spool::{LastReply, MailOptions, Recipient};
    use rstest::rstest;

    fn hop(code: u16, text: &str) -> Option<LastReply> {
        Some(LastReply::Hop {
            code,
            lines: vec![text.to_owned()],
        })
    }

    fn one(action: Action, recipient: Recipient) -> String {
        let entry = entry(vec![recipient]);
        let recipient = &entry.recipients[0];
        groups(
            &facts(),
            &entry,
            &[Due { action, recipient }],
            Form::SevenBit,
        )
    }

    #[test]
    fn all_fields_are_there_and_in_order() {
        let mut entry = entry(vec![Recipient {
            orcpt: Some("rfc822;Orig+2BAddr@b.example".to_owned()),
            last_reply: hop(550, "5.1.1 no"),
            remote: Some("mx.b.example".to_owned()),
            ..recipient("Bob@b.example")
        }]);
        entry.options = MailOptions {
            envid: Some("Id+2B1".to_owned()),
            ..MailOptions::default()
        };
        let due = Due {
            action: Action::Failed,
            recipient: &entry.recipients[0],
        };
        assert_eq!(
            groups(&facts(), &entry, &[due], Form::SevenBit),
            "Original-Envelope-Id: Id+1\r\n\
             Reporting-MTA: dns; msa.example.org\r\n\
             Arrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\
             \r\n\
             Original-Recipient: rfc822;Orig+Addr@b.example\r\n\
             Final-Recipient: rfc822;Bob@b.example\r\n\
             Action: failed\r\n\
             Status: 5.1.1\r\n\
             Remote-MTA: dns; mx.b.example\r\n\
             Diagnostic-Code: smtp; 550 5.1.1 no\r\n\
             Last-Attempt-Date: Thu, 1 Jan 1970 00:00:09 +0000\r\n"
        );
    }

    #[test]
    fn nothing_is_told_that_nobody_said() {
        let group = one(
            Action::Failed,
            Recipient {
                last_attempt: None,
                ..recipient("a@b.example")
            },
        );
        assert_eq!(
            group.split_once("\r\n\r\n").unwrap().1,
            "Final-Recipient: rfc822;a@b.example\r\nAction: failed\r\nStatus: 4.4.7\r\n"
        );
        assert!(!group.contains("Original-Envelope-Id"), "{group}");
    }

    #[rstest]
    #[case("mx.b.example", hop(550, "no"), Some("mx.b.example"))]
    #[case("127.0.0.1", hop(550, "no"), Some("[127.0.0.1]"))]
    #[case("::1", hop(550, "no"), Some("[IPv6:::1]"))]
    #[case("mx.b.example", Some(LastReply::Own { status: "4.4.1".to_owned(), why: "no".to_owned() }), None)]
    fn a_host_is_named_only_for_what_it_said(
        #[case] remote: &str,
        #[case] last_reply: Option<LastReply>,
        #[case] expected: Option<&str>,
    ) {
        let group = one(
            Action::Failed,
            Recipient {
                last_reply,
                remote: Some(remote.to_owned()),
                ..recipient("a@b.example")
            },
        );
        let told = group
            .lines()
            .find_map(|line| line.strip_prefix("Remote-MTA: dns; "));
        assert_eq!(told, expected);
    }

    #[test]
    fn only_what_is_delayed_is_tried_again() {
        let fields = |action| one(action, recipient("a@b.example"));
        assert!(fields(Action::Delayed).contains("Will-Retry-Until: Fri, 2 Jan"));
        assert!(!fields(Action::Failed).contains("Will-Retry-Until"));
        assert!(!fields(Action::Relayed).contains("Will-Retry-Until"));
    }

    #[rstest]
    #[case(Action::Failed, hop(550, "5.1.1 no"), "5.1.1")]
    #[case(Action::Failed, hop(550, "no 5.1.1"), "5.0.0")]
    #[case(Action::Failed, hop(550, "2.1.5 nonsense"), "5.0.0")]
    #[case(Action::Failed, hop(550, "5.1.99999 odd"), "5.0.0")]
    #[case(Action::Failed, hop(550, "05.01.01 odd"), "5.0.0")]
    #[case(Action::Failed, hop(550, "error 4.2.2 seen at host 10.1.1.7"), "5.0.0")]
    #[case(Action::Failed, hop(451, "4.2.1 busy"), "4.2.1")]
    #[case(Action::Failed, hop(250, "2.0.0 odd"), "5.0.0")]
    #[case(Action::Delayed, hop(451, "4.2.1 busy"), "4.2.1")]
    #[case(Action::Delayed, hop(552, "5.2.2 full"), "4.0.0")]
    #[case(Action::Relayed, hop(250, "2.0.0 fine"), "2.0.0")]
    #[case(Action::Relayed, hop(250, "queued as 7"), "2.0.0")]
    #[case(Action::Relayed, None, "2.0.0")]
    fn the_status_agrees_with_reply_and_action(
        #[case] action: Action,
        #[case] last_reply: Option<LastReply>,
        #[case] expected: &str,
    ) {
        let group = one(
            action,
            Recipient {
                last_reply,
                ..recipient("a@b.example")
            },
        );
        assert!(
            group.contains(&format!("\r\nStatus: {expected}\r\n")),
            "{group}"
        );
    }
}
