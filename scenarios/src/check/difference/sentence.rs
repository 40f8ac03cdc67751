//! The sentence that a reader sees first, by what has changed: a table of templates.

use State::{Bad as B, Good as G, Nothing as N};

use super::{
    Difference, NOT_OFFERED, places,
    states::{self, AFTER_LOGIN, AUTH, CLEAR, TLS},
};
use crate::check::facts::Area::{self, *};

/// The change in one sentence.
pub(super) fn of(difference: &Difference) -> String {
    let Difference { area, .. } = *difference;
    let (before, after) = (difference.before.as_deref(), difference.after.as_deref());
    let (question, state) = state(area, &difference.question);
    // A listener and a case have but one question; what is said of them depends on the answer.
    let subject = match area {
        Listeners | Verdicts => after.unwrap_or_default(),
        // Other servers never log in.
        Answers if question == "MAIL before login" && is_relay(difference) => {
            "MAIL before login on 25"
        }
        _ => question,
    };
    let turn = (State::of(area, before), State::of(area, after));
    let sentence = match TEMPLATES.iter().find(|row| row.fits(area, subject, turn)) {
        Some(row) => row.sentence,
        None if difference.places.is_empty() => "{question}: {after}{was}",
        None => "{question} on {on}: {after}{was}",
    };
    let several = places::several(&difference.places);
    let was = |words: &str| format!(" (was {words})");
    let values = [
        ("{on}", places::on(&difference.places)),
        ("{over}", places::over(&difference.places)),
        ("{is}", if several { "are" } else { "is" }.to_owned()),
        ("{does}", if several { "do" } else { "does" }.to_owned()),
        (
            "{what leaves}",
            match state.as_str() {
                "" => "what leaves".to_owned(),
                account => format!("what {account} sends"),
            },
        ),
        (
            "{mail}",
            match state.as_str() {
                "" => "mail".to_owned(),
                account => format!("mail of {account}"),
            },
        ),
        ("{state}", state),
        (
            "{by}",
            match question.split_once(" by ") {
                Some((_, mechanisms)) => format!(" by {mechanisms}"),
                None => String::new(),
            },
        ),
        ("{limit}", limit(question).to_owned()),
        ("{octets}", octets(after)),
        ("{was octets}", was(&octets(before))),
        ("{set}", after.unwrap_or("not set").to_owned()),
        ("{was set}", was(before.unwrap_or("not set"))),
        ("{was}", before.map(was).unwrap_or_default()),
        ("{parameter}", parameter(after)),
        (
            "{works}",
            after
                .map_or("", |after| after.trim_start_matches("works, "))
                .to_owned(),
        ),
        ("{after}", after.unwrap_or("nothing").to_owned()),
        (
            "{last}",
            subject.rsplit(' ').next().unwrap_or_default().to_owned(),
        ),
        ("{name}", question.to_owned()),
        ("{question}", difference.question.clone()),
    ];
    filled(sentence, &values)
}

/// Whether it is about the port of servers only.
fn is_relay(difference: &Difference) -> bool {
    let is_25 = |place: &String| place.starts_with("25/");
    !difference.places.is_empty() && difference.places.iter().all(is_25)
}

/// What to put first within an area, from 0: doors that stand open before all.
pub(super) fn urgency(difference: &Difference) -> u8 {
    let (before, after) = (difference.before.as_deref(), difference.after.as_deref());
    let (subject, state) = state(difference.area, &difference.question);
    let allowed = State::of(difference.area, after) == G;
    match (difference.area, subject) {
        (Answers, "RCPT elsewhere before login") if allowed => 0,
        (Answers, "MAIL before login") if allowed => 1,
        (Answers, "STARTTLS" | "TLS") if !allowed => 2,
        (Answers, "RCPT elsewhere before login" | "MAIL before login" | "STARTTLS" | "TLS") => 3,
        (Answers, "greeting") => 5,
        (Answers, _) => 4,
        // A password that anybody on the way can read.
        (Mechanisms, "PLAIN" | "LOGIN" | AUTH)
            if State::of(Mechanisms, before) == N
                && State::of(Mechanisms, after) != N
                && state != INSIDE_TLS =>
        {
            0
        }
        (Mechanisms, AUTH) => 1,
        (Mechanisms, _) => 2,
        (Verdicts, _) => match after {
            Some("fail") => 0,
            Some("warn") => 1,
            _ => 2,
        },
        _ => 0,
    }
}

/// A size as `MaxMessageSize` and the parameter of SIZE have it.
pub(super) fn octets(size: Option<&str>) -> String {
    match size {
        None | Some("" | "0" | "offered" | "unlimited") => "unlimited".to_owned(),
        Some(number) if number.bytes().all(|octet| octet.is_ascii_digit()) => {
            format!("{number} octets")
        }
        Some(words) => words.to_owned(),
    }
}

/// What an answer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not there, or not asked.
    Nothing,
    /// There, and refused.
    Bad,
    /// There, and working.
    Good,
}

impl State {
    fn of(area: Area, answer: Option<&str>) -> State {
        let Some(answer) = answer.filter(|answer| *answer != NOT_OFFERED) else {
            return N;
        };
        let is_good = match area {
            Listeners => answer.starts_with("open"),
            // 252 to VRFY says that nothing will be said.
            Answers => {
                let is_done = answer.starts_with(['2', '3']) && !answer.starts_with("252");
                is_done || answer.starts_with("works") || answer == FIRST_OCTET
            }
            Mechanisms => answer.starts_with("235"),
            Delivery => answer != "no",
            Routes => !answer.starts_with("not deliverable"),
            Keywords | Limits => true,
            Verdicts => answer == "pass",
        };
        if is_good { G } else { B }
    }
}

/// What is said of a change.
struct Template {
    area: Area,
    /// What is asked, without the state of the session; what ends in a blank is a beginning; none: all.
    subjects: &'static [&'static str],
    /// What it was and what it is.
    turns: &'static [(State, State)],
    sentence: &'static str,
}

impl Template {
    fn fits(&self, area: Area, subject: &str, turn: (State, State)) -> bool {
        let names = |name: &&str| match name.ends_with(' ') {
            true => subject.starts_with(name),
            false => subject == *name,
        };
        self.area == area
            && (self.subjects.is_empty() || self.subjects.iter().any(names))
            && self.turns.contains(&turn)
    }
}

const ANY: &[(State, State)] = &[
    (N, N),
    (N, B),
    (N, G),
    (B, N),
    (B, B),
    (B, G),
    (G, N),
    (G, B),
    (G, G),
];
const TO_GOOD: &[(State, State)] = &[(N, G), (B, G)];
const TO_BAD: &[(State, State)] = &[(N, B), (G, B)];
const AWAY: &[(State, State)] = &[(N, B), (G, B), (G, N)];
const TO_NOTHING: &[(State, State)] = &[(B, N), (G, N)];
const FROM_NOTHING: &[(State, State)] = &[(N, B), (N, G)];
const STAYS: &[(State, State)] = &[(B, B), (G, G)];
const STAYS_GOOD: &[(State, State)] = &[(G, G)];
const STAYS_BAD: &[(State, State)] = &[(B, B)];

const fn row(
    area: Area,
    subjects: &'static [&'static str],
    turns: &'static [(State, State)],
    sentence: &'static str,
) -> Template {
    Template {
        area,
        subjects,
        turns,
        sentence,
    }
}

/// What [`super::mechanisms`] makes of a question that is answered by mechanism.
const BY: &str = "RCPT elsewhere after login by ";
/// Of a listener with implicit TLS.
const FIRST_OCTET: &str = "from the first octet";

/// The first row that fits is taken.
#[rustfmt::skip]
const TEMPLATES: &[Template] = &[
    row(Listeners, &["open on "], ANY, "{over} {is} open on {last} only{was}"),
    row(Listeners, &["open, not promised"], TO_GOOD, "{over} {is} open now, although nothing promises it"),
    row(Listeners, &["open, not promised"], STAYS_GOOD, "{over} {is} open, although nothing promises it any more"),
    row(Listeners, &[], TO_GOOD, "{over} {is} open now"),
    row(Listeners, &[], STAYS_GOOD, "{over} {is} {after} now{was}"),
    row(Listeners, &[], &[(G, B)], "{over} {is} not open any more, although promised"),
    row(Listeners, &[], &[(N, B)], "{over} {is} promised now, but {does} not open"),
    row(Listeners, &[], &[(G, N)], "{over} {is} not open any more"),
    row(Listeners, &[], &[(B, N)], "{over} {is} not promised any more, and did not open"),

    row(Answers, &["RCPT elsewhere before login"], TO_GOOD, "strangers may send to other domains through {on}{state}: {after}{was}"),
    row(Answers, &["RCPT elsewhere before login"], TO_BAD, "strangers may not send to other domains through {on}{state}: {after}{was}"),
    row(Answers, &["RCPT elsewhere before login"], STAYS, "strangers who send to other domains through {on}{state} are answered with {after}{was}"),
    row(Answers, &["RCPT here before login"], TO_GOOD, "strangers may send to this server's domains through {on}{state}: {after}{was}"),
    row(Answers, &["RCPT here before login"], TO_BAD, "strangers may not send to this server's domains through {on}{state}: {after}{was}"),
    row(Answers, &["RCPT here before login"], STAYS, "strangers who send to this server's domains through {on}{state} are answered with {after}{was}"),
    row(Answers, &["RCPT elsewhere after login", BY], TO_GOOD, "users who logged in{by} may send to other domains through {on}: {after}{was}"),
    row(Answers, &["RCPT elsewhere after login", BY], TO_BAD, "users who logged in{by} may not send to other domains through {on}: {after}{was}"),
    row(Answers, &["RCPT elsewhere after login", BY], STAYS, "users who logged in{by} and send to other domains through {on} are answered with {after}{was}"),
    row(Answers, &["RCPT here after login"], TO_GOOD, "users who logged in may send to this server's domains through {on}: {after}{was}"),
    row(Answers, &["RCPT here after login"], TO_BAD, "users who logged in may not send to this server's domains through {on}: {after}{was}"),
    row(Answers, &["RCPT here after login"], STAYS, "users who logged in and send to this server's domains through {on} are answered with {after}{was}"),
    row(Answers, &["MAIL before login on 25"], TO_GOOD, "MAIL before login is accepted now on {on}{state}: {after}{was}"),
    row(Answers, &["MAIL before login"], TO_GOOD, "login is not required on {on}{state}: MAIL before it is accepted with {after}{was}"),
    row(Answers, &["MAIL before login", "MAIL before login on 25"], TO_BAD, "MAIL before login is refused now on {on}{state}: {after}{was}"),
    row(Answers, &["MAIL before login", "MAIL before login on 25"], STAYS, "MAIL before login is answered with {after} now on {on}{state}{was}"),
    row(Answers, &["MAIL after login"], TO_GOOD, "MAIL after login is accepted now on {on}: {after}{was}"),
    row(Answers, &["MAIL after login"], TO_BAD, "MAIL after login is refused now on {on}: {after}{was}"),
    row(Answers, &["MAIL after login"], STAYS, "MAIL after login is answered with {after} now on {on}{was}"),
    row(Answers, &["MAIL without a domain after login"], TO_GOOD, "a sender without a domain is accepted after login now on {on}: {after}{was}"),
    row(Answers, &["MAIL without a domain after login"], TO_BAD, "a sender without a domain is refused after login now on {on}: {after}{was}"),
    row(Answers, &["MAIL without a domain after login"], STAYS, "a sender without a domain is answered with {after} after login now on {on}{was}"),
    row(Answers, &["MAIL from ", "mail from "], TO_GOOD, "mail from {last} is accepted now on {on}: {after}{was}"),
    row(Answers, &["MAIL from ", "mail from "], TO_BAD, "mail from {last} is refused now on {on}: {after}{was}"),
    row(Answers, &["MAIL from ", "mail from "], STAYS, "mail from {last} is answered with {after} now on {on}{was}"),
    row(Answers, &["RCPT to ", "mail to "], TO_GOOD, "mail to {last} is accepted now on {on}: {after}{was}"),
    row(Answers, &["RCPT to ", "mail to "], TO_BAD, "mail to {last} is refused now on {on}: {after}{was}"),
    row(Answers, &["RCPT to ", "mail to "], STAYS, "mail to {last} is answered with {after} now on {on}{was}"),
    row(Answers, &["MAIL from ", "mail from "], TO_NOTHING, "no table is about mail from {last} any more{was}"),
    row(Answers, &["RCPT to ", "mail to "], TO_NOTHING, "no table is about mail to {last} any more{was}"),
    row(Answers, &["STARTTLS"], TO_GOOD, "STARTTLS works now on {on}: {works}{was}"),
    row(Answers, &["STARTTLS"], &[(N, B)], "STARTTLS is offered now on {on}, but does not work: {after}"),
    row(Answers, &["STARTTLS"], &[(G, B)], "STARTTLS does not work any more on {on}: {after}{was}"),
    row(Answers, &["STARTTLS"], STAYS_BAD, "STARTTLS on {on} does not work in another way: {after}{was}"),
    row(Answers, &["STARTTLS"], STAYS_GOOD, "STARTTLS on {on} comes to something else: {works}{was}"),
    row(Answers, &["STARTTLS"], TO_NOTHING, "STARTTLS is no longer offered on {on}"),
    row(Answers, &["TLS"], FROM_NOTHING, "clients of {on} have to begin with TLS now: who speaks clear text first is not greeted"),
    row(Answers, &["TLS"], TO_NOTHING, "clients of {on} have to begin in clear text now: who speaks TLS first is not understood"),
    row(Answers, &["name"], ANY, "the server calls itself {after} on {on}{was}"),
    row(Answers, &["greeting"], ANY, "the greeting on {on} is {after} now{was}"),
    row(Answers, &["VRFY", "EXPN"], TO_GOOD, "on {on} {name} tells about addresses now: {after}{was}"),
    row(Answers, &["VRFY", "EXPN"], TO_BAD, "on {on} {name} does not tell about addresses any more: {after}{was}"),
    row(Answers, &["ETRN", "VRFY", "EXPN"], TO_GOOD, "on {on} {name} is accepted now: {after}{was}"),
    row(Answers, &["ETRN", "VRFY", "EXPN"], TO_BAD, "on {on} {name} is refused now: {after}{was}"),
    row(Answers, &["ETRN", "VRFY", "EXPN"], STAYS, "on {on} {name} is answered with {after} now{was}"),

    row(Mechanisms, &[AUTH], TO_NOTHING, "logging in{state} is not possible any more on {on}: AUTH is not offered{was}"),
    row(Mechanisms, &[AUTH], FROM_NOTHING, "logging in{state} is possible now on {on}: {after}{was}"),
    row(Mechanisms, &[], &[(N, G)], "{name} is offered{state} on {on} now"),
    row(Mechanisms, &[], &[(N, B)], "{name} is offered{state} on {on} now, but logging in fails: {after}"),
    row(Mechanisms, &[], TO_NOTHING, "{name} is no longer offered{state} on {on}"),
    row(Mechanisms, &[], &[(B, G)], "logging in by {name}{state} works on {on} now{was}"),
    row(Mechanisms, &[], &[(G, B)], "logging in by {name}{state} fails on {on} now: {after}{was}"),
    row(Mechanisms, &[], STAYS_BAD, "logging in by {name}{state} fails on {on} in another way: {after}{was}"),

    row(Keywords, &[], FROM_NOTHING, "{name}{parameter} is offered{state} on {on} now"),
    row(Keywords, &[], TO_NOTHING, "{name} is no longer offered{state} on {on}"),
    row(Keywords, &["SIZE"], STAYS_GOOD, "the largest message{state} on {on} is {octets}{was octets}"),

    row(Delivery, &["sender"], STAYS_GOOD, "{what leaves} has the sender {after}{was}"),
    row(Delivery, &["recipient"], STAYS_GOOD, "{what leaves} goes to {after}{was}"),
    row(Delivery, &["header "], STAYS_GOOD, "{what leaves} has the header {last}: {after}{was}"),
    row(Delivery, &["protocol"], STAYS_GOOD, "{what leaves} says that it came by {after}{was}"),
    row(Delivery, &["arrived", "arrives at the next hop"], TO_GOOD, "{mail} arrives at the next hop now"),
    row(Delivery, &["arrived", "arrives at the next hop"], AWAY, "{mail} does not arrive at the next hop any more"),

    row(Routes, &[], &[(N, G), (B, G), (G, G)], "mail to {name} goes to {after}{was}"),
    row(Routes, &[], &[(N, B), (G, B), (B, B)], "mail to {name} is {after}{was}"),
    row(Routes, &[], TO_NOTHING, "no table names {name} any more{was}"),
    row(Routes, &[], FROM_NOTHING, "mail to {name} goes to {after} now"),

    row(Limits, &["MaxMessageSize"], ANY, "the largest message is {octets}{was octets}"),
    row(Limits, &["milter "], TO_NOTHING, "{name} is not asked any more{was}"),
    row(Limits, &["milter "], ANY, "{name}: {after}{was}"),
    row(Limits, &[], ANY, "{limit} is {set}{was set}"),

    row(Verdicts, &["pass"], ANY, "{name} passes now{was}"),
    row(Verdicts, &["known "], ANY, "{name} deviates now as sendmail is known to{was}"),
    row(Verdicts, &["warn"], ANY, "{name} gets a warning now{was}"),
    row(Verdicts, &["fail"], ANY, "{name} fails now{was}"),
    row(Verdicts, &["skip"], ANY, "{name} does not apply any more{was}"),
    row(Verdicts, &[], TO_NOTHING, "{name} is not asked any more{was}"),
];

/// Options whose name alone says little.
#[rustfmt::skip]
const LIMITS: &[(&str, &str)] = &[
    ("BadRcptThrottle", "the number of refused recipients before each reply waits"),
    ("ConnectionRateThrottle", "the largest number of connections a second"),
    ("ConnectionRateWindowSize", "the time over which connections are counted"),
    ("DelayLA", "the load from which replies wait"),
    ("DeliveryMode", "the way of delivery"),
    ("MaxDaemonChildren", "the largest number of sessions at a time"),
    ("MaxHeadersLength", "the largest header"),
    ("MaxHopCount", "the largest number of hops"),
    ("MaxMimeHeaderLength", "the largest field of a MIME header"),
    ("MaxNOOPCommands", "the number of NOOP commands before each reply waits"),
    ("MaxRecipientsPerMessage", "the largest number of recipients"),
    ("MinFreeBlocks", "the space that must be free"),
    ("QueueLA", "the load from which mail is only queued"),
    ("greet_pause", "the wait before the greeting"),
    ("ratecontrol", "the number of connections that an address has in a minute"),
    ("RefuseLA", "the load from which connections are refused"),
    ("SmtpGreetingMessage", "the text of the greeting"),
    ("Timeout.command", "the longest wait for a command"),
    ("Timeout.datablock", "the longest wait for a part of a message"),
    ("Timeout.ident", "the longest wait for the client's port 113"),
    ("Timeout.queuereturn", "the time until undelivered mail is returned"),
    ("Timeout.queuewarn", "the time until a delay is reported"),
    ("Timeout.starttls", "the longest wait for a TLS handshake"),
];

fn limit(option: &str) -> &str {
    LIMITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(option))
        .map_or(option, |(_, words)| words)
}

fn parameter(answer: Option<&str>) -> String {
    match answer {
        None | Some("" | "offered") => String::new(),
        Some(parameter) => format!(" {parameter}"),
    }
}

/// A question without the state of the session, and the state in words; in `Delivery` whose mail it is.
fn state(area: Area, question: &str) -> (&str, String) {
    let (subject, end) = states::subject(question);
    let words = match (area, end) {
        (Delivery, Some(account)) => account.to_owned(),
        (Answers | Mechanisms | Keywords, Some(CLEAR)) => " in clear text".to_owned(),
        (Answers | Mechanisms | Keywords, Some(TLS)) => INSIDE_TLS.to_owned(),
        (Answers | Mechanisms | Keywords, Some(AFTER_LOGIN)) => " after login".to_owned(),
        _ => return (question, String::new()),
    };
    (subject, words)
}

const INSIDE_TLS: &str = " inside TLS";

/// A template with its values; what a value holds is never taken for a name.
fn filled(template: &str, values: &[(&str, String)]) -> String {
    let mut sentence = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (text, from_name) = rest.split_at(start);
        sentence.push_str(text);
        let end = from_name.find('}').map_or(from_name.len(), |end| end + 1);
        let (name, after) = from_name.split_at(end);
        let value = values.iter().find(|(known, _)| *known == name);
        sentence.push_str(value.map_or(name, |(_, value)| value));
        rest = after;
    }
    sentence + rest
}

#[cfg(test)]
mod tests;
