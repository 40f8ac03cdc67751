//! What passes through the proxy, understood well enough to lie about it: commands, responses, content, replies.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

mod content;
mod place;

use place::Place;

use super::{Control, Phase};
use crate::{lie::Lie, line::verb, next_hop::replace, verdict::Step};

/// One connection's state. It changes with what the client was told, lies included.
pub(super) struct Dialogue<'c> {
    control: &'c Control,
    client: SocketAddr,
    mode: Mode,
    counted: Phase,
    counts: HashMap<String, u32>,
    awaiting: VecDeque<Place>,
    from_client: Vec<u8>,
    from_server: Vec<u8>,
    content_tail: Vec<u8>,
    swallowing: bool,
    told: u32,
    withheld: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Commands,
    Response,
    Content,
}

/// What the proxy has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    ToServer(Vec<u8>),
    ToClient(Vec<u8>),
    StartTls,
    Close,
}

impl<'c> Dialogue<'c> {
    pub(super) fn new(control: &'c Control, client: SocketAddr) -> Dialogue<'c> {
        Dialogue {
            control,
            client,
            mode: Mode::Commands,
            counted: Phase::Unannounced,
            counts: HashMap::new(),
            awaiting: VecDeque::from([Place::Greeting]),
            from_client: Vec::new(),
            from_server: Vec::new(),
            content_tail: Vec::new(),
            swallowing: false,
            told: 0,
            withheld: Vec::new(),
        }
    }

    /// The client has sent these octets.
    pub(super) fn client_sent(&mut self, octets: &[u8]) -> Vec<Action> {
        self.begin_to_count();
        let mut actions = Vec::new();
        let mut forward = Vec::new();
        self.from_client.extend_from_slice(octets);
        if !self.rewrites_lines() && self.mode != Mode::Content {
            // Nothing here depends on whole lines: what came goes on as it came.
            forward.extend_from_slice(octets);
        }
        while let Some(line) = self.next_unit() {
            self.client_line(&line, &mut forward, &mut actions);
        }
        if !forward.is_empty() {
            actions.push(Action::ToServer(forward));
        }
        actions
    }

    /// The server has sent these octets.
    pub(super) fn server_sent(&mut self, octets: &[u8]) -> Vec<Action> {
        self.from_server.extend_from_slice(octets);
        let mut actions = Vec::new();
        while let Some(reply) = self.next_reply() {
            let place = self.awaiting.pop_front();
            self.server_reply(reply, place, &mut actions);
            if actions.contains(&Action::StartTls) {
                break;
            }
        }
        actions
    }

    /// What the server had begun to say when it closed.
    pub(super) fn unfinished(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.from_server)
    }

    /// TLS has begun: what was understood of the clear text is over. Returns what a lie carries over.
    pub(super) fn tls_started(&mut self) -> Vec<u8> {
        self.awaiting.clear();
        self.from_client.clear();
        self.from_server.clear();
        self.mode = Mode::Commands;
        let carried = std::mem::take(&mut self.withheld);
        if !carried.is_empty() {
            self.control.tell(&Lie::ClearTextRunsInsideTls);
        }
        let lines = carried.iter().filter(|&&octet| octet == b'\n').count();
        self.awaiting
            .extend(std::iter::repeat_n(Place::Injected, lines));
        carried
    }

    /// A listener whose TLS comes first has still to greet.
    pub(super) fn expects_greeting(&mut self) {
        self.awaiting = VecDeque::from([Place::Greeting]);
    }

    /// The number of the next reply that the client hears.
    pub(super) fn next_step(&self) -> Step {
        Step::Reply(self.client, self.told)
    }

    /// The client hears a reply that no server gave.
    pub(super) fn invent(&mut self, reply: &str) -> Vec<u8> {
        self.control.touch(self.next_step());
        self.told += 1;
        lines(reply)
    }

    fn lies(&self) -> impl Iterator<Item = &'c Lie> + use<'c> {
        self.control.lies.iter()
    }

    /// What the proxy answers at this place, and the lie that says so.
    fn answer(&self, place: &Place) -> Option<(&'c Lie, &'static str)> {
        self.lies().find_map(|lie| match lie {
            Lie::Answer(at, answer) if place.is(at) => Some((lie, *answer)),
            _ => None,
        })
    }

    fn rewrites_lines(&self) -> bool {
        self.lies().any(|lie| {
            matches!(
                lie,
                Lie::Answer(..) | Lie::Command(..) | Lie::ClearTextRunsInsideTls
            )
        })
    }

    fn begin_to_count(&mut self) {
        let phase = self.control.phase(self.client);
        if phase != self.counted {
            self.counted = phase;
            self.counts.clear();
        }
    }

    /// The next line, or what there is of the content.
    fn next_unit(&mut self) -> Option<Vec<u8>> {
        if self.mode == Mode::Content && !self.from_client.is_empty() {
            return Some(std::mem::take(&mut self.from_client));
        }
        let end = self.from_client.iter().position(|&octet| octet == b'\n')?;
        let rest = self.from_client.split_off(end + 1);
        Some(std::mem::replace(&mut self.from_client, rest))
    }

    fn client_line(&mut self, line: &[u8], forward: &mut Vec<u8>, actions: &mut Vec<Action>) {
        if self.mode == Mode::Content {
            return self.client_content(line, forward, actions);
        }
        if !self.withheld.is_empty()
            || self.lies().any(|lie| *lie == Lie::ClearTextRunsInsideTls) && self.awaits_tls()
        {
            self.withheld.extend_from_slice(line);
            return;
        }
        let place = match self.mode {
            Mode::Response => self.count("", Place::Response),
            _ => {
                let verb = verb(line);
                self.count(&verb.clone(), |nth| Place::Command(verb, nth))
            }
        };
        self.mode = Mode::Commands;
        if let Some((lie, answer)) = self.answer(&place) {
            self.control.tell(lie);
            if !forward.is_empty() {
                actions.push(Action::ToServer(std::mem::take(forward)));
            }
            self.swallowing = place.verb() == "DATA" && answer.starts_with('3');
            actions.push(Action::ToClient(self.invent(answer)));
            self.told_client(&place, answer.as_bytes());
            return;
        }
        if self.rewrites_lines() {
            match self.lies().find_map(|lie| match lie {
                Lie::Command(at, command) if place.is(at) => Some((lie, *command)),
                _ => None,
            }) {
                Some((lie, command)) => {
                    self.control.tell(lie);
                    self.control.touch(Step::Reply(
                        self.client,
                        self.told + self.awaiting.len() as u32,
                    ));
                    forward.extend_from_slice(&lines(command));
                }
                None => forward.extend_from_slice(line),
            }
        }
        self.awaiting.push_back(place);
    }

    /// Whether STARTTLS waits for its reply.
    fn awaits_tls(&self) -> bool {
        self.awaiting.iter().any(|place| place.verb() == "STARTTLS")
    }

    fn next_reply(&mut self) -> Option<Vec<u8>> {
        let mut end = 0;
        loop {
            let line = self.from_server[end..]
                .iter()
                .position(|&octet| octet == b'\n')?;
            let start = end;
            end += line + 1;
            if self.from_server.get(start + 3) != Some(&b'-') || end - start < 5 {
                let rest = self.from_server.split_off(end);
                return Some(std::mem::replace(&mut self.from_server, rest));
            }
        }
    }

    fn server_reply(&mut self, reply: Vec<u8>, place: Option<Place>, actions: &mut Vec<Action>) {
        let place = place.unwrap_or_else(|| Place::Uncounted(String::new()));
        let honest = reply.clone();
        let mut reply = reply;
        for lie in self.lies() {
            let told = match lie {
                Lie::Reply(at, text) if place.is(at) => lines(text),
                Lie::Edit(at, from, to) if place.is(at) => {
                    replace(&reply, from.as_bytes(), to.as_bytes())
                }
                Lie::Close(at) if place.is(at) => {
                    self.control.tell(lie);
                    self.control.touch(self.next_step());
                    return actions.push(Action::Close);
                }
                _ => continue,
            };
            if told != reply {
                self.control.tell(lie);
                reply = told;
            }
        }
        let lied = reply != honest || place == Place::Injected;
        // A lie can make several replies of one.
        for _ in 0..replies_in(&reply) {
            if lied {
                self.control.touch(self.next_step());
            }
            self.told += 1;
        }
        let starts_tls =
            place.verb() == "STARTTLS" && honest.starts_with(b"220") && reply.starts_with(b"220");
        self.told_client(&place, &reply);
        actions.push(Action::ToClient(reply));
        if starts_tls {
            actions.push(Action::StartTls);
        }
    }

    /// What the client sends next depends on what it has just heard.
    fn told_client(&mut self, place: &Place, reply: &[u8]) {
        match place.verb() {
            "DATA" if reply.starts_with(b"354") => {
                self.mode = Mode::Content;
                // The end may be the very first line (RFC 5321 section 4.1.1.4).
                self.content_tail = b"\r\n".to_vec();
            }
            "AUTH" | "" if reply.starts_with(b"334") => self.mode = Mode::Response,
            _ => {}
        }
    }

    fn count(&mut self, key: &str, place: impl FnOnce(u32) -> Place) -> Place {
        let counter = self
            .counts
            .entry(if key.is_empty() {
                "(octets)".to_owned()
            } else {
                key.to_owned()
            })
            .or_default();
        *counter += 1;
        let nth = *counter;
        match self.counted {
            Phase::Preparing => Place::Uncounted(key.to_owned()),
            _ => place(nth),
        }
    }
}

/// How many replies a client reads: every line without a hyphen ends one.
fn replies_in(octets: &[u8]) -> usize {
    let lines = octets.split_inclusive(|&octet| octet == b'\n');
    lines
        .filter(|line| line.get(3) != Some(&b'-'))
        .count()
        .max(1)
}

/// Lines as a lie is written, with their line ends.
fn lines(text: &str) -> Vec<u8> {
    format!("{}\r\n", text.replace('\n', "\r\n")).into_bytes()
}
