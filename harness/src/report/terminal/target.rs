//! Who was judged, and the results of each chapter in a line.

use std::io;

use super::{BOLD, PLAIN, Page, harmless, page::styled, verdict_style};
use crate::{
    report::{CaseReport, Run},
    verdict::Verdict,
};

pub(super) fn header(page: &mut Page<'_>, run: &Run) -> io::Result<()> {
    let target = &run.target;
    page.text(0, BOLD, &target.name)?;
    page.labelled("address", PLAIN, &target.address)?;
    page.labelled("greeting", PLAIN, &target.greeting)?;
    let versions: Vec<_> = target
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or_default()))
        .collect();
    page.labelled("versions", PLAIN, &versions.join(", "))?;
    page.labelled("image", PLAIN, target.image.as_deref().unwrap_or_default())?;
    let keywords = &target.keywords;
    page.labelled("offers in clear", PLAIN, &keywords.clear.join(", "))?;
    page.labelled("inside TLS", PLAIN, &keywords.tls.join(", "))?;
    page.labelled("after login", PLAIN, &keywords.authenticated.join(", "))
}

pub(super) fn chapters(page: &mut Page<'_>, run: &Run) -> io::Result<()> {
    let mut chapters: Vec<(&str, Vec<&CaseReport>)> = Vec::new();
    for case in &run.cases {
        match chapters.iter_mut().find(|(name, _)| *name == case.chapter) {
            Some((_, cases)) => cases.push(case),
            None => chapters.push((&case.chapter, vec![case])),
        }
    }
    page.blank()?;
    for (name, cases) in chapters {
        page.raw(&format!("  {:<16} {}", harmless(name), counts(&cases)))?;
    }
    Ok(())
}

/// Verdicts that occur, counted; what is known is not counted again as a deviation.
fn counts(cases: &[&CaseReport]) -> String {
    let order = [
        Verdict::Pass,
        Verdict::Warn,
        Verdict::Fail,
        Verdict::Skip,
        Verdict::Inconclusive,
    ];
    let mut counts: Vec<_> = order
        .into_iter()
        .filter_map(|verdict| {
            let these = cases.iter().filter(|case| case.verdict == verdict);
            let count = these.filter(|case| case.known.is_none()).count();
            (count > 0).then(|| styled(verdict_style(verdict), &format!("{count} {verdict}")))
        })
        .collect();
    let known = cases.iter().filter(|case| case.known.is_some()).count();
    if known > 0 {
        counts.push(format!("{known} known"));
    }
    counts.join(", ")
}
