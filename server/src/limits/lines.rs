//! How much the log tells of strangers, so that no crowd of them fills the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines of one kind: so many a second, and the number of those that were left out.
#[derive(Debug)]
pub(crate) struct Lines {
    about: &'static str,
    most: u32,
    second: Mutex<Second>,
}

#[derive(Debug, Default)]
struct Second {
    began: Option<Instant>,
    told: u32,
    /// Since the last line that was told, whenever that was.
    untold: u64,
}

impl Lines {
    /// So many lines a second about this.
    pub(crate) fn new(about: &'static str, most: u32) -> Self {
        Lines {
            about,
            most,
            second: Mutex::default(),
        }
    }

    /// Whether another line may be told. If some before it were not, the log says how many.
    pub(crate) fn next(&self) -> bool {
        let Some(untold) = self.at(Instant::now()) else {
            return false;
        };
        if untold > 0 {
            // They are not this session's.
            tracing::info!(parent: None, about = self.about, lines = untold, "left out");
        }
        true
    }

    /// How many were left out before a line that may be told now.
    fn at(&self, now: Instant) -> Option<u64> {
        // Right at every moment, so that a panic elsewhere spoils nothing.
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |began| now.saturating_duration_since(began) >= Duration::from_secs(1);
        if second.began.is_none_or(over) {
            second.began = Some(now);
            second.told = 0;
        }
        if second.told >= self.most {
            second.untold += 1;
            return None;
        }
        second.told += 1;
        Some(std::mem::take(&mut second.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let lines = Lines::new("strangers", 2);
        let start = Instant::now();
        let told = |milliseconds| lines.at(start + Duration::from_millis(milliseconds));
        let first: Vec<_> = (0..1000).filter_map(told).collect();
        assert_eq!(first, [0, 0]);
        assert_eq!(
            [told(1000), told(1001), told(1999)],
            [Some(998), Some(0), None]
        );
        assert_eq!([told(60_000), told(60_001)], [Some(1), Some(0)]);
    }
}
