//! Logins: every mechanism, and what is allowed after it.

use msaspec_harness::{
    mechanism::{Credentials, Mechanism},
    session::Session,
    verdict::Outcome,
};

use super::{Talk, Tls, words::word};
use crate::check::facts::Area;

impl Talk<'_> {
    /// A login by the first mechanism that lets us in, and what is allowed then.
    pub(super) fn login(&mut self, s: &mut Session<'_>) -> Outcome {
        let Some(mechanism) = logged_in(s, self.target.account.as_ref())? else {
            return Ok(());
        };
        s.ehlo()?;
        self.keywords(s, "after login");
        let sender = s.sender().to_owned();
        let mail = word(s.mail_from(&sender, "sender"))?;
        let taken = mail.starts_with('2');
        self.answer("MAIL after login", mail);
        if taken {
            let recipient = s.recipient_elsewhere()?;
            let elsewhere = word(s.rcpt_to(&recipient, "elsewhere"))?;
            self.elsewhere
                .entry(elsewhere)
                .or_default()
                .insert(mechanism);
            let local = s.local_recipient().to_owned();
            let here = word(s.rcpt_to(&local, "here"))?;
            self.answer("RCPT here after login", here);
        }
        let user = sender.split('@').next().unwrap_or_default();
        s.command("RSET")?;
        let unqualified = word(s.command(format!("MAIL FROM:<{user}>")))?;
        self.answer("MAIL without a domain after login", unqualified);
        s.command("QUIT").map(drop)
    }

    /// Every mechanism that was offered or promised, in clear text and inside TLS.
    pub(super) fn mechanisms(&mut self) {
        if !self.listener.is_submission() {
            return;
        }
        let states: &[Tls] = match self.heard.facts.at(Area::Answers, &self.place, "STARTTLS") {
            _ if self.listener.implicit_tls => &[Tls::Inside],
            Some(answer) if answer.starts_with("works") => &[Tls::Clear, Tls::Inside],
            _ => &[Tls::Clear],
        };
        for &mechanism in Mechanism::ALL {
            let anywhere = self
                .offered
                .iter()
                .any(|(_, offered)| *offered == mechanism);
            if !anywhere && !self.target.promises.mechanism(mechanism.name()) {
                continue;
            }
            for tls in states {
                self.mechanism(mechanism, *tls);
            }
        }
    }

    fn mechanism(&mut self, mechanism: Mechanism, tls: Tls) {
        let question = format!("{mechanism}, {}", tls.word());
        if !self.offered.contains(&(tls, mechanism)) {
            self.note(Area::Mechanisms, question, "not offered".to_owned());
            return;
        }
        let name = match tls {
            Tls::Clear => format!("AUTH {mechanism} in clear text"),
            Tls::Inside => format!("AUTH {mechanism} inside TLS"),
        };
        self.dialogue(&name, |talk, s| {
            s.connected()?;
            s.ehlo()?;
            if tls == Tls::Inside && !s.encrypted() {
                s.start_tls()?;
                s.ehlo()?;
            }
            let Some(account) = &talk.target.account else {
                return Ok(());
            };
            let heard = word(s.authenticate(mechanism, account))?;
            let is_in = heard.starts_with("235");
            talk.note(Area::Mechanisms, question, heard);
            let sender = s.sender().to_owned();
            if is_in && s.mail_from(&sender, "sender")?.accepted() {
                // sendmail relays only for mechanisms that it trusts.
                let recipient = s.recipient_elsewhere()?;
                let elsewhere = word(s.rcpt_to(&recipient, "elsewhere"))?;
                talk.elsewhere
                    .entry(elsewhere)
                    .or_default()
                    .insert(mechanism);
            }
            s.command("QUIT").map(drop)
        });
    }

    /// One fact for all mechanisms, which names them only where they differ.
    pub(super) fn relay_after_login(&mut self) {
        let replies = std::mem::take(&mut self.elsewhere);
        let differ = replies.len() > 1;
        let words = replies.into_iter().map(|(reply, mechanisms)| {
            let names: Vec<_> = mechanisms
                .iter()
                .map(|mechanism| mechanism.name())
                .collect();
            match differ {
                true => format!("{reply} by {}", names.join(" ")),
                false => reply,
            }
        });
        let words = words.collect::<Vec<_>>().join(", ");
        if !words.is_empty() {
            self.answer("RCPT elsewhere after login", words);
        }
    }
}

/// Logs in by the mechanisms that are offered, one after the other, until one lets us in.
pub(super) fn logged_in(
    s: &mut Session<'_>,
    account: Option<&Credentials>,
) -> Outcome<Option<Mechanism>> {
    let Some(account) = account else {
        return Ok(None);
    };
    for &mechanism in Mechanism::ALL {
        if s.keywords().offers_mechanism(mechanism)
            && s.authenticate(mechanism, account)?.code() == 235
        {
            return Ok(Some(mechanism));
        }
    }
    Ok(None)
}
