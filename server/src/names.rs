//! Whether the DNS knows a domain to which mail can be sent (RFC 5321, section 5.1; RFC 7505).

use std::time::Duration;

use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::time::timeout;

use crate::dns::{Dns, DnsFault};

/// Asks the DNS about domains.
pub(crate) struct Names(Dns);

/// What the DNS says of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has a host that may take mail.
    Known,
    /// There is no such domain, or no host in it.
    Unknown,
    /// It says that it takes no mail and sends none (RFC 7505).
    WithoutMail,
    /// Nobody could say now, and why.
    Unanswered(String),
}

/// Longer than the resolver's own attempts take together, and shorter than clients wait for a reply.
const PATIENCE: Duration = Duration::from_secs(30);

impl Names {
    pub(crate) fn new(dns: Dns) -> Self {
        Names(dns)
    }

    /// Looks MX up, then the addresses that stand for it where there is none.
    pub(crate) async fn standing(&self, domain: &str) -> Standing {
        match timeout(PATIENCE, self.find(domain)).await {
            Ok(Ok(standing)) => standing,
            Ok(Err(DnsFault::NotAName | DnsFault::NoSuchName)) => Standing::Unknown,
            Ok(Err(DnsFault::Unanswered(error))) => Standing::Unanswered(error.to_string()),
            Err(_) => Standing::Unanswered("no answer in time".to_owned()),
        }
    }

    async fn find(&self, domain: &str) -> Result<Standing, DnsFault> {
        let mut null = false;
        for data in self.0.records(domain, RecordType::MX).await? {
            if let RData::MX(record) = data {
                if !record.exchange().is_root() {
                    return Ok(Standing::Known);
                }
                null = true;
            }
        }
        if null {
            return Ok(Standing::WithoutMail);
        }
        for kind in [RecordType::A, RecordType::AAAA] {
            let found = self.0.records(domain, kind).await?;
            if found.iter().any(|data| data.record_type() == kind) {
                return Ok(Standing::Known);
            }
        }
        Ok(Standing::Unknown)
    }
}

#[cfg(test)]
mod tests;
