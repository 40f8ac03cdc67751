//! What the connections of a next hop share: what has arrived, what was heard, rules and lies.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Action, Heard, Rule, Stage, Visit, edits, replace, script};
use crate::{lie::Lie, message::Delivered};

pub(super) struct Mailbox {
    pub(super) state: Mutex<State>,
    pub(super) news: Condvar,
    /// Asks those to leave who are between two messages.
    pub(super) hush: watch::Sender<()>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) messages: Vec<Delivered>,
    pub(super) visits: Vec<Visit>,
    pub(super) rules: Vec<Rule>,
    pub(super) lies: Vec<Lie>,
    pub(super) touched: bool,
}

impl Mailbox {
    pub(super) fn new() -> Mailbox {
        Mailbox {
            state: Mutex::default(),
            news: Condvar::new(),
            hush: watch::Sender::new(()),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn action(&self, stage: Stage, envelope: &script::Envelope<'_>) -> Option<Action> {
        let mut state = self.lock();
        let mut rules = state.rules.iter_mut();
        rules.find_map(|rule| rule.action(stage, envelope))
    }

    pub(super) fn receive(&self, message: Delivered) {
        self.lock().receive(message);
        self.news.notify_all();
    }

    /// A connection begins: its number.
    pub(super) fn visited(&self) -> usize {
        let mut state = self.lock();
        state.visits.push(Visit::default());
        state.visits.len() - 1
    }

    pub(super) fn falls_silent(&self, visit: usize) {
        if let Some(visit) = self.lock().visits.get_mut(visit) {
            visit.silent = true;
        }
    }

    pub(super) fn visit_is_over(&self, visit: usize) {
        if let Some(visit) = self.lock().visits.get_mut(visit) {
            visit.over = true;
        }
        self.news.notify_all();
    }

    pub(super) fn hear(&self, visit: usize, heard: Heard) {
        if let Some(visit) = self.lock().visits.get_mut(visit) {
            visit.heard.push(heard);
        }
    }

    pub(super) fn replied(&self, visit: usize, reply: &str) {
        let mut state = self.lock();
        let last = state
            .visits
            .get_mut(visit)
            .and_then(|visit| visit.heard.last_mut());
        if let Some(last) = last {
            last.reply = reply.to_owned();
        }
    }

    /// The command as a lie has it heard: the last line is the command, those before are only heard.
    pub(super) fn edited_command(&self, line: Vec<u8>) -> Vec<Vec<u8>> {
        let mut state = self.lock();
        let mut edited = line.clone();
        for lie in &state.lies {
            if let Lie::Heard(from, to) = lie {
                edited = replace(&edited, from.as_bytes(), to.as_bytes());
            }
        }
        state.touched |= edited != line;
        let lines = edited.split(|&octet| octet == b'\n');
        lines.map(<[u8]>::to_vec).collect()
    }

    pub(super) fn edited_content(&self, raw: Vec<u8>) -> Vec<u8> {
        let mut state = self.lock();
        let mut edited = raw.clone();
        for lie in &state.lies {
            if let Lie::OnTheWire(from, to) = lie {
                edited = replace(&edited, from.as_bytes(), to.as_bytes());
            }
        }
        state.touched |= edited != raw;
        edited
    }

    /// A recipient was refused; a lie makes a report of it.
    pub(super) fn refused(&self, recipient: &str) {
        let mut state = self.lock();
        if state.lies.contains(&Lie::ReportsAnyway) {
            state.touched = true;
            state.messages.push(Delivered {
                helo: String::new(),
                mail: "FROM:<>".to_owned(),
                recipients: vec!["TO:<somebody@client.example>".to_owned()],
                content: format!("Subject: Failed\r\n\r\n{recipient}\r\n").into_bytes(),
            });
        }
    }

    /// Whether a lie has the target speak before a reply of several lines is whole.
    pub(super) fn is_hasty(&self) -> bool {
        let mut state = self.lock();
        let hasty = state.lies.contains(&Lie::Hasty);
        state.touched |= hasty;
        hasty
    }
}

impl State {
    pub(super) fn messages(&self, token: &str) -> Vec<Delivered> {
        self.about(token, |message| !message.is_notification(token))
    }

    pub(super) fn notifications(&self, token: &str) -> Vec<Delivered> {
        self.about(token, |message| message.is_notification(token))
    }

    pub(super) fn about(&self, token: &str, wanted: impl Fn(&Delivered) -> bool) -> Vec<Delivered> {
        let messages = self.messages.iter();
        let about = messages.filter(|message| message.mentions(token) && wanted(message));
        about.cloned().collect()
    }

    pub(super) fn receive(&mut self, mut message: Delivered) {
        let mut copies = 1;
        for lie in &self.lies {
            match lie {
                Lie::Swallow => copies = 0,
                Lie::SwallowFor(part) => {
                    let named = message.recipients.len();
                    message
                        .recipients
                        .retain(|recipient| !recipient.contains(part));
                    if message.recipients.len() == named {
                        continue;
                    }
                    copies *= usize::from(!message.recipients.is_empty());
                }
                Lie::Repeat => copies = 2,
                Lie::Relayed(from, to) => {
                    let edited = replace(&message.content, from.as_bytes(), to.as_bytes());
                    if edited == message.content {
                        continue;
                    }
                    message.content = edited;
                }
                Lie::TopFieldSinks => {
                    message.content = edits::with_sunken_top_field(&message.content)
                }
                _ => continue,
            }
            self.touched = true;
        }
        self.messages.extend(std::iter::repeat_n(message, copies));
    }
}
