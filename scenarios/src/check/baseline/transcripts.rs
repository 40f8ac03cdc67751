//! All dialogues in one text: each under a line `## NAME`.

use std::collections::HashMap;

use crate::check::findings::Dialogue;

/// The dialogues as they come back from a file: each name once, no line end in a line, and what EHLO
/// offers only where it is not what the same listener offered in the same state before.
pub(super) fn kept(dialogues: &[Dialogue]) -> Vec<Dialogue> {
    let mut kept: Vec<Dialogue> = Vec::new();
    for dialogue in dialogues {
        let name = line(&dialogue.name);
        let transcript = dialogue.transcript.iter().map(|text| line(text));
        match kept.iter_mut().find(|known| known.name == name) {
            Some(known) => known.transcript.extend(transcript),
            None => kept.push(Dialogue {
                transcript: transcript.collect(),
                name,
            }),
        }
    }
    shortened(&mut kept);
    kept
}

/// How far a session has come: that changes what EHLO offers.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct State {
    inside_tls: bool,
    logged_in: bool,
}

fn shortened(dialogues: &mut [Dialogue]) {
    let mut last: HashMap<(String, State), Vec<String>> = HashMap::new();
    for dialogue in dialogues {
        let (listener, _) = dialogue.name.split_once(": ").unwrap_or_default();
        let mut state = State::default();
        let mut lines = std::mem::take(&mut dialogue.transcript)
            .into_iter()
            .peekable();
        while let Some(line) = lines.next() {
            if line.starts_with("== connected") {
                state = State::default();
            }
            state.inside_tls |= line.starts_with("== TLS");
            state.logged_in |= line.starts_with("S: 235");
            let asked = line.starts_with("C: EHLO ");
            dialogue.transcript.push(line);
            if !asked {
                continue;
            }
            let mut reply = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with("S: 250-")) {
                reply.push(line);
            }
            reply.extend(lines.next_if(|line| line.starts_with("S: 250 ")));
            let place = (listener.to_owned(), state);
            match last.get(&place) {
                Some(before) if *before == reply && reply.len() > 1 => {
                    dialogue.transcript.push(AS_BEFORE.to_owned());
                }
                _ => {
                    last.insert(place, reply.clone());
                    dialogue.transcript.extend(reply);
                }
            }
        }
    }
}

pub(super) fn written(dialogues: &[Dialogue]) -> String {
    let mut text = String::new();
    for dialogue in dialogues {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{HEADING}{}\n", dialogue.name));
        for line in &dialogue.transcript {
            // A line that looks like ours is moved in by a blank, as is one that was.
            let inward =
                line.trim_start_matches(' ').starts_with(HEADING) || line.trim().is_empty();
            text.push_str(if inward { " " } else { "" });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// What stands before the first heading is a note of the reader's, and not looked at.
pub(super) fn read(text: &str) -> Vec<Dialogue> {
    let mut dialogues: Vec<Dialogue> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(HEADING) {
            dialogues.push(Dialogue {
                name: name.to_owned(),
                transcript: Vec::new(),
            });
            continue;
        }
        let Some(dialogue) = dialogues.last_mut().filter(|_| !line.is_empty()) else {
            continue;
        };
        let moved = line.trim_start_matches(' ').starts_with(HEADING) || line.trim().is_empty();
        let text = line.strip_prefix(' ').filter(|_| moved).unwrap_or(line);
        dialogue.transcript.push(text.to_owned());
    }
    dialogues
}

const HEADING: &str = "## ";
const AS_BEFORE: &str = "S: 250 [as before]";

fn line(text: &str) -> String {
    text.replace('\r', "\\r").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(name: &str, transcript: &[&str]) -> Dialogue {
        Dialogue {
            name: name.to_owned(),
            transcript: transcript.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    #[test]
    fn dialogues_are_text() {
        let dialogues = [
            dialogue("b", &["C: QUIT"]),
            dialogue("a", &["S: 220", "C: EHLO"]),
        ];
        let text = written(&kept(&dialogues));
        assert_eq!(text, "## b\nC: QUIT\n\n## a\nS: 220\nC: EHLO\n");
    }

    #[test]
    fn what_ehlo_offers_is_kept_once_a_listener_and_state() {
        let ehlo = ["C: EHLO x", "S: 250-[host]", "S: 250 HELP"];
        let clear = [&["== connected"], &ehlo[..]].concat();
        let both = [&clear[..], &["== TLS 1.3"], &ehlo[..]].concat();
        let other = ["C: EHLO x", "S: 250-[host]", "S: 250 DSN"];
        let short = ["== connected", "C: EHLO x", AS_BEFORE];
        let kept = kept(&[
            dialogue("25/inet: a", &both),
            dialogue("25/inet: b", &both),
            dialogue("587/inet: a", &clear),
            dialogue("587/inet: b", &other),
            dialogue("587/inet: c", &clear),
        ]);
        let transcripts: Vec<_> = kept.iter().map(|dialogue| &dialogue.transcript).collect();
        assert_eq!(*transcripts[0], both);
        let twice = [&short[..], &["== TLS 1.3", "C: EHLO x", AS_BEFORE]].concat();
        assert_eq!(*transcripts[1], twice);
        assert_eq!(*transcripts[2], clear);
        assert_eq!(*transcripts[3], other);
        assert_eq!(*transcripts[4], clear);
    }

    #[test]
    fn whatever_a_server_says_comes_back() {
        let dialogues = kept(&[
            dialogue("a", &["## b", " ## b", "", " ", "S: x\r\n## y", "  S: z"]),
            dialogue("a", &["again"]),
            dialogue("empty", &[]),
        ]);
        assert_eq!(dialogues.len(), 2);
        assert_eq!(read(&written(&dialogues)), dialogues);
    }
}
