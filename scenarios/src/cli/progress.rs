//! How far a run is, for somebody who watches it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use msaspec_harness::{
    report::terminal::harmless,
    run::{Plan, Progress},
    target::Target,
    verdict::Verdict,
};

/// A bar on the standard error, where that is a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(target: &Target, plan: &Plan) -> Bar {
        let questions = plan
            .cases
            .iter()
            .map(|planned| target.listeners_for(planned.on).len().max(1))
            .sum::<usize>();
        let length = u64::try_from(questions).ok();
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(harmless(&target.name));
        Bar(bar)
    }
}

impl Progress for Bar {
    fn judged(&self, id: &str, _: Verdict) {
        self.0.set_message(id.to_owned());
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What the start of a target waits for, where somebody watches.
pub(super) struct Wait(ProgressBar);

impl Wait {
    pub(super) fn new() -> Wait {
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Wait(spinner.with_style(ProgressStyle::default_spinner()))
    }

    pub(super) fn is_for(&self, what: &str) {
        let what = harmless(what);
        tracing::info!("{what}");
        self.0.enable_steady_tick(Duration::from_millis(100));
        self.0.set_message(what);
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
