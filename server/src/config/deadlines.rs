//! How long the next hop may take.

use std::time::Duration;

use serde::Deserialize;

use super::delivery::seconds;

/// Deadlines towards the next hop, in seconds in the file, with a fraction if need be; the defaults
/// are those of RFC 5321, section 4.5.3.2, and limits to what they add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HopDeadlines {
    /// Looking the name up, opening the connection and the TLS handshake, each for itself.
    #[serde(deserialize_with = "seconds")]
    pub connect: Duration,
    /// The greeting (4.5.3.2.1), and the replies to EHLO, HELO, STARTTLS, RSET and QUIT.
    #[serde(deserialize_with = "seconds")]
    pub greeting: Duration,
    /// The reply to MAIL (4.5.3.2.2).
    #[serde(deserialize_with = "seconds")]
    pub mail: Duration,
    /// The reply to each RCPT (4.5.3.2.3).
    #[serde(deserialize_with = "seconds")]
    pub rcpt: Duration,
    /// The reply to DATA (4.5.3.2.4).
    #[serde(deserialize_with = "seconds")]
    pub data: Duration,
    /// Finding a host and opening a session with it, whatever each step may take; and, again, all
    /// commands of a transaction up to DATA.
    #[serde(deserialize_with = "seconds")]
    pub commands: Duration,
    /// Writing one block of content (4.5.3.2.5).
    #[serde(deserialize_with = "seconds")]
    pub block: Duration,
    /// Writing a whole content.
    #[serde(deserialize_with = "seconds")]
    pub content: Duration,
    /// The reply to the end of the data (4.5.3.2.6).
    #[serde(deserialize_with = "seconds")]
    pub end_of_data: Duration,
}

impl Default for HopDeadlines {
    fn default() -> Self {
        HopDeadlines {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(300),
            mail: Duration::from_secs(300),
            rcpt: Duration::from_secs(300),
            data: Duration::from_secs(120),
            commands: Duration::from_secs(1800),
            block: Duration::from_secs(180),
            content: Duration::from_secs(3600),
            end_of_data: Duration::from_secs(600),
        }
    }
}
