//! Two configurations side by side, and the changed lines behind each difference.

use msaspec_harness::error::Error;

use super::{
    baseline::{Baseline, compare},
    bisect::apply,
    difference::{
        Comparison, Difference,
        cause::{self, Effect},
        lines::{Source, hunks},
    },
    findings::Change,
    site::Site,
    workshop::Workshop,
};

mod tables;

/// How `after` differs from `before`. `site` is installed in the workshop; `old` is known where another
/// `.mc` is compared, and not what was accepted.
///
/// # Errors
/// [`Error::Target`].
pub fn of(
    workshop: &Workshop,
    site: &Site,
    old: Option<&Site>,
    before: &Baseline,
    after: &Baseline,
    with: &str,
) -> Result<Comparison, Error> {
    let mut comparison = compare(before, after);
    comparison.with = with.to_owned();
    let old_name = match old {
        Some(old) => old.mc.name.clone(),
        None => format!("{with}/site.mc"),
    };
    let hunks = hunks(
        Source {
            file: &old_name,
            octets: &before.mc,
        },
        Source {
            file: &site.mc.name,
            octets: &after.mc,
        },
    );
    let beside = tables::changes(site, old, before, after);
    let mc = hunks.iter().flatten().cloned();
    comparison.mc = mc.chain(beside.iter().cloned()).collect();
    if comparison.differences.is_empty() {
        return Ok(comparison);
    }
    let effects = effects(workshop, &before.mc, &after.mc, &hunks, &comparison.cf)?;
    for difference in &mut comparison.differences {
        difference.causes = cause::causes(difference, &effects);
        difference.causes.extend(tables::about(difference, &beside));
        if difference.causes.is_empty() {
            difference.causes.clone_from(&beside);
        }
    }
    Ok(comparison)
}

/// The difference that is meant by `words`; without words the most important one.
///
/// # Errors
/// A sentence with the differences that there are.
pub fn chosen<'a>(
    comparison: &'a Comparison,
    words: Option<&str>,
) -> Result<&'a Difference, String> {
    let all = &comparison.differences;
    let Some(words) = words else {
        let none = format!(
            "nothing differs from {}: there are no lines to be found",
            comparison.with
        );
        return all.first().ok_or(none);
    };
    let fits = |difference: &&Difference| {
        let sentence = difference.sentence.to_lowercase();
        words
            .to_lowercase()
            .split_whitespace()
            .all(|word| sentence.contains(word))
    };
    all.iter().find(fits).ok_or_else(|| {
        let sentences: Vec<_> = all.iter().map(|it| format!("  {}", it.sentence)).collect();
        format!(
            "no difference to {} has the words \"{words}\"; there are:\n{}",
            comparison.with,
            sentences.join("\n")
        )
    })
}

/// What each group of changed lines does to the `.cf`: the new configuration is built without it.
fn effects(
    workshop: &Workshop,
    old: &[u8],
    new: &[u8],
    hunks: &[Vec<Change>],
    cf: &[String],
) -> Result<Vec<Effect>, Error> {
    if hunks.is_empty() {
        return Ok(Vec::new());
    }
    let without = |left_out: usize| {
        let others = hunks
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != left_out);
        let others: Vec<_> = others.flat_map(|(_, hunk)| hunk.iter().cloned()).collect();
        apply(old, new, &others)
    };
    let texts: Vec<_> = (0..hunks.len()).map(without).collect();
    let variants = workshop.variants(&texts)?;
    let effects = hunks.iter().zip(variants).map(|(hunk, variant)| Effect {
        changes: hunk.clone(),
        cf: match variant.built {
            true => {
                let gone = variant.come.into_iter().map(|line| format!("-{line}"));
                let come = variant.gone.into_iter().map(|line| format!("+{line}"));
                gone.chain(come).collect()
            }
            // The others do not build without it: it has to do with all of them.
            false => cf.to_vec(),
        },
    });
    Ok(effects.collect())
}
