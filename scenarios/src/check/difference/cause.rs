//! From which changed lines of the `.mc` a change came.

use super::{Difference, options};
use crate::check::findings::Change;

/// What a group of changed lines of the `.mc` does to the `.cf` when it is applied alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The lines of the `.mc`.
    pub changes: Vec<Change>,
    /// The lines of the `.cf`, `-` or `+` before each.
    pub cf: Vec<String>,
}

/// The changed lines that are behind a difference: those that move a line of the `.cf` which has to do
/// with it; else all that move anything.
pub fn causes(difference: &Difference, effects: &[Effect]) -> Vec<Change> {
    let moving: Vec<&Effect> = effects
        .iter()
        .filter(|effect| !effect.cf.is_empty())
        .collect();
    let things = options::behind(difference);
    let behind = |exactly: bool| -> Vec<&Effect> {
        let is_behind = |effect: &&Effect| {
            things
                .iter()
                .any(|thing| thing.moves(&effect.cf, &difference.places, exactly))
        };
        moving.iter().copied().filter(is_behind).collect()
    };
    // A line about this very listener or ruleset goes before one about another.
    let found = [behind(true), behind(false), moving.clone()];
    found
        .into_iter()
        .find(|effects| !effects.is_empty())
        .unwrap_or_default()
        .into_iter()
        .flat_map(|effect| effect.changes.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests;
