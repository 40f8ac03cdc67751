//! Lines of limited width, with styles and without anything that could command the terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::verdict::Verdict;

/// As it is.
pub(super) const PLAIN: Style = Style::new();
/// What stands out.
pub const BOLD: Style = Style::new().bold();
/// What may be passed over.
pub const QUIET: Style = Style::new().dimmed();
/// The widest line that is still read easily.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;
/// Where the text behind a label begins.
const LABEL: usize = 19;

/// The colour of a verdict.
pub fn verdict_style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Fail => return AnsiColor::Red.on_default().bold(),
        Verdict::Skip => return QUIET,
        Verdict::Inconclusive => AnsiColor::Magenta,
    };
    color.on_default()
}

/// Text in a style.
pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A page that is written from top to bottom.
pub(super) struct Page<'w> {
    out: &'w mut dyn Write,
    width: usize,
}

impl<'w> Page<'w> {
    /// A page for a terminal with this many columns.
    pub(super) fn new(out: &'w mut dyn Write, columns: usize) -> Page<'w> {
        Page {
            out,
            width: columns.clamp(NARROWEST, WIDEST),
        }
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A line of ours, styles included.
    pub(super) fn raw(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        self.blank()?;
        self.text(0, BOLD, text)
    }

    /// A paragraph; one for each line of the text, those behind the first indented further.
    pub(super) fn text(&mut self, indent: usize, style: Style, text: &str) -> io::Result<()> {
        let mut indent = indent;
        for (index, line) in text.lines().enumerate() {
            indent += if index == 1 { 2 } else { 0 };
            for line in wrap(&harmless(line), self.width - indent) {
                writeln!(self.out, "{:indent$}{}", "", styled(style, &line))?;
            }
        }
        Ok(())
    }

    /// A paragraph behind a label; nothing where there is no text.
    pub(super) fn labelled(&mut self, label: &str, style: Style, text: &str) -> io::Result<()> {
        let mut label = label;
        let paragraphs = text.lines().map(harmless);
        for line in paragraphs.flat_map(|line| wrap(&line, self.width - LABEL)) {
            let styled = styled(style, &line);
            writeln!(self.out, "  {QUIET}{label:<0$}{QUIET:#}{styled}", LABEL - 2)?;
            label = "";
        }
        Ok(())
    }

    /// A line of a dialogue, not wrapped, so that it can be searched and copied.
    pub(super) fn dialogue(&mut self, line: &str, decisive: bool) -> io::Result<()> {
        let line = harmless(line);
        let style = match line.as_bytes().first() {
            _ if decisive => BOLD,
            Some(b'=') => QUIET,
            _ => PLAIN,
        };
        let mark = if decisive { "  =>  " } else { "      " };
        writeln!(self.out, "{}", styled(style, &format!("{mark}{line}")))
    }
}

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

/// Control characters, and those of the bidirectional algorithm (UAX #9).
fn commands(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
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
