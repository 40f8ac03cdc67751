//! `msaspec check` and containers: every site against what was accepted of it, sendmail's own configurations,
//! hostile files, and what is left behind.

mod check {
    pub(crate) mod configurations;
    pub(crate) mod edits;
    pub(crate) mod hostile;
    pub(crate) mod left_behind;
    pub(crate) mod program;
    pub(crate) mod sites;
}

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use check::{configurations, edits, hostile, left_behind, sites};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use msaspec_harness::target::container;

fn main() {
    let arguments = Arguments::from_args();
    let shop = Arc::new(configurations::Shop::default());
    let mut trials = sites::trials();
    trials.extend(configurations::trials(&shop));
    trials.extend(edits::trials());
    trials.extend(hostile::trials());
    trials.extend(left_behind::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Containers go before the process does.
    drop(shop);
    conclusion.exit();
}

/// A story that needs an engine. At most [`SEATS`] seats are taken at a time: a story about time takes all.
pub(crate) fn trial(
    name: &str,
    seats: usize,
    story: impl FnOnce() -> Result<Completion, Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        if let Err(reason) = container::engine() {
            return Ok(Completion::ignored_with(reason));
        }
        let _taken = Taken::seats(seats);
        story()
    })
}

/// Checks at a time: each is a server and what surrounds it.
pub(crate) const SEATS: usize = 4;

static FREE: (Mutex<usize>, Condvar) = (Mutex::new(SEATS), Condvar::new());

struct Taken(usize);

impl Taken {
    fn seats(wanted: usize) -> Taken {
        let free = FREE.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = FREE.1.wait_while(free, |free| *free < wanted);
        *free.unwrap_or_else(PoisonError::into_inner) -= wanted;
        Taken(wanted)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap_or_else(PoisonError::into_inner) += self.0;
        FREE.1.notify_all();
    }
}
