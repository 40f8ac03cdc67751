use rstest::rstest;

use super::*;

#[rstest]
#[case::no_baseline(sample::findings(), Conclusion::Faults(1))]
#[case::compared(sample::compared(), Conclusion::Differences(3))]
#[case::same(sample::same(), Conclusion::Same)]
#[case::bisected(sample::bisected(), Conclusion::Differences(1))]
fn what_was_found_comes_to(#[case] findings: Findings, #[case] conclusion: Conclusion) {
    assert_eq!(Conclusion::of(&findings, &sample::run()), conclusion);
}

#[test]
fn a_case_that_fails_is_a_fault_unless_it_is_known() {
    let mut findings = sample::findings();
    findings.advice.clear();
    let mut case = sample::case("rfc5321-3.6.2-relay", Verdict::Fail);
    let conclude = |case| Conclusion::of(&findings, &sample::run_of(vec![case]));
    assert_eq!(conclude(case.clone()), Conclusion::Faults(1));
    case.known = Some(msaspec_harness::known::Deviates {
        reason: "agreed upon".to_owned(),
        verdict: None,
        observed: None,
    });
    assert_eq!(conclude(case), Conclusion::Sound);
}

#[test]
fn a_remark_in_the_mc_is_no_difference() {
    let mut findings = sample::same();
    let run = sample::run();
    if let Some(comparison) = &mut findings.comparison {
        comparison.mc = vec![sample::change(Side::CameIn, 3, "dnl # a remark")];
    }
    assert_eq!(Conclusion::of(&findings, &run), Conclusion::Same);
    if let Some(comparison) = &mut findings.comparison {
        comparison.cf = vec!["+O QueueLA=8".to_owned()];
    }
    assert_eq!(Conclusion::of(&findings, &run), Conclusion::Lines);
}

#[rstest]
#[case("origin.mc", "origin.expect")]
#[case("/etc/mail/sendmail.mc", "sendmail.expect")]
#[case("site", "site.expect")]
fn what_is_expected_lies_beside_the_mc(#[case] file: &str, #[case] folder: &str) {
    assert_eq!(expectation(file), folder);
}

#[rstest]
#[case("define(`confAUTH_OPTIONS', `p')dnl\n", "into the .mc:")]
#[case("DAEMON_OPTIONS(`Port=587')dnl\n", "in place of origin.mc:41:")]
#[case(
    "DAEMON_OPTIONS(`Port=587')dnl\nDAEMON_OPTIONS(`Port=465')dnl\n",
    "in place of your lines of the same name (origin.mc:41 ...):"
)]
fn a_listener_is_not_pasted_beside_itself(#[case] remedy: &str, #[case] words: &str) {
    let mut advice = sample::findings().advice.swap_remove(0);
    advice.remedy = remedy.to_owned();
    assert_eq!(destination(&advice), words);
}
