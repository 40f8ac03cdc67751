//! Latencies in bounded memory: a histogram whose steps are a sixty-fourth of what they measure.

use std::time::Duration;

use serde::Serialize;

/// How long something took, many times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// Counts by step; as long as the highest step that occurred.
    steps: Vec<u64>,
    count: u64,
    /// In microseconds.
    longest: u64,
}

/// What is told of them, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half took no longer.
    pub p50: f64,
    /// Nine of ten took no longer.
    pub p90: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// The longest of all, exact.
    pub max: f64,
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let step = step_of(micros);
        if self.steps.len() <= step {
            self.steps.resize(step + 1, 0);
        }
        self.steps[step] += 1;
        self.count += 1;
        self.longest = self.longest.max(micros);
    }

    /// Adds all of another.
    pub fn add_all(&mut self, other: &Latencies) {
        if self.steps.len() < other.steps.len() {
            self.steps.resize(other.steps.len(), 0);
        }
        for (step, count) in self.steps.iter_mut().zip(&other.steps) {
            *step += count;
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    /// What is told of them; nothing where there are none.
    pub fn percentiles(&self) -> Option<Percentiles> {
        (self.count > 0).then(|| Percentiles {
            p50: self.percentile(50),
            p90: self.percentile(90),
            p99: self.percentile(99),
            max: milliseconds(self.longest),
        })
    }

    fn percentile(&self, percent: u64) -> f64 {
        let rank = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        let step = self.steps.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        milliseconds(step.map_or(self.longest, end_of).min(self.longest))
    }
}

/// Steps of one microsecond up to twice this, then as many for every power of two.
const FINE: u64 = 64;

fn step_of(micros: u64) -> usize {
    let doublings = (micros / FINE).checked_ilog2().unwrap_or(0);
    let step = u64::from(doublings) * FINE + (micros >> doublings);
    usize::try_from(step).unwrap_or(usize::MAX)
}

/// The longest time that counts for a step.
fn end_of(step: usize) -> u64 {
    let step = step as u64;
    let doublings = (step / FINE).saturating_sub(1);
    let begin = u128::from(step - doublings * FINE) + 1;
    u64::try_from((begin << doublings) - 1).unwrap_or(u64::MAX)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "285 years are counted exactly enough"
)]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        for micros in micros {
            latencies.add(Duration::from_micros(micros));
        }
        latencies
    }

    #[test]
    fn percentiles_are_ranks() {
        assert_eq!(of([]).percentiles(), None);
        let hundred = of((1..=100).rev()).percentiles().unwrap();
        assert_eq!(
            (hundred.p50, hundred.p90, hundred.p99, hundred.max),
            (0.05, 0.09, 0.099, 0.1)
        );
        let one = of([7_000_000]).percentiles().unwrap();
        assert_eq!((one.p50, one.max), (7000.0, 7000.0));
    }

    proptest! {
        #[test]
        fn a_step_is_a_sixty_fourth_at_most(micros in any::<u64>()) {
            let end = end_of(step_of(micros));
            prop_assert!(end >= micros);
            prop_assert!(end - micros <= micros / FINE);
            prop_assert!(step_of(micros) < 4096);
        }

        #[test]
        fn together_they_are_as_one(
            one in prop::collection::vec(0_u64..10_000_000, 0..50),
            other in prop::collection::vec(0_u64..10_000_000, 0..50),
        ) {
            let mut sum = of(one.clone());
            sum.add_all(&of(other.clone()));
            prop_assert_eq!(sum, of(one.into_iter().chain(other)));
        }
    }
}
