//! The exit status of a check.

use msaspec::check::{Outcome, report::Conclusion};

use crate::cli::status;

/// For what was found; what has been accepted is as expected.
pub(super) fn of(outcome: &Outcome, accepted: bool) -> u8 {
    let conclusion = Conclusion::of(&outcome.findings, &outcome.run);
    status(conclusion, outcome.run.summary.inconclusive, accepted)
}

fn status(conclusion: Conclusion, inconclusive: usize, accepted: bool) -> u8 {
    match conclusion {
        Conclusion::Unjudged => status::NOT_JUDGED,
        _ if accepted => status::AS_EXPECTED,
        _ if conclusion.is_news() => status::DEVIATES,
        _ if inconclusive > 0 => status::NOT_JUDGED,
        _ => status::AS_EXPECTED,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same(Conclusion::Same, 0, false, 0)]
    #[case::sound(Conclusion::Sound, 0, false, 0)]
    #[case::differences(Conclusion::Differences(2), 0, false, 1)]
    #[case::lines(Conclusion::Lines, 0, false, 1)]
    #[case::faults(Conclusion::Faults(1), 0, false, 1)]
    #[case::deviation_before_inconclusive(Conclusion::Differences(1), 3, false, 1)]
    #[case::inconclusive(Conclusion::Same, 3, false, 3)]
    #[case::unjudged(Conclusion::Unjudged, 0, false, 3)]
    #[case::accepted(Conclusion::Differences(2), 0, true, 0)]
    #[case::accepted_fault(Conclusion::Faults(1), 0, true, 0)]
    #[case::nothing_to_accept(Conclusion::Unjudged, 0, true, 3)]
    fn a_check_ends_with(
        #[case] conclusion: Conclusion,
        #[case] inconclusive: usize,
        #[case] accepted: bool,
        #[case] expected: u8,
    ) {
        assert_eq!(status(conclusion, inconclusive, accepted), expected);
    }
}
