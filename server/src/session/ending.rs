//! How a session ends: its last reply, and the line of the log.

use super::Session;
use crate::reply::{Reply, reply};
use crate::wire::Ended;

impl Session {
    /// Logs why the session is over, and says so to the client where there is one to listen.
    pub(super) async fn close(mut self, ended: Result<Reply, Ended>) {
        let (reason, farewell) = match ended {
            Ok(farewell) => ("quit".to_owned(), Some(farewell)),
            Err(ended) => (reason(&ended), farewell(ended)),
        };
        if self.is_told() {
            tracing::info!(
                reason,
                messages = self.patience.messages(),
                refused = self.patience.refusals(),
                "closed"
            );
        }
        if let Some(farewell) = farewell {
            self.wire.send(&farewell);
        }
        self.wire.close().await;
    }
}

fn reason(ended: &Ended) -> String {
    match ended {
        Ended::Closed => "closed by the client".to_owned(),
        Ended::Idle => "silent for too long".to_owned(),
        Ended::Slow => "content too slow".to_owned(),
        Ended::GivenUp(reply) => format!("given up: {}", reply.to_string().trim_end()),
        Ended::Endless => "endless line".to_owned(),
        Ended::Stopping => "shutdown".to_owned(),
        Ended::Failed(error) => error.to_string(),
    }
}

fn farewell(ended: Ended) -> Option<Reply> {
    match ended {
        Ended::Idle => Some(reply(421, "4.4.2", "Silent for too long")),
        Ended::Slow => Some(reply(421, "4.4.2", "Too slow")),
        Ended::GivenUp(farewell) => Some(farewell),
        Ended::Endless => Some(reply(500, "5.5.6", "Line too long")),
        Ended::Stopping => Some(reply(421, "4.3.2", "Server is shutting down")),
        Ended::Closed | Ended::Failed(_) => None,
    }
}
