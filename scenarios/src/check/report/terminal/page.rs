//! Lines of limited width, of which none can command the terminal.

use std::io::{self, Write};

use anstyle::Style;
use msaspec_harness::report::terminal::{BOLD, QUIET, harmless, wrap};

use crate::check::report::{copied, cut};

/// As it is.
pub(super) const PLAIN: Style = Style::new();
/// The widest line that is still read easily.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;
/// Where the text behind a label begins.
const LABEL: usize = 14;
/// No paragraph is honestly longer.
const LONGEST: usize = 2000;

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

    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        self.blank()?;
        self.text(0, BOLD, text)
    }

    /// A paragraph.
    pub(super) fn text(&mut self, indent: usize, style: Style, text: &str) -> io::Result<()> {
        for line in self.wrapped(indent, text) {
            writeln!(self.out, "{:indent$}{style}{line}{style:#}", "")?;
        }
        Ok(())
    }

    /// A paragraph behind a label; nothing where there is no text.
    pub(super) fn labelled(&mut self, label: &str, style: Style, text: &str) -> io::Result<()> {
        let mut label = label;
        for line in self.wrapped(LABEL, text) {
            let width = LABEL - 2;
            writeln!(
                self.out,
                "  {QUIET}{label:<width$}{QUIET:#}{style}{line}{style:#}"
            )?;
            label = "";
        }
        Ok(())
    }

    /// One line, of which the end is left out where it does not fit.
    pub(super) fn line(&mut self, indent: usize, style: Style, text: &str) -> io::Result<()> {
        let line = cut(&harmless(text), self.width.saturating_sub(indent));
        writeln!(
            self.out,
            "{:indent$}{style}{}{style:#}",
            "",
            line.trim_end()
        )
    }

    /// Lines to be copied, whole and as they are.
    pub(super) fn paste(&mut self, indent: usize, text: &str) -> io::Result<()> {
        for line in text.lines() {
            writeln!(self.out, "{:indent$}{}", "", copied(line))?;
        }
        Ok(())
    }

    fn wrapped(&self, indent: usize, text: &str) -> Vec<String> {
        let text = cut(text, LONGEST);
        let width = self.width.saturating_sub(indent);
        let lines = text.lines().map(harmless);
        lines.flat_map(|line| wrap(&line, width)).collect()
    }
}
