//! Which statement of an `.mc` a line of the `.cf` comes from: found by leaving out one after the other, since
//! m4 keeps no account of it.

use msaspec_harness::error::Error;

use super::{findings::Place, mc::Mc, workshop::Workshop};

/// Where a line of the `.cf` comes from: for each line, the statement without which it is not there.
#[derive(Clone, Debug, Default)]
pub struct Provenance(Vec<(String, Place, usize)>);

impl Provenance {
    /// Drops one statement after the other.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub fn find(workshop: &Workshop, mc: &Mc) -> Result<Provenance, Error> {
        let count = mc.statements.len().min(MOST_STATEMENTS);
        let texts: Vec<_> = (0..count).map(|index| mc.without(index)).collect();
        let variants = workshop.variants(&texts)?;
        let mut lines = Vec::new();
        for (statement, variant) in mc.statements.iter().zip(&variants) {
            if !variant.built {
                continue;
            }
            for line in &variant.gone {
                let place = mc.place(statement.first, statement.last);
                lines.push((line.clone(), place, variant.gone.len()));
            }
        }
        Ok(Provenance(lines))
    }

    /// The statement behind a line: of several the one that moves least.
    pub fn of(&self, line: &str) -> Option<&Place> {
        // A line that begins with a blank continues the one before it.
        let is_part = |moved: &str| moved.starts_with([' ', '\t']) && line.contains(moved.trim());
        let all = self
            .0
            .iter()
            .filter(|(moved, _, _)| moved == line || is_part(moved));
        all.min_by_key(|(_, _, moves)| *moves)
            .map(|(_, place, _)| place)
    }
}

/// More than a table of an honest `.mc` has.
const MOST_STATEMENTS: usize = 400;
