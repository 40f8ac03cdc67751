//! What arrives at the next hop of a message that each account has sent.

use std::time::Duration;

use msaspec_harness::{
    mechanism::Credentials,
    message::{Delivered, Message, Received, token},
    session::Session,
    verdict::{Halt, Outcome},
};

use super::{Talk, login::logged_in};
use crate::check::facts::Area;

impl Talk<'_> {
    /// A message of each account to somebody elsewhere.
    pub(super) fn delivery(&mut self) {
        let accounts = [&self.target.account, &self.target.other_account];
        for account in accounts.into_iter().flatten().cloned().collect::<Vec<_>>() {
            self.dialogue(&format!("a message of {}", account.user), |talk, s| {
                s.secured()?;
                let Some(mail) = submitted(s, &account)? else {
                    return Ok(());
                };
                let arrived = talk.arrived(&mail);
                let words = if arrived.is_some() { "yes" } else { "no" };
                talk.delivered(&account, "arrives at the next hop", words.to_owned());
                let Some(delivered) = arrived else {
                    s.remark(&format!(
                        "nothing at the next hop for {} s",
                        PATIENCE.as_secs()
                    ));
                    return Ok(());
                };
                s.remark("the next hop has the message");
                for (question, answer) in observed(&delivered, &mail, &s.local_domain()) {
                    s.remark(&format!("{question}: {answer}"));
                    talk.delivered(&account, question, answer);
                }
                Ok(())
            });
        }
    }

    fn arrived(&self, mail: &Message) -> Option<Delivered> {
        let hop = self.target.next_hop.as_ref()?;
        hop.wait(&mail.token, PATIENCE, &|| self.shared.interrupted())
    }

    fn delivered(&mut self, account: &Credentials, question: &str, answer: String) {
        let question = format!("{question}, {}", account.user);
        self.heard.facts.note(Area::Delivery, "", question, answer);
    }
}

/// Logs in and submits a message, if the server lets us.
fn submitted(s: &mut Session<'_>, account: &Credentials) -> Outcome<Option<Message>> {
    if logged_in(s, Some(account))?.is_none() {
        return Err(Halt::Skip("not logged in: nothing was sent".to_owned()));
    }
    let token = token()?;
    let sender = format!("{}@{}", account.user, s.local_domain());
    let recipient = s.recipient_elsewhere()?;
    let mail = Message::new("check", &sender, &recipient, token);
    let accepted = s.mail_from(&sender, "sender")?.accepted()
        && s.rcpt_to(&recipient, "recipient")?.accepted()
        && s.command("DATA")?.code() == 354;
    if !accepted {
        return Ok(None);
    }
    s.send_header(&mail)?;
    let accepted = s.end_data("One line.\r\n")?.accepted();
    Ok(accepted.then_some(mail))
}

/// What the configuration has made of a message; our own names are taken out.
fn observed(delivered: &Delivered, mail: &Message, domain: &str) -> Vec<(&'static str, String)> {
    let recipient = mail.recipient.split('@').next().unwrap_or_default();
    let plain = |text: &str| {
        let path = text.split_once('<').map_or(text, |(_, path)| path);
        let path = path.split('>').next().unwrap_or_default();
        path.replace(domain, "[host]")
            .replace(recipient, "[recipient]")
    };
    let mut facts = vec![("sender", plain(&delivered.mail))];
    facts.extend(
        delivered
            .recipients
            .first()
            .map(|path| ("recipient", plain(path))),
    );
    let fields = [
        ("header From", "From"),
        ("header To", "To"),
        ("header Sender", "Sender"),
    ];
    for (question, name) in fields {
        let value = delivered.all(name).join("; ");
        if !value.is_empty() {
            let value = value
                .replace(domain, "[host]")
                .replace(recipient, "[recipient]");
            facts.push((question, value));
        }
    }
    let received = delivered
        .all("Received")
        .first()
        .map(|value| Received::parse(value));
    facts.extend(
        received
            .and_then(|it| it.with)
            .map(|with| ("protocol", with)),
    );
    facts
}

/// Long enough for two runs of the queue.
const PATIENCE: Duration = Duration::from_secs(12);
