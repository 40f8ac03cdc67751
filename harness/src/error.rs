//! What goes wrong on our side or on the network: never the target's fault.

use std::{io, net::SocketAddr, time::Duration};

/// Why something could not be judged. A target's own deviations are [`crate::verdict::Deviation`]s.
/// The text is whole: what an error carries is in it, and no source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection came about.
    #[error("cannot connect to {address}: {error}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// The operating system's word.
        error: io::Error,
    },
    /// The connection failed while it was in use.
    #[error("the connection to {address} failed: {error}")]
    Connection {
        /// The peer.
        address: SocketAddr,
        /// The operating system's word.
        error: io::Error,
    },
    /// Neither this connection nor a fresh one is answered.
    #[error("{address} did not answer within {} s, nor does it answer a new connection", waited.as_secs())]
    Silent {
        /// The peer.
        address: SocketAddr,
        /// How long was waited.
        waited: Duration,
    },
    /// The operating system gave no random octets.
    #[error("no random octets from the operating system: {0}")]
    Random(getrandom::Error),
    /// Our side of an exchange cannot go on.
    #[error("{0}")]
    Exchange(crate::mechanism::ExchangeError),
    /// The run was ended by a signal.
    #[error("the run was interrupted")]
    Interrupted,
    /// Certificates could not be made.
    #[error("cannot make certificates: {0}")]
    Certificates(String),
    /// A target could not be started.
    #[error("{0}")]
    Target(String),
    /// A file that the user named cannot be used.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl Error {
    /// An [`Error::File`].
    pub fn file(path: impl ToString, problem: impl ToString) -> Error {
        Error::File {
            path: path.to_string(),
            problem: problem.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn what_is_told_is_told_once() {
        let error = Error::Connect {
            address: ([192, 0, 2, 1], 587).into(),
            error: io::ErrorKind::ConnectionRefused.into(),
        };
        let told = "cannot connect to 192.0.2.1:587: connection refused";
        assert_eq!(error.to_string(), told);
        assert!(error.source().is_none());
    }
}
