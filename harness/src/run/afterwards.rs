//! What can be judged only when all cases were asked: mail that must not come, and every reply of the run.

use std::time::{Duration, Instant};

use super::{Judged, judged::seen_apart, question::attempt};
use crate::{
    case::Case,
    message::Delivered,
    next_hop::NextHop,
    session::{Afterwards, Shared, failure_of},
    target::Target,
    verdict::{Outcome, Step, Verdict},
};

/// A message that is sent last: what was accepted before it has had its chance when it arrives.
const FENCE: Case = Case {
    id: "fence",
    script: |s| {
        let mail = s.submit()?;
        s.delivered(&mail).map(drop)
    },
    ..Case::DEFAULT
};

/// Worsens the verdicts that need it.
pub(super) fn look_again(
    target: &Target,
    cases: &mut [(&Case, &mut Vec<(Judged, Duration)>)],
    shared: &Shared,
) {
    for (case, answers) in cases.iter_mut().filter(|(case, _)| case.every_reply) {
        for deviation in shared.multi_line_faults() {
            for (judged, _) in answers
                .iter_mut()
                .filter(|(judged, _)| judged.observation.verdict != Verdict::Skip)
                .take(1)
            {
                judged.worsen(case, deviation.clone());
            }
        }
    }
    let due = cases.iter().any(|(_, answers)| {
        answers
            .iter()
            .any(|(judged, _)| !judged.afterwards.is_empty())
    });
    let Some(hop) = target.next_hop.as_ref().filter(|_| due) else {
        return;
    };
    let fence = fence(target, shared);
    settle(target.treatment.settle, shared);
    for (case, answers) in cases {
        for (judged, _) in answers.iter_mut() {
            for check in judged.afterwards.clone() {
                look(hop, &check, case, judged);
                let nothing_may_come =
                    matches!(check, Afterwards::Never(_) | Afterwards::NoReport(_));
                if shared.interrupted() {
                    judged.withdraw("the run was interrupted");
                } else if fence.is_err() && nothing_may_come {
                    judged.withdraw(
                        "no later message came, so that this one has not come says nothing",
                    );
                }
            }
        }
    }
}

fn look(hop: &NextHop, check: &Afterwards, case: &Case, judged: &mut Judged) {
    let messages = |token: &str, wanted: &dyn Fn(&Delivered) -> bool| {
        let messages = hop.messages(token);
        messages.iter().filter(|message| wanted(message)).count()
    };
    let (what, count, wanted) = match check {
        Afterwards::Once(token) => ("message", messages(token, &|_| true), 1),
        Afterwards::Never(token) => ("message", messages(token, &|_| true), 0),
        Afterwards::OnceFor(token, recipient) => (
            "message",
            messages(token, &|message| message.is_for(recipient)),
            1,
        ),
        Afterwards::NoReport(token) => ("report", hop.notifications(token).len(), 0),
        Afterwards::ReportedOnce(token, recipient) => {
            let reports = hop.notifications(token);
            let failures = reports
                .iter()
                .filter_map(|report| failure_of(report, recipient));
            ("report", failures.count(), 1)
        }
    };
    if count != wanted {
        let expected = format!("{} at the next hop", plural(wanted, what));
        let observed = format!("{} there", plural(count, what));
        judged.worsen(case, seen_apart(expected, observed, Step::Delivery));
    }
}

fn fence(target: &Target, shared: &Shared) -> Outcome {
    match target.listeners_for(crate::case::On::Any).first() {
        Some(listener) => attempt(target, listener, &FENCE, shared).1,
        None => Ok(()),
    }
}

/// Waits, unless the run is interrupted.
fn settle(settle: Duration, shared: &Shared) {
    let deadline = Instant::now() + settle;
    while !shared.interrupted() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::park_timeout(left.min(Duration::from_millis(100)));
    }
}

fn plural(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("one {what}"),
        count => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use rstest::rstest;

    use super::*;

    /// A hop that has taken so many messages with this token.
    fn hop(token: &str, copies: usize) -> NextHop {
        let hop = NextHop::listen(([127, 0, 0, 1], 0).into()).unwrap();
        for _ in 0..copies {
            let mut stream = TcpStream::connect(hop.address()).unwrap();
            let message = format!(
                "EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n{token}\r\n.\r\nQUIT\r\n"
            );
            stream.write_all(message.as_bytes()).unwrap();
            // The end of the connection is the end of the message.
            stream.read_to_string(&mut String::new()).unwrap();
        }
        hop
    }

    #[rstest]
    #[case(Afterwards::Once("token".to_owned()), 1, Verdict::Pass)]
    #[case(Afterwards::Once("token".to_owned()), 2, Verdict::Fail)]
    #[case(Afterwards::OnceFor("token".to_owned(), "c@d.example".to_owned()), 1, Verdict::Pass)]
    #[case(Afterwards::OnceFor("token".to_owned(), "x@d.example".to_owned()), 1, Verdict::Fail)]
    #[case(Afterwards::NoReport("token".to_owned()), 1, Verdict::Pass)]
    #[case(Afterwards::ReportedOnce("token".to_owned(), "c@d.example".to_owned()), 1, Verdict::Fail)]
    #[case(Afterwards::Never("token".to_owned()), 0, Verdict::Pass)]
    #[case(Afterwards::Never("token".to_owned()), 1, Verdict::Fail)]
    fn copies_are_counted(
        #[case] check: Afterwards,
        #[case] copies: usize,
        #[case] verdict: Verdict,
    ) {
        let mut judged = Judged::unasked(None, Verdict::Pass, String::new());
        look(&hop("token", copies), &check, &FENCE, &mut judged);
        assert_eq!(judged.observation.verdict, verdict);
    }

    #[test]
    fn only_a_pass_is_withdrawn() {
        for (before, after) in [
            (Verdict::Pass, Verdict::Inconclusive),
            (Verdict::Fail, Verdict::Fail),
        ] {
            let mut judged = Judged::unasked(None, before, String::new());
            judged.withdraw("the run was interrupted");
            assert_eq!(judged.observation.verdict, after);
        }
    }
}
