//! What a run may do to a server at most, said before it is done.

use msaspec_harness::{
    case::Case,
    report::terminal::harmless,
    run::Plan,
    target::{Recipient, Target},
};

/// What one case may do on one listener, when it is asked once.
struct Most {
    connections: usize,
    messages: usize,
    failed_logins: usize,
}

impl Most {
    fn of(case: &Case) -> Most {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let failed_logins = count(case.failed_logins);
        Most {
            // One for each login that fails, and one to see that the right one does not.
            connections: count(case.connections).max(failed_logins + 1),
            messages: count(case.messages),
            failed_logins,
        }
    }
}

/// One line about a server that is not ours.
pub(super) fn announcement(target: &Target, plan: &Plan) -> String {
    let allowed = target.treatment.failed_logins;
    let allowed = allowed.and_then(|most| usize::try_from(most).ok());
    let sends =
        target.next_hop.is_some() && !matches!(target.envelope.recipient, Recipient::Nowhere(_));
    // The first look at every listener, the first dialogue, and the message that comes last.
    let mut connections = target.listeners.len() + 2;
    let mut messages = usize::from(sends);
    let (mut more_connections, mut more_messages) = (0, 0);
    let mut failed_logins = 0;
    for case in plan.cases.iter().map(|planned| planned.case) {
        let most = Most::of(case);
        // What needs more failed logins than a whole run may make is skipped.
        if allowed.is_some_and(|allowed| most.failed_logins > allowed) {
            continue;
        }
        let listeners = target.listeners_for(case.on).len();
        // After silence, a fresh connection shows whether the server answers at all.
        connections += listeners * (most.connections + 1);
        messages += listeners * most.messages * usize::from(sends);
        failed_logins += listeners * most.failed_logins;
        // Failed logins are not made twice on a server in use.
        if allowed.is_none() || most.failed_logins == 0 {
            more_connections += listeners * most.connections;
            more_messages += listeners * most.messages * usize::from(sends);
        }
    }
    format!(
        "{}: at most {connections} connections, {} failed logins and {messages} messages \
         ({} connections and {} messages if it puts us off)",
        harmless(&target.name),
        allowed.map_or(failed_logins, |allowed| failed_logins.min(allowed)),
        connections + more_connections,
        messages + more_messages,
    )
}
