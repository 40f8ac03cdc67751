//! Edits of one line: the difference that each makes is named on the first screen, on the right line, and
//! nothing else is.

mod row;
mod table;
mod trial;

use libtest_mimic::Trial;

/// A trial a row.
pub(crate) fn trials() -> Vec<Trial> {
    table::rows().map(trial::trial).collect()
}
