//! Lines of limited width, with styles and without anything that could command the terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::text::{copied, cut, harmless, wrap};
use crate::verdict::Verdict;

/// As it is.
pub const PLAIN: Style = Style::new();
/// What stands out.
pub const BOLD: Style = Style::new().bold();
/// What may be passed over.
pub const QUIET: Style = Style::new().dimmed();
/// The widest line that is still read easily.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;

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

/// A page that is written from top to bottom. Its methods fail where `out` does.
pub struct Page<'w> {
    out: &'w mut dyn Write,
    width: usize,
    layout: Layout,
}

/// In what pages differ.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Columns before the text behind a label.
    pub label: usize,
    /// Columns by which the lines of a paragraph's text are indented behind its first.
    pub hang: usize,
    /// Characters of a paragraph; the rest is left out.
    pub longest: usize,
}

impl<'w> Page<'w> {
    /// A page for a terminal with this many columns.
    pub fn new(out: &'w mut dyn Write, columns: usize, layout: Layout) -> Page<'w> {
        Page {
            out,
            width: columns.clamp(NARROWEST, WIDEST),
            layout,
        }
    }

    /// An empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A line of ours, styles included.
    pub fn raw(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    /// What the lines below are about.
    pub fn heading(&mut self, text: &str) -> io::Result<()> {
        self.blank()?;
        self.text(0, BOLD, text)
    }

    /// A paragraph for each line of the text.
    pub fn text(&mut self, indent: usize, style: Style, text: &str) -> io::Result<()> {
        let mut indent = indent;
        for (index, line) in cut(text, self.layout.longest).lines().enumerate() {
            indent += if index == 1 { self.layout.hang } else { 0 };
            for line in self.wrapped(indent, line) {
                writeln!(self.out, "{:indent$}{}", "", styled(style, &line))?;
            }
        }
        Ok(())
    }

    /// A paragraph behind a label; nothing where there is no text.
    pub fn labelled(&mut self, label: &str, style: Style, text: &str) -> io::Result<()> {
        let Layout {
            label: place,
            longest,
            ..
        } = self.layout;
        let mut label = label;
        for line in cut(text, longest).lines() {
            for line in self.wrapped(place, line) {
                let styled = styled(style, &line);
                writeln!(self.out, "  {QUIET}{label:<0$}{QUIET:#}{styled}", place - 2)?;
                label = "";
            }
        }
        Ok(())
    }

    /// One line, of which the end is left out where it does not fit.
    pub fn line(&mut self, indent: usize, style: Style, text: &str) -> io::Result<()> {
        let line = cut(&harmless(text), self.width.saturating_sub(indent));
        let line = styled(style, line.trim_end());
        writeln!(self.out, "{:indent$}{line}", "")
    }

    /// Lines to be copied, whole and as they are.
    pub fn paste(&mut self, indent: usize, text: &str) -> io::Result<()> {
        for line in text.lines() {
            writeln!(self.out, "{:indent$}{}", "", copied(line))?;
        }
        Ok(())
    }

    /// A line of a dialogue, not wrapped, so that it can be searched and copied.
    pub fn dialogue(&mut self, line: &str, decisive: bool) -> io::Result<()> {
        let line = harmless(line);
        let style = match line.as_bytes().first() {
            _ if decisive => BOLD,
            Some(b'=') => QUIET,
            _ => PLAIN,
        };
        let mark = if decisive { "  =>  " } else { "      " };
        writeln!(self.out, "{}", styled(style, &format!("{mark}{line}")))
    }

    fn wrapped(&self, indent: usize, line: &str) -> Vec<String> {
        wrap(&harmless(line), self.width.saturating_sub(indent))
    }
}
