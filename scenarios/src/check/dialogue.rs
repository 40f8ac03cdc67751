//! What is tried on the wire besides the cases, and the facts that it gives.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use msaspec_harness::{
    case::Case,
    error::Error,
    line::Line,
    mechanism::Mechanism,
    session::{Session, Shared},
    target::{Listener, Target},
    verdict::{Halt, Outcome},
};

use super::{
    budget::Purse,
    facts::{Area, Facts},
    findings::{Dialogue, NotRun},
};

mod delivery;
mod login;
mod tables;
mod words;

pub use tables::Probes;

use words::{first_words, name_of, word};

/// What was heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The facts.
    pub facts: Facts,
    /// The dialogues, in the order of the listeners.
    pub dialogues: Vec<Dialogue>,
    /// What there were not enough connections for.
    pub not_run: Vec<NotRun>,
}

/// Talks to every listener, to all of them at the same time.
///
/// # Errors
/// [`Error::Interrupted`].
pub fn hear(
    target: &Target,
    listeners: &[Listener],
    probes: &Probes,
    purse: &Purse,
    shared: &Shared,
) -> Result<Heard, Error> {
    let first = listeners.iter().find(|listener| listener.is_submission());
    let talk = |listener: &Listener| {
        let mut talk = Talk::with(target, listener, purse, shared);
        talk.before_login();
        // A listener that takes no more connections, or greets nobody, says nothing by its silence.
        if !talk.is_greeted() {
            return talk.heard;
        }
        talk.after_starttls();
        talk.mechanisms();
        talk.relay_after_login();
        if Some(listener) == first {
            talk.delivery();
        }
        talk.heard
    };
    let heard: Mutex<Vec<(usize, Heard)>> = Mutex::default();
    std::thread::scope(|scope| {
        for (place, listener) in listeners.iter().enumerate() {
            let (heard, talk) = (&heard, &talk);
            scope.spawn(move || {
                let what = talk(listener);
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push((place, what));
            });
        }
    });
    let mut heard = heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    heard.sort_by_key(|(place, _)| *place);
    let mut all = Heard::default();
    for (_, heard) in heard {
        all.take(heard);
    }
    if let Some(listener) = tables::listener(listeners) {
        let mut talk = Talk::with(target, listener, purse, shared);
        talk.tables(probes);
        all.take(talk.heard);
    }
    match shared.interrupted() {
        true => Err(Error::Interrupted),
        false => Ok(all),
    }
}

impl Heard {
    fn take(&mut self, other: Heard) {
        self.facts.extend(other.facts);
        self.dialogues.extend(other.dialogues);
        self.not_run.extend(other.not_run);
    }
}

/// The dialogues with one listener.
struct Talk<'t> {
    target: &'t Target,
    listener: &'t Listener,
    purse: &'t Purse,
    shared: &'t Shared,
    place: String,
    /// The mechanisms that were offered before TLS and inside it.
    offered: Vec<(Tls, Mechanism)>,
    /// Whether somebody who has logged in may send elsewhere: the replies, and the mechanisms.
    elsewhere: BTreeMap<String, BTreeSet<Mechanism>>,
    heard: Heard,
}

/// How far a session is encrypted, in the words of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    Clear,
    Inside,
}

impl Tls {
    fn word(self) -> &'static str {
        match self {
            Tls::Clear => "clear",
            Tls::Inside => "TLS",
        }
    }
}

impl<'t> Talk<'t> {
    fn with(
        target: &'t Target,
        listener: &'t Listener,
        purse: &'t Purse,
        shared: &'t Shared,
    ) -> Talk<'t> {
        Talk {
            target,
            listener,
            purse,
            shared,
            place: listener.name().to_string(),
            offered: Vec::new(),
            elsewhere: BTreeMap::new(),
            heard: Heard::default(),
        }
    }

    /// What a stranger gets, in clear text where TLS does not come first.
    fn before_login(&mut self) {
        let outermost = match self.listener.implicit_tls {
            true => Tls::Inside,
            false => Tls::Clear,
        };
        self.dialogue("before login", |talk, s| {
            talk.greeted(s)?;
            talk.keywords(s, outermost.word());
            talk.stranger(s, outermost)?;
            // Of an address that exists: what is refused then is refused on purpose.
            let known = s.local_recipient().to_owned();
            for command in ["VRFY", "EXPN"] {
                let line = Line::new(format!("{command} ")).token(&known, "here");
                talk.answer(command, word(s.command(line))?);
            }
            talk.answer("ETRN", word(s.command("ETRN example.org"))?);
            Ok(())
        });
    }

    /// The same inside TLS, and then a login in the same session.
    fn after_starttls(&mut self) {
        if self.listener.implicit_tls {
            self.answer("TLS", "from the first octet".to_owned());
            self.dialogue("login", |talk, s| {
                talk.greeted(s)?;
                talk.login(s)
            });
            return;
        }
        let offered = self
            .heard
            .facts
            .at(Area::Keywords, &self.place, "STARTTLS, clear");
        if offered.is_none() {
            self.answer("STARTTLS", "not offered".to_owned());
            self.dialogue("login without TLS", |talk, s| {
                talk.greeted(s)?;
                talk.login(s)
            });
            return;
        }
        self.dialogue("after STARTTLS", |talk, s| {
            talk.greeted(s)?;
            talk.secured(s)?;
            talk.keywords(s, Tls::Inside.word());
            talk.stranger(s, Tls::Inside)?;
            s.command("RSET")?;
            talk.login(s)
        });
    }

    fn is_greeted(&self) -> bool {
        let greeting = self.heard.facts.at(Area::Answers, &self.place, "greeting");
        greeting.is_some_and(|greeting| greeting.starts_with("220"))
    }

    fn greeted(&mut self, s: &mut Session<'_>) -> Outcome {
        let greeting = s.connect();
        let name = greeting.as_ref().ok().and_then(name_of);
        let own = s.local_domain();
        let name = name.map(|name| {
            if name == own {
                "[host]".to_owned()
            } else {
                name
            }
        });
        let heard = word(greeting)?;
        let ready = heard.starts_with("220");
        self.answer("greeting", heard);
        if let Some(name) = name.filter(|_| ready) {
            self.answer("name", name);
        }
        match ready {
            true => s.ehlo().map(drop),
            false => Err(Halt::Skip("not greeted".to_owned())),
        }
    }

    fn secured(&mut self, s: &mut Session<'_>) -> Outcome {
        let outcome = s.start_tls();
        let heard = match &outcome {
            Ok(()) => {
                let trusted = s
                    .verification()
                    .is_some_and(|verified| verified.is_trusted());
                let certificate = match trusted {
                    true => "the certificate verifies",
                    false => "the certificate does not verify",
                };
                format!("works, {certificate}")
            }
            Err(Halt::Deviation(deviation)) => first_words(&deviation.observed),
            Err(Halt::Temporary(words)) => first_words(words),
            Err(_) => String::new(),
        };
        if !heard.is_empty() {
            self.answer("STARTTLS", heard);
        }
        outcome?;
        s.ehlo().map(drop)
    }

    /// What EHLO offers here; AUTH is told mechanism by mechanism.
    fn keywords(&mut self, s: &Session<'_>, state: &str) {
        for line in s.keywords().lines() {
            let (keyword, parameters) = line.split_once(' ').unwrap_or((line, ""));
            if keyword.eq_ignore_ascii_case("AUTH") {
                continue;
            }
            let parameters = if parameters.is_empty() {
                "offered"
            } else {
                parameters
            };
            let question = format!("{}, {state}", keyword.to_ascii_uppercase());
            self.note(Area::Keywords, question, parameters.to_owned());
        }
        let tls = match s.encrypted() {
            true => Tls::Inside,
            false => Tls::Clear,
        };
        for &mechanism in Mechanism::ALL {
            if s.keywords().offers_mechanism(mechanism) {
                self.offered.push((tls, mechanism));
            }
        }
        self.offered.dedup();
    }

    /// Who has not logged in sends to somebody elsewhere, and to somebody here.
    fn stranger(&mut self, s: &mut Session<'_>, tls: Tls) -> Outcome {
        let state = tls.word();
        let mail = word(s.command("MAIL FROM:<stranger@example.org>"))?;
        let taken = mail.starts_with('2');
        self.answer(&format!("MAIL before login, {state}"), mail);
        if taken {
            let recipient = s.recipient_elsewhere()?;
            let elsewhere = word(s.rcpt_to(&recipient, "elsewhere"))?;
            self.answer(&format!("RCPT elsewhere before login, {state}"), elsewhere);
            let local = s.local_recipient().to_owned();
            let here = word(s.rcpt_to(&local, "here"))?;
            self.answer(&format!("RCPT here before login, {state}"), here);
        }
        Ok(())
    }

    /// Has a conversation, where the server takes one more connection, and keeps its transcript.
    fn dialogue(
        &mut self,
        name: &str,
        script: impl FnOnce(&mut Self, &mut Session<'_>) -> Outcome,
    ) {
        let name = format!("{}: {name}", self.place);
        if let Err(reason) = self.purse.take(self.listener.family(), 1) {
            self.heard.not_run.push(NotRun { id: name, reason });
            return;
        }
        let mut session = Session::new(self.target, self.listener, &DIALOGUE, self.shared);
        // What halts a script stands in its transcript.
        if let Err(Halt::Skip(reason)) = script(self, &mut session) {
            session.remark(&reason);
        }
        let transcript = session.into_record().transcript.into_lines();
        self.heard.dialogues.push(Dialogue { name, transcript });
    }

    fn answer(&mut self, question: &str, answer: String) {
        self.note(Area::Answers, question.to_owned(), answer);
    }

    fn note(&mut self, area: Area, question: String, answer: String) {
        self.heard
            .facts
            .note(area, self.place.as_str(), question, answer);
    }
}

/// Nobody judges a dialogue.
const DIALOGUE: Case = Case {
    id: "check",
    ..Case::DEFAULT
};
