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
    facts::Area,
    findings::{Change, Place, Side},
    site::Site,
    workshop::Workshop,
};

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
    comparison.mc = hunks.iter().flatten().cloned().collect();
    if comparison.differences.is_empty() {
        return Ok(comparison);
    }
    let effects = effects(workshop, &before.mc, &after.mc, &hunks, &comparison.cf)?;
    for difference in &mut comparison.differences {
        difference.causes = cause::causes(difference, &effects);
        difference
            .causes
            .extend(in_tables(difference, site, Side::CameIn));
        if let Some(old) = old {
            difference
                .causes
                .extend(in_tables(difference, old, Side::TakenOut));
        }
        if difference
            .causes
            .iter()
            .any(|change| change.side == Side::CameIn)
        {
            // A line of a table that both have explains nothing.
            difference
                .causes
                .dedup_by(|a, b| a.place.text == b.place.text);
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

/// The line of a file beside the `.mc` that is about what has changed.
fn in_tables(difference: &Difference, site: &Site, side: Side) -> Vec<Change> {
    let (tables, words): (&[&str], Vec<&str>) = match difference.area {
        Area::Routes => {
            let address = difference.question.as_str();
            let domain = address.find('@').map(|at| &address[at..]);
            (
                &["virtusertable", "aliases", "mailertable"],
                std::iter::once(address).chain(domain).collect(),
            )
        }
        Area::Answers => match difference.question.rsplit_once(' ') {
            Some(("mail from" | "mail to", address)) => {
                let domain = address.split_once('@').map(|(_, domain)| domain);
                let words = std::iter::once(address).chain(domain);
                (&["access"], words.collect())
            }
            _ => return Vec::new(),
        },
        Area::Delivery => {
            let value = match side {
                Side::CameIn => &difference.after,
                Side::TakenOut => &difference.before,
            };
            (&["genericstable"], value.as_deref().into_iter().collect())
        }
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    for (name, contents) in &site.files {
        let stem = name.rsplit('/').next().unwrap_or(name);
        if !tables.contains(&stem) {
            continue;
        }
        for (index, line) in String::from_utf8_lossy(contents).lines().enumerate() {
            let is_comment = line.trim_start().starts_with('#');
            let about = line
                .split([' ', '\t', ':', ','])
                .any(|word| words.contains(&word));
            if about && !is_comment {
                found.push(Change {
                    side,
                    place: Place {
                        file: site.beside(name),
                        first: index + 1,
                        last: index + 1,
                        text: line.to_owned(),
                    },
                });
            }
        }
    }
    found
}
