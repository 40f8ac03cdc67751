//! What a run may do to a server at most, said before it is done.

use msaspec_harness::{
    run::Plan,
    target::{Recipient, Target},
};

/// Connections of one case on one listener, a look whether the server answers at all included.
const CONNECTIONS: usize = 4;
/// Messages of one case on one listener.
const MESSAGES: usize = 2;
/// A server that puts us off is asked once more.
const ATTEMPTS: usize = 2;

/// One line about a server that is not ours.
pub(super) fn announcement(target: &Target, plan: &Plan) -> String {
    let listeners = |on| target.listeners_for(on).len();
    let mut questions = 0;
    let mut failed_logins = 0;
    for case in plan.cases.iter().map(|planned| planned.case) {
        questions += listeners(case.on);
        failed_logins +=
            listeners(case.on) * usize::try_from(case.failed_logins).unwrap_or(usize::MAX);
    }
    let allowed = target.treatment.failed_logins;
    let allowed = allowed.map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    // The first look at every listener, the first dialogue, and the message that comes last.
    let others = target.listeners.len() + 2;
    let connections = others + questions * CONNECTIONS * ATTEMPTS;
    let sends =
        target.next_hop.is_some() && !matches!(target.envelope.recipient, Recipient::Nowhere(_));
    let messages = if sends { 1 + questions * MESSAGES } else { 0 };
    format!(
        "{}: at most {connections} connections, {} failed logins and {messages} messages",
        target.name,
        failed_logins.min(allowed),
    )
}
