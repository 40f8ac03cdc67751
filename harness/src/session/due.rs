//! The verbs of mail that is due: how long it is awaited, and what it weighs that it does not come.

use std::time::Duration;

use super::{Afterwards, Session, Shared};
use crate::{
    error::Error,
    message::Message,
    notification::Notification,
    target::Target,
    verdict::{Halt, Outcome, Weight},
};

/// Where nobody promises that mail comes soon, a run waits once for the whole deadline in vain, and from
/// then on for this part of it: what the server does not try again today is not waited for in every case.
const IN_VAIN: u32 = 10;

/// The longest wait of a session for mail that is due.
pub(super) fn patience(target: &Target, shared: &Shared) -> Duration {
    let deadline = target.treatment.delivery_deadline;
    match target.promises.retries_within.is_none() && shared.waited_in_vain() {
        true => deadline / IN_VAIN,
        false => deadline,
    }
}

impl Session<'_> {
    /// What was due has not come: that breaks a promise, or nothing can be said.
    pub(super) fn late(&mut self, mail: &Message, expected: &str, observed: String) -> Halt {
        if self.target.promises.retries_within.is_some() {
            return self.hop_deviates(mail, expected, observed);
        }
        self.transcript.note(&observed);
        self.nothing_came()
    }

    /// Nobody has promised what has not come.
    pub(super) fn nothing_came(&self) -> Halt {
        self.shared.wait_was_in_vain();
        Error::Target(format!(
            "nothing came within {} s: the server may be waiting, for the next hop or before its next \
             attempt (RFC 5321, sections 4.5.3.2 and 4.5.4.1): promise retries_within if it does not",
            self.patience.as_secs_f32()
        ))
        .into()
    }

    /// The message arrives once, and nobody is told that it failed. A report in its place is worth a
    /// warning: the wait has ended, and nothing was used that was not offered, but RFC 5321 sections 3.8
    /// and 4.5.4.1 advise to try again.
    ///
    /// # Errors
    /// As [`Session::arrives`].
    pub fn arrives_or_is_reported(&mut self, mail: &Message) -> Outcome {
        match self.arrives(mail) {
            Ok(_) => {
                self.afterwards(Afterwards::Once(mail.token.clone()));
                self.afterwards(Afterwards::NoFailure(mail.token.clone()));
                Ok(())
            }
            Err(Halt::Deviation(deviation)) if deviation.weight == Weight::Level => {
                self.notes.borrow_mut().push(*deviation);
                Ok(())
            }
            Err(halt) => Err(halt),
        }
    }

    /// A report that RFC 3464 does not describe. RFC 5321 section 3.6.3 advises its format; only who
    /// claims it is held to it.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the report claims it.
    pub(super) fn unread(
        &mut self,
        mail: &Message,
        recipient: &str,
        fault: String,
    ) -> Outcome<Notification> {
        let unread = |message: &_| Notification::read(message).is_err();
        let reports = self.hop()?.notifications(&mail.token).into_iter();
        let mut about = reports.filter(|message| message.mentions(recipient) && unread(message));
        let expected = "a report to the sender";
        match about.next() {
            Some(message) if !Notification::is_claimed_by(&message) => {
                let observed = format!("a report in a format of its own: {fault}");
                self.hop_note(mail, "a report as RFC 3464 has it", observed);
                Ok(Notification::in_another_format(message))
            }
            _ => {
                let observed = format!("a report that cannot be read: {fault}");
                Err(self.hop_deviates(mail, expected, observed))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
        time::Duration,
    };

    use rstest::rstest;

    use crate::{
        case::Case,
        next_hop::{Action, Rule, Stage},
        report::Observation,
        run::ask_everywhere,
        session::{Session, Shared},
        target::embedded::{self, Profile},
        verdict::{Outcome, Verdict},
    };

    /// What becomes of a case on a server whose next hop is busy for ever.
    fn asked(
        script: fn(&mut Session<'_>) -> Outcome,
        promise: Option<Duration>,
        shared: &Shared,
    ) -> Observation {
        let mut target = embedded::start(Profile::Modern).unwrap();
        target.promises.retries_within = promise;
        target.treatment.delivery_deadline = Duration::from_secs(1);
        let case = Case {
            script,
            ..Case::DEFAULT
        };
        ask_everywhere(&target, &case, shared).remove(0).observation
    }

    fn stays_queued(s: &mut Session<'_>) -> Outcome {
        let mail = s.returnable()?;
        let busy = Rule::at(Stage::Recipient).about(&mail.recipient);
        s.next_hop(busy.always(Action::reply("451 4.2.1 Busy")))?;
        s.post(&mail)?;
        s.arrives(&mail).map(drop)
    }

    fn stays_silent(s: &mut Session<'_>) -> Outcome {
        let mail = s.returnable()?;
        let silent = Rule::at(Stage::Recipient).about(&mail.recipient);
        s.next_hop(silent.once(Action::Endless("250-and more".to_owned())))?;
        let mut idle = TcpStream::connect(s.hop()?.address()).unwrap();
        let line = format!(
            "MAIL FROM:<a@b.example>\r\nRCPT TO:<{}>\r\n",
            mail.recipient
        );
        idle.write_all(line.as_bytes()).unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"250-and more\r\n") {
            let mut octet = [0];
            idle.read_exact(&mut octet).unwrap();
            seen.extend(octet);
        }
        s.silence_was_left(&mail)
    }

    #[rstest]
    #[case(stays_queued)]
    #[case(stays_silent)]
    fn only_who_promises_to_be_quick_is_judged_for_it(
        #[case] script: fn(&mut Session<'_>) -> Outcome,
    ) {
        let shared = Shared::default();
        let seen = asked(script, Some(Duration::from_secs(1)), &shared);
        assert_eq!(seen.verdict, Verdict::Fail, "{:?}", seen.observed);
        for waited in ["within 1 s", "within 0.1 s"] {
            let seen = asked(script, None, &shared);
            let reason = seen.reason.unwrap_or_default();
            assert_eq!(seen.verdict, Verdict::Inconclusive, "{reason}");
            assert!(
                reason.contains(waited) && reason.contains("retries_within"),
                "{reason}"
            );
        }
    }

    /// A report about a message comes to the next hop, with this header and this body.
    fn told(s: &mut Session<'_>, header: &str, body: &str) -> Outcome {
        let mail = s.returnable()?;
        let recipient = &mail.recipient;
        let mut client = TcpStream::connect(s.hop()?.address()).unwrap();
        let lines = format!(
            "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<{}>\r\nDATA\r\n{header}\r\n{body} <{recipient}>\r\n\
             .\r\nQUIT\r\n",
            mail.sender
        );
        client.write_all(lines.as_bytes()).unwrap();
        client.read_to_string(&mut String::new()).unwrap();
        let report = s.reported(&mail, recipient)?;
        assert!(report.message.is_from_nobody());
        Ok(())
    }

    #[rstest]
    #[case(
        |s: &mut Session<'_>| told(s, "Subject: failure notice\r\n", "Hi. This is the program."),
        Verdict::Warn
    )]
    #[case(
        |s: &mut Session<'_>| told(
            s,
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
            "--b\r\n\r\nIt failed:"
        ),
        Verdict::Fail
    )]
    fn only_who_claims_the_format_of_reports_is_held_to_it(
        #[case] script: fn(&mut Session<'_>) -> Outcome,
        #[case] verdict: Verdict,
    ) {
        let seen = asked(script, Some(Duration::from_secs(1)), &Shared::default());
        assert_eq!(
            seen.verdict, verdict,
            "{:?} {:?}",
            seen.reason, seen.observed
        );
    }
}
