//! Delivery of what the spool holds to the next hop.

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::spool::{Spool, SpoolError};

/// The door to the task that delivers.
pub(crate) struct Relay;

impl Relay {
    pub(crate) async fn start(
        _config: &Config,
        _spool: Spool,
        _stop: watch::Receiver<bool>,
        _tasks: &mut JoinSet<()>,
    ) -> Result<Self, SpoolError> {
        Ok(Relay)
    }
}
