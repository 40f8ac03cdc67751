//! The lines in which two texts differ.

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use super::TextDifference;
use crate::check::findings::{Change, Place, Side};

/// A text and the name that messages have for it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file, as the command line names it.
    pub file: &'a str,
    /// What it holds.
    pub octets: &'a [u8],
}

/// The changed lines of two texts, in groups that can be applied alone: neighbouring lines, and line by
/// line where each is a statement of its own.
pub fn hunks(old: Source<'_>, new: Source<'_>) -> Vec<Vec<Change>> {
    let (before, after) = (split(old.octets), split(new.octets));
    let changed: Vec<DiffOp> = lines(&before, &after)
        .into_iter()
        .filter(|operation| !matches!(operation, DiffOp::Equal { .. }))
        .collect();
    let mut hunks = Vec::new();
    for operation in &changed {
        let gone = operation.old_range();
        let came = operation.new_range();
        let alone = changed.len() <= MOST_GROUPS
            && gone.len().max(came.len()) <= LONGEST_GROUP
            && separable(&before[gone.clone()], &after[came.clone()]);
        let gone = gone.map(|index| change(Side::TakenOut, old.file, &before, index));
        let came = came.map(|index| change(Side::CameIn, new.file, &after, index));
        match alone {
            false => hunks.push(gone.chain(came).collect()),
            true if gone.len() == came.len() => {
                hunks.extend(gone.zip(came).map(|(gone, came)| vec![gone, came]));
            }
            true => hunks.extend(gone.chain(came).map(|change| vec![change])),
        }
    }
    hunks
}

/// The difference of two texts with two lines of context; none where they are the same.
pub fn text_difference(name: &str, before: &[String], after: &[String]) -> Option<TextDifference> {
    let mut shown: Vec<String> = Vec::new();
    for group in group_diff_ops(lines(before, after), CONTEXT) {
        if !shown.is_empty() {
            shown.push(" …".to_owned());
        }
        for operation in group {
            if let DiffOp::Equal { .. } = operation {
                shown.extend(marked(' ', &before[operation.old_range()]));
                continue;
            }
            shown.extend(marked('-', &before[operation.old_range()]));
            shown.extend(marked('+', &after[operation.new_range()]));
        }
    }
    (!shown.is_empty()).then(|| TextDifference {
        name: name.to_owned(),
        lines: shown,
    })
}

/// The lines of a `.cf` that differ, `-` or `+` before each.
pub fn cf_difference(before: &[String], after: &[String]) -> Vec<String> {
    let mut shown = Vec::new();
    for operation in lines(before, after) {
        if !matches!(operation, DiffOp::Equal { .. }) {
            shown.extend(marked('-', &before[operation.old_range()]));
            shown.extend(marked('+', &after[operation.new_range()]));
        }
    }
    shown
}

/// Texts beyond this are not searched for equal lines, only cut where they begin and end alike: the
/// search takes time that grows with the product of both.
const MOST_LINES: usize = 10_000;

/// With more groups than this, or longer ones, lines are not told apart within a group: each costs a
/// run of m4.
const MOST_GROUPS: usize = 32;
const LONGEST_GROUP: usize = 32;

const CONTEXT: usize = 2;

/// A text as lines without their ends.
pub(in crate::check) fn split(text: &[u8]) -> Vec<&[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|octet| *octet == b'\n').collect()
}

/// How lines become others; the same on every run.
pub(in crate::check) fn lines<T: Ord + std::hash::Hash>(before: &[T], after: &[T]) -> Vec<DiffOp> {
    if before.len().max(after.len()) <= MOST_LINES {
        return capture_diff_slices(Algorithm::Patience, before, after);
    }
    let shorter = before.len().min(after.len());
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let tail = (before.iter().rev())
        .zip(after.iter().rev())
        .take(shorter - head)
        .take_while(|(a, b)| a == b)
        .count();
    let equal = |old_index, new_index, len| DiffOp::Equal {
        old_index,
        new_index,
        len,
    };
    let operations = [
        equal(0, 0, head),
        DiffOp::Replace {
            old_index: head,
            old_len: before.len() - head - tail,
            new_index: head,
            new_len: after.len() - head - tail,
        },
        equal(before.len() - tail, after.len() - tail, tail),
    ];
    operations
        .into_iter()
        .filter(|operation| !operation.old_range().is_empty() || !operation.new_range().is_empty())
        .collect()
}

/// Whether each line can be changed without its neighbours: no quote and no parenthesis of m4's goes
/// over the end of one.
pub(in crate::check) fn separable(before: &[&[u8]], after: &[&[u8]]) -> bool {
    let balance = |line: &[u8], open, close| {
        let count = |octet| line.iter().filter(|found| **found == octet).count();
        count(open) == count(close)
    };
    // What m4 drops needs no balance: an apostrophe in a comment is one.
    let is_comment = |line: &[u8]| line.trim_ascii_start().starts_with(b"dnl");
    before
        .iter()
        .chain(after)
        .all(|line| is_comment(line) || (balance(line, b'`', b'\'') && balance(line, b'(', b')')))
}

fn change(side: Side, file: &str, lines: &[&[u8]], index: usize) -> Change {
    Change {
        side,
        place: Place {
            file: file.to_owned(),
            first: index + 1,
            last: index + 1,
            text: String::from_utf8_lossy(lines[index]).into_owned(),
        },
    }
}

fn marked(mark: char, lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().map(move |line| format!("{mark}{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Groups as `-line+line`, separated by blanks.
    fn shown(old: &str, new: &str) -> String {
        let source = |file, text: &'static str| Source {
            file,
            octets: text.as_bytes(),
        };
        let (old, new) = (old.to_owned().leak(), new.to_owned().leak());
        let groups = hunks(source("old.mc", old), source("new.mc", new));
        let group = |changes: Vec<Change>| -> String {
            (changes.iter())
                .map(|change| match change.side {
                    Side::TakenOut => format!("-{}:{}", change.place.first, change.place.text),
                    Side::CameIn => format!("+{}:{}", change.place.first, change.place.text),
                })
                .collect()
        };
        groups.into_iter().map(group).collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case::same("a\nb\n", "a\nb\n", "")]
    #[case::final_line_end("a\nb", "a\nb\n", "")]
    #[case::edited("a\nb\nc\n", "a\nB\nc\n", "-2:b+2:B")]
    #[case::line_by_line("a(`1')\nb\nc\n", "a(`2')\nd\nc\n", "-1:a(`1')+1:a(`2') -2:b+2:d")]
    #[case::over_lines("a(`1',\n`2')\nc\n", "a(`1',\n`3')\nc\n", "-2:`2')+2:`3')")]
    #[case::one_statement("a(`1\n2')\nc\n", "a(`3\n4')\nc\n", "-1:a(`1-2:2')+1:a(`3+2:4')")]
    #[case::came_in("a\nc\n", "a\nb\nb(`')\nc\n", "+2:b +3:b(`')")]
    #[case::out_of_nothing("", "a\n", "+1:a")]
    #[case::comment_with_apostrophe("a\n", "dnl it's\nb\n", "-1:a +1:dnl it's +2:b")]
    fn lines_are_grouped(#[case] old: &str, #[case] new: &str, #[case] expected: &str) {
        assert_eq!(shown(old, new), expected);
    }

    #[test]
    fn context_is_two_lines() {
        let before: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
        let mut after = before.clone();
        after[4] = "five".to_owned();
        after[14] = "fifteen".to_owned();
        assert_eq!(text_difference("same", &before, &before), None);
        let difference = text_difference("EHLO", &before, &after).unwrap();
        assert_eq!(difference.name, "EHLO");
        assert_eq!(
            difference.lines.join("|"),
            " 3| 4|-5|+five| 6| 7| …| 13| 14|-15|+fifteen| 16| 17"
        );
        assert_eq!(
            cf_difference(&before, &after),
            ["-5", "+five", "-15", "+fifteen"]
        );
    }

    #[test]
    fn texts_beyond_measure_are_cut_at_both_ends() {
        let before: Vec<usize> = (0..=MOST_LINES).collect();
        let mut after = before.clone();
        after[10] = 0;
        after.remove(20);
        let changed: Vec<DiffOp> = lines(&before, &after)
            .into_iter()
            .filter(|operation| !matches!(operation, DiffOp::Equal { .. }))
            .collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].old_range(), 10..21);
        assert_eq!(changed[0].new_range(), 10..20);
    }
}
