//! What can be judged only when all cases were asked: mail that must not come, and every reply of the run.

use std::time::{Duration, Instant};

use super::{Judged, judged::seen_apart, question::attempt};
use crate::{
    case::Case,
    message::Delivered,
    mime::Fields,
    next_hop::NextHop,
    notification::Notification,
    session::{Afterwards, Shared, failure_of},
    target::Target,
    verdict::{Outcome, Step, Verdict, Weight},
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
                let nothing_may_come = matches!(
                    check,
                    Afterwards::Never(_) | Afterwards::NoReport(_) | Afterwards::NoFailure(_)
                );
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
    let reports = |token: &str| {
        let reports = hop.notifications(token).into_iter();
        reports.filter(|report| !report.is_for("<postmaster@"))
    };
    let (what, count, wanted) = match check {
        Afterwards::Once(token) => ("message", messages(token, &|_| true), 1),
        Afterwards::Never(token) => ("message", messages(token, &|_| true), 0),
        Afterwards::OnceFor(token, recipient) => (
            "message",
            messages(token, &|message| message.is_for(recipient)),
            1,
        ),
        Afterwards::NoReport(token) => ("report", reports(token).count(), 0),
        Afterwards::NoFailure(token) => {
            ("report", reports(token).filter(tells_of_failure).count(), 0)
        }
        Afterwards::ReportedOnce(token, recipient) => {
            let failures = reports(token).filter_map(|report| failure_of(&report, recipient));
            ("report", failures.count(), 1)
        }
    };
    if count != wanted {
        let expected = format!("{} at the next hop", plural(wanted, what));
        let observed = format!("{} there", plural(count, what));
        let mut deviation = seen_apart(expected, observed, Step::Delivery);
        if matches!(check, Afterwards::ReportedOnce(..)) && count > wanted {
            deviation.weight = Weight::Warn;
        }
        judged.worsen(case, deviation);
    }
}

/// What cannot be read tells of nothing that could be held against anybody.
fn tells_of_failure(report: &Delivered) -> bool {
    let groups = Notification::read(report).map(|report| report.about_recipients);
    let failed = |group: &Fields| {
        let action = group.value("Action");
        action.is_some_and(|action| action.eq_ignore_ascii_case("failed"))
    };
    groups.is_ok_and(|groups| groups.iter().any(failed))
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

    /// A hop that has taken so many reports with this action about a message, for this mailbox.
    fn told(mailbox: &str, action: &str, copies: usize) -> NextHop {
        let hop = NextHop::listen(([127, 0, 0, 1], 0).into()).unwrap();
        for _ in 0..copies {
            let mut stream = TcpStream::connect(hop.address()).unwrap();
            let lines = format!(
                "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<{mailbox}>\r\nDATA\r\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
                 --b\r\n\r\nAbout token.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
                 Reporting-MTA: dns; a.example\r\n\r\nFinal-Recipient: rfc822; token@d.example\r\n\
                 Action: {action}\r\nStatus: 5.1.1\r\n\r\n--b--\r\n.\r\nQUIT\r\n"
            );
            stream.write_all(lines.as_bytes()).unwrap();
            stream.read_to_string(&mut String::new()).unwrap();
        }
        hop
    }

    #[rstest]
    #[case(
        told("a@b.example", "failed", 1),
        Verdict::Fail,
        Verdict::Fail,
        Verdict::Pass
    )]
    #[case(
        told("a@b.example", "failed", 2),
        Verdict::Fail,
        Verdict::Fail,
        Verdict::Warn
    )]
    #[case(
        told("a@b.example", "delayed", 1),
        Verdict::Fail,
        Verdict::Pass,
        Verdict::Fail
    )]
    #[case(
        told("postmaster@b.example", "failed", 1),
        Verdict::Pass,
        Verdict::Pass,
        Verdict::Fail
    )]
    fn reports_are_weighed_by_what_they_tell_whom(
        #[case] hop: NextHop,
        #[case] none: Verdict,
        #[case] no_failure: Verdict,
        #[case] one: Verdict,
    ) {
        let token = || "token".to_owned();
        for (check, verdict) in [
            (Afterwards::NoReport(token()), none),
            (Afterwards::NoFailure(token()), no_failure),
            (
                Afterwards::ReportedOnce(token(), "token@d.example".to_owned()),
                one,
            ),
        ] {
            let mut judged = Judged::unasked(None, Verdict::Pass, String::new());
            look(&hop, &check, &FENCE, &mut judged);
            assert_eq!(judged.observation.verdict, verdict, "{check:?}");
        }
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
