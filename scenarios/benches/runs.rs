//! How long a whole run takes, without the start of its target: a table of the runs' own clocks.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use msaspec::catalogue::{self, Selection};
use msaspec_harness::{
    error::Error,
    report::Run,
    run::run,
    session::Shared,
    target::{
        Target,
        container::{self, Options, Running},
        embedded::{self, Profile},
    },
};

/// Runs of a target in this process.
const EMBEDDED_RUNS: usize = 10;
/// Runs of a target in containers.
const CONTAINER_RUNS: usize = 3;
/// Sessions at a time, as the program has by default.
const JOBS: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --benches` and the like only want to know whether this builds.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<18}{:>6}{:>10}{:>10}{:>10}{:>10}",
        "target", "runs", "start", "min", "median", "max"
    )?;
    for profile in [Profile::Modern, Profile::Origin] {
        let clock = Instant::now();
        let target = embedded::start(profile)?;
        row(
            &mut out,
            profile.target_name(),
            clock.elapsed(),
            measure(&target, EMBEDDED_RUNS)?,
        )?;
    }
    if let Err(reason) = container::engine() {
        writeln!(out, "no containers: {reason}")?;
        return Ok(());
    }
    for name in msaspec_fixtures::servers() {
        let clock = Instant::now();
        match container::find(name).and_then(|source| Running::start(&source, &Options::default()))
        {
            Ok(running) => row(
                &mut out,
                name,
                clock.elapsed(),
                measure(&running.target, CONTAINER_RUNS)?,
            )?,
            Err(reason) => writeln!(out, "{name:<18}{reason}")?,
        }
    }
    Ok(())
}

fn measure(target: &Target, runs: usize) -> Result<Vec<Duration>, Error> {
    let plan = catalogue::plan(&Selection::default());
    let once = |_| -> Result<Duration, Error> {
        let run: Run = run(target, &plan, JOBS, &Shared::default(), &())?;
        Ok(Duration::from_millis(run.duration_ms))
    };
    let mut durations = (0..runs).map(once).collect::<Result<Vec<_>, _>>()?;
    durations.sort();
    Ok(durations)
}

/// Durations are sorted.
fn row(
    out: &mut impl Write,
    name: &str,
    start: Duration,
    durations: Vec<Duration>,
) -> io::Result<()> {
    let seconds = |duration: Option<&Duration>| duration.map_or(0.0, Duration::as_secs_f64);
    writeln!(
        out,
        "{name:<18}{:>6}{:>8.2} s{:>8.2} s{:>8.2} s{:>8.2} s",
        durations.len(),
        start.as_secs_f64(),
        seconds(durations.first()),
        seconds(durations.get(durations.len() / 2)),
        seconds(durations.last()),
    )
}
