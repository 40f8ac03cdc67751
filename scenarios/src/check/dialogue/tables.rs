//! The addresses that the site's access table names, tried as senders and recipients.

use msaspec_harness::{session::Session, target::Listener, verdict::Outcome};

use super::{Talk, words::word};

/// The addresses to be tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    /// As senders.
    pub senders: Vec<String>,
    /// As recipients.
    pub recipients: Vec<String>,
}

/// Where they are tried: where mail comes in from elsewhere, or else the first listener.
pub(super) fn listener(listeners: &[Listener]) -> Option<&Listener> {
    let mut relays = listeners
        .iter()
        .filter(|listener| !listener.is_submission());
    relays.next().or(listeners.first())
}

impl Probes {
    /// The addresses that a table of the access map names; `domain` is the server's own.
    pub fn of_access(table: &str, domain: &str) -> Probes {
        let mut probes = Probes::default();
        for line in table.lines() {
            let line = line.trim();
            let Some(key) = line
                .split_whitespace()
                .next()
                .filter(|key| !key.starts_with('#'))
            else {
                continue;
            };
            let (tag, name) = match key.split_once(':') {
                Some((tag, name)) => (tag.to_ascii_lowercase(), name),
                None => (String::new(), key),
            };
            let Some(address) = address(name, domain) else {
                continue;
            };
            if ["", "from"].contains(&tag.as_str()) {
                probes.senders.push(address.clone());
            }
            if ["", "to", "spam"].contains(&tag.as_str()) {
                probes.recipients.push(address);
            }
        }
        probes.senders.truncate(MOST);
        probes.recipients.truncate(MOST);
        probes
    }
}

/// An address that a key of the access map is about; none for networks.
fn address(name: &str, domain: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "@._-+=".contains(c);
    let is_network = name.chars().all(|c| c.is_ascii_digit() || c == '.');
    if name.is_empty() || name.len() > 200 || !name.chars().all(allowed) || is_network {
        return None;
    }
    Some(match name.split_once('@') {
        None => format!("probe@{name}"),
        Some((user, "")) => format!("{user}@{domain}"),
        Some(_) => name.to_owned(),
    })
}

impl Talk<'_> {
    pub(super) fn tables(&mut self, probes: &Probes) {
        let Probes {
            senders,
            recipients,
        } = probes;
        if senders.is_empty() && recipients.is_empty() {
            return;
        }
        self.dialogue("the addresses of the access map", |talk, s| {
            talk.greeted(s)?;
            for sender in senders {
                let answer = talk.as_sender(s, sender)?;
                talk.answer(&format!("mail from {sender}"), answer);
            }
            for recipient in recipients {
                s.command("RSET")?;
                s.command("MAIL FROM:<stranger@example.org>")?;
                let answer = word(s.command(format!("RCPT TO:<{recipient}>")))?;
                talk.answer(&format!("mail to {recipient}"), answer);
            }
            s.command("QUIT").map(drop)
        });
    }

    /// A refusal may come late: FEATURE(`delay_checks') moves it to RCPT.
    fn as_sender(&mut self, s: &mut Session<'_>, sender: &str) -> Outcome<String> {
        s.command("RSET")?;
        let mail = word(s.command(format!("MAIL FROM:<{sender}>")))?;
        if !mail.starts_with('2') {
            return Ok(mail);
        }
        let local = s.local_recipient().to_owned();
        word(s.rcpt_to(&local, "here"))
    }
}

/// Of each kind, in one session.
const MOST: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_senders_and_recipients() {
        let table = "# comment\nConnect:192.0.2 REJECT\nFrom:spam.example REJECT\nTo:closed@ ERROR:5.2.1\nold.example REJECT\n192.0.2.7 OK\nFrom:\nFrom:a<b@c X\n";
        let probes = Probes::of_access(table, "mx.example");
        assert_eq!(probes.senders, ["probe@spam.example", "probe@old.example"]);
        assert_eq!(
            probes.recipients,
            ["closed@mx.example", "probe@old.example"]
        );
    }
}
