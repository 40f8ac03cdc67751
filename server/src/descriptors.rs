//! File descriptors: as many as the system grants, and what that allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises this process's limit as far as it may and tells how many sessions fit in it: half, since
/// storing and delivering need descriptors too.
pub(crate) fn session_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
    sessions_in(getrlimit(Resource::Nofile).current)
}

/// No limit is a limit beyond all numbers.
fn sessions_in(descriptors: Option<u64>) -> usize {
    let half = descriptors.unwrap_or(u64::MAX) / 2;
    usize::try_from(half).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some(256), 128)]
    #[case(Some(1024), 512)]
    #[case(Some(1_048_576), 524_288)]
    fn half_of_the_descriptors_are_for_sessions(
        #[case] descriptors: Option<u64>,
        #[case] sessions: usize,
    ) {
        assert_eq!(sessions_in(descriptors), sessions);
    }

    // Elsewhere the hard limit can be more than the system grants.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_limit_is_raised() {
        assert!(session_limit() > 0);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
