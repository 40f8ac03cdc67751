//! What the next hop does otherwise than usual: rules, as data.

use std::collections::VecDeque;

/// A place in the dialogue between target and next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The greeting.
    Greeting,
    /// The reply to EHLO in clear text.
    Ehlo,
    /// The reply to HELO.
    Helo,
    /// The reply to STARTTLS, which is understood once EHLO has offered it.
    StartTls,
    /// The TLS handshake behind it.
    Handshake,
    /// The reply to EHLO inside TLS.
    EhloInTls,
    /// The reply to MAIL.
    Mail,
    /// The reply to RCPT.
    Recipient,
    /// The reply to DATA.
    Data,
    /// The reply after the final dot.
    Dot,
    /// The reply to QUIT.
    Quit,
}

/// What the next hop does at one stage, in turn: `once` and once more, then `always`; where nothing
/// of this is left, what is usual.
///
/// A rule about an address holds for transactions with that address only, so that several scripts can
/// share a next hop. Any other holds for every connection, but never for a transaction with the null
/// reverse-path, which would lose the report together with its message.
///
/// ```
/// use msaspec_harness::next_hop::{Action, Rule, Stage};
///
/// let busy_at_first = Rule::at(Stage::Recipient)
///     .about("bob@example.org")
///     .once(Action::reply("451 4.2.1 Busy"));
/// let deaf = Rule::at(Stage::Greeting).always(Action::Silent);
/// # let _ = (busy_at_first, deaf);
/// ```
#[derive(Clone, Debug)]
pub struct Rule {
    stage: Stage,
    address: Option<String>,
    once: VecDeque<Action>,
    always: Option<Action>,
}

/// What the next hop does in place of its usual reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// What it always does.
    Usual,
    /// It replies; lines are separated by LF, without the last.
    Reply(String),
    /// As [`Action::Reply`], each line in a write of its own, with a pause behind it.
    Slowly(String),
    /// It writes these octets as they are.
    Octets(Vec<u8>),
    /// It replies, and closes the connection.
    LastWords(String),
    /// It closes the connection without a word.
    Drop,
    /// It says nothing more, and keeps the connection.
    Silent,
    /// It repeats this line of a reply for ever.
    Endless(String),
}

impl Rule {
    /// A rule for this stage.
    pub fn at(stage: Stage) -> Rule {
        Rule {
            stage,
            address: None,
            once: VecDeque::new(),
            always: None,
        }
    }

    /// Only where the envelope has this address: MAIL is compared with its sender, RCPT with its own
    /// recipient, all that follows with the sender and every recipient that was named.
    #[must_use]
    pub fn about(mut self, address: &str) -> Rule {
        self.address = Some(address.to_owned());
        self
    }

    /// The next time.
    #[must_use]
    pub fn once(mut self, action: Action) -> Rule {
        self.once.push_back(action);
        self
    }

    /// From then on.
    #[must_use]
    pub fn always(mut self, action: Action) -> Rule {
        self.always = Some(action);
        self
    }

    /// Whether it holds for every connection.
    pub(super) fn is_about_all(&self) -> bool {
        self.address.is_none()
    }

    /// What to do now, if this rule has something to say.
    pub(super) fn action(&mut self, stage: Stage, envelope: &Envelope<'_>) -> Option<Action> {
        let concerned = match &self.address {
            Some(address) => envelope.addresses().any(|other| is_in(other, address)),
            None => !envelope.is_notification(),
        };
        if self.stage != stage || !concerned {
            return None;
        }
        self.once.pop_front().or_else(|| self.always.clone())
    }
}

impl Action {
    /// [`Action::Reply`].
    pub fn reply(text: &str) -> Action {
        Action::Reply(text.to_owned())
    }

    /// [`Action::Slowly`].
    pub fn slowly(text: &str) -> Action {
        Action::Slowly(text.to_owned())
    }
}

/// The addresses by which a rule is chosen: arguments of MAIL and RCPT.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Envelope<'m> {
    pub(super) sender: Option<&'m str>,
    pub(super) recipients: &'m [String],
}

impl<'m> Envelope<'m> {
    fn addresses(&self) -> impl Iterator<Item = &'m str> {
        let recipients = self.recipients.iter().map(String::as_str);
        self.sender.into_iter().chain(recipients)
    }

    /// RFC 5321 section 4.5.5.
    fn is_notification(&self) -> bool {
        self.sender.is_some_and(super::log::is_null_path)
    }
}

/// Whether an argument of MAIL or RCPT has this address, in any case of letters.
fn is_in(argument: &str, address: &str) -> bool {
    let argument = argument.to_ascii_lowercase();
    argument.contains(&format!("<{}>", address.to_ascii_lowercase()))
}
