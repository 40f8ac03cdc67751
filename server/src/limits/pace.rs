//! How quickly a content has to come in: a demand on every window of time.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;

/// The octets of one content against the clock.
#[derive(Debug)]
pub(crate) struct Pace {
    block: Duration,
    /// When the content has to be whole.
    end: Instant,
    window: Duration,
    /// Octets that a window has to bring.
    due: u64,
    window_end: Instant,
    came: u64,
}

impl Pace {
    /// A content that begins now.
    pub(crate) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        let window = Duration::from_secs(limits.rate_window_seconds);
        Pace {
            block: Duration::from_secs(limits.block_seconds),
            end: now + Duration::from_secs(limits.content_seconds),
            window,
            due: limits
                .minimum_rate
                .saturating_mul(limits.rate_window_seconds),
            window_end: now + window,
            came: 0,
        }
    }

    /// Until when the next octets have to be there. A window's end is no such moment where nothing
    /// is due, or enough has come already.
    pub(crate) fn deadline(&self) -> Instant {
        let silence = self.end.min(Instant::now() + self.block);
        if self.came >= self.due {
            silence
        } else {
            silence.min(self.window_end)
        }
    }

    /// Counts octets that came; false if they were too few for too long.
    #[must_use]
    pub(crate) fn keeps_up(&mut self, octets: usize) -> bool {
        self.came = self.came.saturating_add(octets as u64);
        let now = Instant::now();
        if now < self.window_end {
            return true;
        }
        let enough = self.came >= self.due;
        self.window_end = now + self.window;
        self.came = 0;
        enough
    }

    /// Whether a wait that has just ended without octets was too slow rather than silent.
    pub(crate) fn is_slow(&self) -> bool {
        let now = Instant::now();
        now >= self.end || (self.came < self.due && now >= self.window_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(&Limits {
            minimum_rate: 100,
            rate_window_seconds: 10,
            block_seconds: 5,
            content_seconds: 60,
            ..Limits::default()
        })
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    fn left(pace: &Pace) -> u64 {
        (pace.deadline() - Instant::now()).as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn every_window_brings_its_octets() {
        let mut pace = pace();
        for _ in 0..3 {
            pass(4).await;
            assert!(pace.keeps_up(500));
            pass(4).await;
            assert!(pace.keeps_up(500));
            assert_eq!(left(&pace), 5);
            pass(4).await;
            assert!(pace.keeps_up(1));
        }
        pass(4).await;
        assert!(pace.keeps_up(998));
        pass(4).await;
        assert!(pace.keeps_up(1));
        assert_eq!(left(&pace), 2);
        pass(2).await;
        assert!(pace.is_slow());
        assert!(!pace.keeps_up(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_is_no_slowness() {
        let pace = pace();
        assert_eq!(left(&pace), 5);
        pass(5).await;
        assert!(!pace.is_slow());
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_has_an_end() {
        let mut pace = pace();
        for _ in 0..19 {
            pass(3).await;
            assert!(pace.keeps_up(10_000));
        }
        assert_eq!(left(&pace), 3);
        pass(3).await;
        assert!(pace.is_slow());
    }

    #[tokio::test(start_paused = true)]
    async fn no_rate_is_no_demand() {
        let mut pace = Pace::new(&Limits {
            minimum_rate: 0,
            ..Limits::default()
        });
        pass(299).await;
        assert_eq!(left(&pace), 180);
        pass(1).await;
        assert!(pace.keeps_up(1));
    }
}
