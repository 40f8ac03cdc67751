//! How much of nothing one session may do: refused commands, idle commands, failed logins.

use crate::config::Limits;

/// The counts of one session.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    errors: u32,
    commands: u32,
    /// RCPTs refused for now, which are no errors: people's lists are long.
    deferred: usize,
    failed_logins: u32,
    refusals: u32,
    messages: u32,
}

/// Refusals between two messages that are worth a line of the log each.
const TOLD: u32 = 20;

impl Patience {
    /// Counts a command and its reply's code; why the session has to end, if it has to.
    pub(crate) fn command(
        &mut self,
        code: u16,
        is_rcpt: bool,
        limits: &Limits,
    ) -> Option<&'static str> {
        if !is_rcpt {
            self.commands += 1;
        }
        if code >= 500 {
            self.errors += 1;
        } else if code >= 400 && is_rcpt {
            self.deferred += 1;
        }
        if self.errors > limits.errors {
            Some("Too many errors")
        } else if self.commands > limits.commands_without_mail {
            Some("Too many commands without mail")
        } else if self.deferred > limits.recipients {
            Some("Too many recipients")
        } else {
            None
        }
    }

    /// Counts a refused command; whether the log has to tell. A client that is wrong without an end
    /// must not fill the disk.
    pub(crate) fn refusal(&mut self) -> bool {
        self.refusals = self.refusals.saturating_add(1);
        self.refusals <= TOLD
    }

    /// Commands refused since the last message.
    pub(crate) fn refusals(&self) -> u32 {
        self.refusals
    }

    /// Counts a failed login; true if it was one too many.
    pub(crate) fn failed_login(&mut self, limits: &Limits) -> bool {
        self.failed_logins += 1;
        self.failed_logins >= limits.failed_logins_per_session
    }

    /// A message taken makes up for what was before.
    pub(crate) fn message(&mut self) {
        self.errors = 0;
        self.commands = 0;
        self.deferred = 0;
        self.refusals = 0;
        self.messages = self.messages.saturating_add(1);
    }

    /// Messages taken.
    pub(crate) fn messages(&self) -> u32 {
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = || Limits {
        errors: 2,
        commands_without_mail: 4,
        ..Limits::default()
    };

    #[test]
    fn errors_run_out_and_mail_makes_up_for_them() {
        let mut patience = Patience::default();
        for _ in 0..3 {
            assert_eq!(patience.command(550, true, &LIMITS()), None);
            assert_eq!(patience.command(500, false, &LIMITS()), None);
            patience.message();
        }
        patience.command(550, true, &LIMITS());
        patience.command(550, true, &LIMITS());
        let end = patience.command(550, true, &LIMITS());
        assert_eq!(end, Some("Too many errors"));
    }

    #[test]
    fn commands_run_out_and_recipients_do_not_count() {
        let mut patience = Patience::default();
        for _ in 0..4 {
            assert_eq!(patience.command(250, false, &LIMITS()), None);
            assert_eq!(patience.command(250, true, &LIMITS()), None);
            assert_eq!(patience.command(452, true, &LIMITS()), None);
        }
        let end = patience.command(250, false, &LIMITS());
        assert_eq!(end, Some("Too many commands without mail"));
    }

    #[test]
    fn recipients_refused_for_now_run_out() {
        let limits = Limits::default();
        let mut patience = Patience::default();
        for _ in 0..2 {
            for _ in 0..limits.recipients {
                assert_eq!(patience.command(451, true, &limits), None);
            }
            patience.message();
        }
        for _ in 0..limits.recipients {
            patience.command(452, true, &limits);
        }
        let end = patience.command(452, true, &limits);
        assert_eq!(end, Some("Too many recipients"));
    }

    #[test]
    fn the_log_is_told_of_some_refusals_between_two_messages() {
        let mut patience = Patience::default();
        for _ in 0..2 {
            let told = (0..1000).filter(|_| patience.refusal()).count();
            assert_eq!((told, patience.refusals()), (20, 1000));
            patience.message();
        }
    }

    #[test]
    fn logins_run_out() {
        let mut patience = Patience::default();
        let ended: Vec<_> = (0..5).map(|_| patience.failed_login(&LIMITS())).collect();
        assert_eq!(ended, [false, false, false, false, true]);
    }
}
