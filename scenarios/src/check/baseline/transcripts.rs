//! All dialogues in one text: each under a line `## NAME`.

use crate::check::findings::Dialogue;

/// The dialogues as they come back from a file: each name once, and no line end in a line.
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
    kept
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
