//! Which of the changes between two configurations make a difference: delta debugging, bounded.

use std::collections::BTreeMap;

use similar::DiffOp;

use super::{
    difference::lines::{lines, separable, split},
    findings::{Change, Side},
};

/// What a configuration with some of the changes shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The difference that is looked for.
    Shows,
    /// Not that difference.
    DoesNotShow,
    /// Nothing: it cannot be built or started.
    Unbuildable,
}

/// Changes that make a difference together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The changes, in their order.
    pub changes: Vec<T>,
    /// How sure it is that all of them are needed.
    pub end: End,
    /// How many configurations were tried.
    pub tried: usize,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// None can be left out.
    Minimal,
    /// Some may be left out; the bound was reached before it was known.
    CutOff,
    /// Not even all changes together show the difference.
    NotShown,
}

/// Takes out of `changes` what the difference does not need, with at most `bound` trials. That the
/// difference does not show without any change is known beforehand, and not tried.
///
/// # Errors
///
/// The first error of a trial.
pub fn minimal<T: Clone, E>(
    changes: &[T],
    bound: usize,
    test: impl FnMut(&[T]) -> Result<Outcome, E>,
) -> Result<Found<T>, E> {
    let mut search = Search {
        changes,
        bound,
        test,
        known: BTreeMap::new(),
    };
    let all: Vec<usize> = (0..changes.len()).collect();
    let (found, end) = match search.shows(&all)? {
        Some(true) => search.reduce(all)?,
        Some(false) => (all, End::NotShown),
        None => (all, End::CutOff),
    };
    Ok(Found {
        changes: search.pick(&found),
        end,
        tried: search.known.len(),
    })
}

struct Search<'a, T, F> {
    changes: &'a [T],
    bound: usize,
    test: F,
    known: BTreeMap<Vec<usize>, Outcome>,
}

impl<T: Clone, E, F: FnMut(&[T]) -> Result<Outcome, E>> Search<'_, T, F> {
    /// Zeller's ddmin: ever smaller parts, and what is left without one of them.
    fn reduce(&mut self, mut current: Vec<usize>) -> Result<(Vec<usize>, End), E> {
        let mut parts = 2;
        while current.len() > 1 {
            let size = current.len().div_ceil(parts);
            let mut smaller = None;
            let chunks = current.chunks(size).map(|part| (part.to_vec(), 2));
            let rests = (0..current.len()).step_by(size).map(|from| {
                let to = (from + size).min(current.len());
                ([&current[..from], &current[to..]].concat(), parts - 1)
            });
            let subsets: Vec<(Vec<usize>, usize)> = chunks.chain(rests).collect();
            for (subset, left) in subsets {
                match self.shows(&subset)? {
                    Some(true) => {
                        smaller = Some((subset, left));
                        break;
                    }
                    Some(false) => {}
                    None => return Ok((current, End::CutOff)),
                }
            }
            match smaller {
                Some((subset, left)) => {
                    parts = left.clamp(2, subset.len().max(2));
                    current = subset;
                }
                None if size == 1 => break,
                None => parts = (parts * 2).min(current.len()),
            }
        }
        Ok((current, End::Minimal))
    }

    /// Whether a subset shows the difference; none where the bound does not allow to try.
    fn shows(&mut self, subset: &[usize]) -> Result<Option<bool>, E> {
        if let Some(known) = self.known.get(subset) {
            return Ok(Some(*known == Outcome::Shows));
        }
        if self.known.len() >= self.bound {
            return Ok(None);
        }
        let picked = self.pick(subset);
        let outcome = (self.test)(&picked)?;
        self.known.insert(subset.to_vec(), outcome);
        Ok(Some(outcome == Outcome::Shows))
    }
}

impl<T: Clone, F> Search<'_, T, F> {
    fn pick(&self, subset: &[usize]) -> Vec<T> {
        subset
            .iter()
            .map(|index| self.changes[*index].clone())
            .collect()
    }
}

/// The old text with only the chosen lines changed: those taken out are left out, and those that came
/// in stand where they stand in the new text, in relation to the lines that both have.
pub fn apply(old: &[u8], new: &[u8], chosen: &[Change]) -> Vec<u8> {
    let is_chosen = |side: Side, index: usize| {
        let line = index + 1;
        chosen.iter().any(|change| {
            change.side == side && (change.place.first..=change.place.last).contains(&line)
        })
    };
    let (before, after) = (split(old), split(new));
    let mut text = Text::default();
    for operation in lines(&before, &after) {
        if let DiffOp::Equal { .. } = operation {
            operation
                .old_range()
                .for_each(|index| text.push(before[index]));
            continue;
        }
        let kept = |index: &usize| !is_chosen(Side::TakenOut, *index);
        let came = |index: &usize| is_chosen(Side::CameIn, *index);
        let (gone, new) = (operation.old_range(), operation.new_range());
        // Where each line stands for one line, it stands in that line's place.
        if gone.len() == new.len() && separable(&before[gone.clone()], &after[new.clone()]) {
            for (old, new) in gone.zip(new) {
                if kept(&old) {
                    text.push(before[old]);
                }
                if came(&new) {
                    text.push(after[new]);
                }
            }
            continue;
        }
        gone.filter(kept).for_each(|index| text.push(before[index]));
        new.filter(came).for_each(|index| text.push(after[index]));
    }
    text.end(old, new)
}

/// Lines with the ends between them.
#[derive(Default)]
struct Text(Vec<u8>);

impl Text {
    fn push(&mut self, line: &[u8]) {
        self.0.extend_from_slice(line);
        self.0.push(b'\n');
    }

    /// The last line ends as it did, unless both texts agree that it does not.
    fn end(mut self, old: &[u8], new: &[u8]) -> Vec<u8> {
        let open = |text: &[u8]| text.last().is_some_and(|last| *last != b'\n');
        if open(old) && open(new) {
            self.0.pop();
        }
        self.0
    }
}

#[cfg(test)]
mod tests;
