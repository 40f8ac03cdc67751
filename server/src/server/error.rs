//! Why a server did not start.

use std::io;
use std::net::SocketAddr;

use crate::config::ConfigError;
use crate::listener::ListenerSyntax;
use crate::spool::SpoolError;

/// Why a server did not start. The text is whole: what an error carries is in it, and no source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration cannot work.
    #[error("configuration: {0}")]
    Config(ConfigError),
    /// A listener without the modifier `O` could not be opened.
    #[error("listener {}: {error}", called(name, *address))]
    Listen {
        /// The listener's name.
        name: String,
        /// The address that was asked for.
        address: SocketAddr,
        /// The operating system's reason.
        error: io::Error,
    },
    /// Every listener has the modifier `O`, and none could be opened.
    #[error("none of the listeners could be opened")]
    NoListener,
    /// The spool could not be opened.
    #[error("spool: {0}")]
    Spool(SpoolError),
    /// A listener given to the builder could not be understood.
    #[error("listener: {0}")]
    Listener(ListenerSyntax),
    /// The blocking server could not have a runtime.
    #[error("runtime: {0}")]
    Runtime(io::Error),
    /// No certificate or no TLS settings could be made.
    #[error("{0}")]
    Tls(String),
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        StartError::Config(error)
    }
}

impl From<SpoolError> for StartError {
    fn from(error: SpoolError) -> Self {
        StartError::Spool(error)
    }
}

impl From<ListenerSyntax> for StartError {
    fn from(error: ListenerSyntax) -> Self {
        StartError::Listener(error)
    }
}

/// A listener's name, with its address where that is not the name.
fn called(name: &str, address: SocketAddr) -> String {
    match name.starts_with(&address.to_string()) {
        true => name.to_owned(),
        false => format!("{name} ({address})"),
    }
}
