//! Numbers by chance (xorshift), from a seed that is printed.

use std::{env, time::SystemTime};

use libtest_mimic::Failed;

pub(crate) struct Dice(u64);

impl Dice {
    /// From the seed that `MSASPEC_KILL_SEED` says, or any.
    pub(crate) fn from_env() -> Result<Self, Failed> {
        let seed = match env::var("MSASPEC_KILL_SEED") {
            Ok(seed) => seed.parse::<u64>()?,
            Err(_) => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)?
                .subsec_nanos()
                .into(),
        };
        Ok(Dice(seed | 1))
    }

    /// The number that the next ones follow from.
    pub(crate) fn seed(&self) -> u64 {
        self.0
    }

    /// From 0 to 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % 10_000) as f64 / 10_000.0
    }

    /// One of so many, from 0.
    pub(crate) fn one_of(&mut self, number: usize) -> usize {
        (self.fraction() * number as f64) as usize
    }
}
