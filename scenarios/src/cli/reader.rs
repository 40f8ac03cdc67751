//! What a person is told, where no report for a machine goes.

use std::io::{self, Write};

use super::{Failure, reports::Reports};

/// Whoever reads the report. That he stops reading ends neither the work nor the other reports.
pub(super) struct Reader {
    out: Box<dyn Write>,
    error: Option<io::Error>,
}

impl Reader {
    /// Where no report goes.
    pub(super) fn beside(reports: &Reports) -> Reader {
        Reader {
            out: match reports.take_standard_output() {
                true => Box::new(anstream::stderr()),
                false => Box::new(anstream::stdout()),
            },
            error: None,
        }
    }

    /// Tells it, unless nobody listens any more.
    pub(super) fn tell(&mut self, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.error.is_none() {
            self.error = text(&mut *self.out).and_then(|()| self.out.flush()).err();
        }
    }

    /// What kept it from being told, other than that.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.error {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }
}
