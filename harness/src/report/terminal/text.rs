//! Text that cannot command the terminal, cut and broken into lines.

/// One line of text that can neither command a terminal nor change the order in which it is read.
///
/// Servers' text is escaped where it is read, and names come from command lines and files: this holds
/// whatever comes here.
pub fn harmless(text: &str) -> String {
    let visible = |character: char| match character {
        '\t' => ' ',
        _ if commands(character) => '\u{fffd}',
        _ => character,
    };
    text.chars().map(visible).collect()
}

/// A line to be copied: tabs are part of it.
pub fn copied(line: &str) -> String {
    let parts = line.split('\t').map(harmless);
    parts.collect::<Vec<_>>().join("\t")
}

/// Breaks at blanks; a word that is too long for a line has one of its own.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Text that is not longer than this, or its beginning.
pub fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.chars().take(longest.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}

/// Control characters, and those of the bidirectional algorithm (UAX #9).
fn commands(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}
