//! How long to wait between attempts: each time twice as long, a little more or less at random.

use std::time::Duration;

use jiff::Timestamp;

/// The waits between attempts and their end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) first: Duration,
    pub(super) longest: Duration,
    /// The part by which a wait may be longer or shorter.
    pub(super) jitter: f64,
    /// How long a recipient is tried, from the arrival on.
    pub(super) lifetime: Duration,
}

impl Pace {
    /// The wait after so many attempts.
    pub(super) fn wait(&self, attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1).min(31));
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        wait.max(self.first)
            .mul_f64(1.0 + self.jitter * (2.0 * random() - 1.0))
    }

    /// How long from now until the next attempt, given when the last one ended. A clock that was
    /// put back makes nobody wait longer than that.
    pub(super) fn until_due(
        &self,
        attempts: u32,
        last: Option<Timestamp>,
        now: Timestamp,
    ) -> Duration {
        let Some(last) = last.filter(|_| attempts > 0) else {
            return Duration::ZERO;
        };
        let passed = Duration::try_from(now.duration_since(last)).unwrap_or_default();
        self.wait(attempts).saturating_sub(passed)
    }

    /// What is left of the lifetime.
    pub(super) fn left(&self, arrival: Timestamp, now: Timestamp) -> Duration {
        let age = Duration::try_from(now.duration_since(arrival)).unwrap_or_default();
        self.lifetime.saturating_sub(age)
    }
}

/// From 0 to 1. Without a source of randomness the middle, which is no jitter.
fn random() -> f64 {
    let mut octets = [0; 4];
    match getrandom::fill(&mut octets) {
        Ok(()) => f64::from(u32::from_ne_bytes(octets)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const PACE: Pace = Pace {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(60),
        jitter: 0.0,
        lifetime: Duration::from_secs(600),
    };

    #[rstest]
    #[case(1, 2)]
    #[case(2, 4)]
    #[case(5, 32)]
    #[case(6, 60)]
    #[case(u32::MAX, 60)]
    fn waits_grow_to_the_longest(#[case] attempts: u32, #[case] seconds: u64) {
        assert_eq!(PACE.wait(attempts), Duration::from_secs(seconds));
    }

    #[test]
    fn a_wait_differs_by_its_part_and_no_more() {
        let pace = Pace {
            jitter: 0.5,
            ..PACE
        };
        for _ in 0..100 {
            let wait = pace.wait(6);
            assert!(
                wait >= Duration::from_secs(30) && wait <= Duration::from_secs(90),
                "{wait:?}"
            );
        }
    }

    #[rstest]
    #[case(0, None, 0)]
    #[case(3, Some("2026-11-24T10:00:00Z"), 0)]
    #[case(3, Some("2026-11-24T10:00:57Z"), 5)]
    #[case(3, Some("2026-11-24T11:00:00Z"), 8)]
    fn a_restart_forgets_no_wait(
        #[case] attempts: u32,
        #[case] last: Option<&str>,
        #[case] seconds: u64,
    ) {
        let now = "2026-11-24T10:01:00Z".parse().unwrap();
        let last = last.map(|last| last.parse().unwrap());
        let due = PACE.until_due(attempts, last, now);
        assert_eq!(due, Duration::from_secs(seconds));
    }

    #[test]
    fn a_lifetime_ends() {
        let arrival = "2026-11-24T10:00:00Z".parse().unwrap();
        let left = |now: &str| PACE.left(arrival, now.parse().unwrap()).as_secs();
        assert_eq!(left("2026-11-24T09:00:00Z"), 600);
        assert_eq!(left("2026-11-24T10:09:00Z"), 60);
        assert_eq!(left("2026-11-24T11:00:00Z"), 0);
    }
}
