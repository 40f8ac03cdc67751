//! Searches with made-up servers, and texts with some of their changes.

use std::convert::Infallible;

use rstest::rstest;

use super::*;
use crate::check::difference::lines::{Source, hunks};
use Outcome::{DoesNotShow, Shows, Unbuildable};

fn search(among: u32, bound: usize, mut outcome: impl FnMut(&[u32]) -> Outcome) -> Found<u32> {
    let changes: Vec<u32> = (1..=among).collect();
    match minimal(&changes, bound, |subset| {
        Ok::<_, Infallible>(outcome(subset))
    }) {
        Ok(found) => found,
        Err(never) => match never {},
    }
}

#[rstest]
#[case::one_of_one(1, &[1])]
#[case::one_of_two(2, &[2])]
#[case::first(9, &[1])]
#[case::last(16, &[16])]
#[case::two_that_interact(12, &[3, 11])]
#[case::neighbours(7, &[4, 5])]
#[case::three(20, &[2, 9, 19])]
#[case::all(5, &[1, 2, 3, 4, 5])]
fn what_is_needed_is_found(#[case] among: u32, #[case] needed: &[u32]) {
    let found = search(among, 500, |subset| {
        match needed.iter().all(|change| subset.contains(change)) {
            true => Shows,
            false => DoesNotShow,
        }
    });
    assert_eq!(found.changes, needed);
    assert_eq!(found.end, End::Minimal);
}

#[test]
fn either_of_two_is_enough() {
    let found = search(8, 100, |subset| {
        match subset.contains(&2) || subset.contains(&7) {
            true => Shows,
            false => DoesNotShow,
        }
    });
    assert_eq!(found.changes.len(), 1);
}

/// 3 makes the difference, and a configuration with 3 or 4 can be built only with both.
#[test]
fn what_is_needed_to_build_stays() {
    let found = search(10, 200, |subset| {
        match (subset.contains(&3), subset.contains(&4)) {
            (true, true) => Shows,
            (false, false) => DoesNotShow,
            _ => Unbuildable,
        }
    });
    assert_eq!(found.changes, [3, 4]);
    assert_eq!(found.end, End::Minimal);
}

#[test]
fn none_can_be_left_out_of_what_is_called_minimal() {
    // A server without rhyme or reason, except that everything together shows.
    let server = |subset: &[u32]| {
        let sum: u32 = subset.iter().map(|change| change * change * 7 + 3).sum();
        match sum % 3 {
            _ if subset.len() == 12 => Shows,
            0 => Shows,
            1 => DoesNotShow,
            _ => Unbuildable,
        }
    };
    let found = search(12, 1000, server);
    assert_eq!(found.end, End::Minimal);
    assert_eq!(server(&found.changes), Shows);
    for left_out in 0..found.changes.len() {
        let mut fewer = found.changes.clone();
        fewer.remove(left_out);
        assert!(fewer.is_empty() || server(&fewer) != Shows, "{fewer:?}");
    }
}

#[test]
fn nothing_is_tried_twice_and_the_bound_holds() {
    let mut tried = Vec::new();
    let found = search(30, 12, |subset| {
        assert!(!tried.contains(&subset.to_vec()), "{subset:?} again");
        tried.push(subset.to_vec());
        match [5, 17, 29].iter().all(|change| subset.contains(change)) {
            true => Shows,
            false => DoesNotShow,
        }
    });
    assert_eq!(found.end, End::CutOff);
    assert_eq!((found.tried, tried.len()), (12, 12));
    assert!(
        [5, 17, 29]
            .iter()
            .all(|change| found.changes.contains(change))
    );
}

#[rstest]
#[case(0, Shows, End::CutOff)]
#[case(5, DoesNotShow, End::NotShown)]
#[case(5, Unbuildable, End::NotShown)]
fn a_search_that_cannot_begin_says_so(
    #[case] bound: usize,
    #[case] outcome: Outcome,
    #[case] end: End,
) {
    let found = search(3, bound, |_| outcome);
    assert_eq!((found.changes, found.end), (vec![1, 2, 3], end));
}

#[test]
fn an_error_ends_the_search() {
    let failed = minimal(&[1, 2], 9, |_| Err::<Outcome, _>("no container"));
    assert_eq!(failed, Err("no container"));
}

#[rstest]
#[case::none("a\nb\nc\n", "a\nB\nc\n", "", "a\nb\nc\n")]
#[case::edited("a\nb\nc\n", "a\nB\nc\n", "-2+2", "a\nB\nc\n")]
#[case::taken_out_only("a\nb\nc\n", "a\nB\nc\n", "-2", "a\nc\n")]
#[case::second_of_two("a\nb\nc\n", "A\nB\nc\n", "-2+2", "a\nB\nc\n")]
#[case::first_of_two("a\nb\nc\n", "A\nB\nc\n", "-1+1", "A\nb\nc\n")]
#[case::in_between("a\nd\n", "a\nb\nc\nd\n", "+3", "a\nc\nd\n")]
#[case::over_lines("a(`b\nc')\nd\n", "A(`B\nC')\nd\n", "-1-2+1+2", "A(`B\nC')\nd\n")]
#[case::at_the_end("a\n", "a\nb\nc", "+2", "a\nb\n")]
#[case::no_end("a\nb", "a\nc", "-2+2", "a\nc")]
#[case::everything_out("a\nb\n", "", "-1-2", "")]
fn some_changes_are_applied(
    #[case] old: &str,
    #[case] new: &str,
    #[case] chosen: &str,
    #[case] expected: &str,
) {
    let source = |text: &'static [u8]| Source {
        file: "",
        octets: text,
    };
    let (old_text, new_text) = (old.to_owned().leak(), new.to_owned().leak());
    let chosen: Vec<Change> = hunks(source(old_text.as_bytes()), source(new_text.as_bytes()))
        .into_iter()
        .flatten()
        .filter(|change| {
            let mark = match change.side {
                Side::TakenOut => '-',
                Side::CameIn => '+',
            };
            chosen.contains(&format!("{mark}{}", change.place.first))
        })
        .collect();
    let applied = apply(old.as_bytes(), new.as_bytes(), &chosen);
    assert_eq!(String::from_utf8_lossy(&applied), expected);
}

proptest::proptest! {
    /// All changes make the new text, none the old one; each hunk stands alone.
    #[test]
    fn all_and_none(old in "([ab`'()\n]|dnl ){0,20}", new in "([ab`'()\n]|dnl ){0,20}") {
        let source = |text: &'static str| Source { file: "", octets: text.as_bytes() };
        let found = hunks(source(old.clone().leak()), source(new.clone().leak()));
        let all: Vec<Change> = found.iter().flatten().cloned().collect();
        let lines = |text: &[u8]| split(text).iter().map(|line| line.to_vec()).collect::<Vec<_>>();
        let (old, new) = (old.as_bytes(), new.as_bytes());
        proptest::prop_assert_eq!(lines(&apply(old, new, &all)), lines(new));
        proptest::prop_assert_eq!(lines(&apply(old, new, &[])), lines(old));
        let size = all.len();
        let mut distinct = all;
        distinct.sort();
        distinct.dedup();
        proptest::prop_assert_eq!(distinct.len(), size);
    }
}
