//! Whether the DNS knows a domain to which mail can be sent (RFC 5321, section 5.1; RFC 7505).

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::name_server::TokioConnectionProvider;
use hickory_resolver::proto::ProtoErrorKind;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::proto::xfer::Protocol;
use hickory_resolver::{ResolveError, TokioResolver};
use tokio::time::timeout;

/// Asks the DNS about domains. Answers are kept as long as they are valid.
pub(crate) struct Names(TokioResolver);

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
    /// Asks these name servers, or those of the system where none is given.
    pub(crate) fn new(servers: &[SocketAddr]) -> Result<Self, String> {
        if servers.is_empty() {
            let builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
            return Ok(Names(builder.build()));
        }
        let mut config = ResolverConfig::new();
        for server in servers {
            for protocol in [Protocol::Udp, Protocol::Tcp] {
                config.add_name_server(NameServerConfig::new(*server, protocol));
            }
        }
        let provider = TokioConnectionProvider::default();
        let resolver = TokioResolver::builder_with_config(config, provider).build();
        Ok(Names(resolver))
    }

    /// Looks MX up, then the addresses that stand for it where there is none.
    pub(crate) async fn standing(&self, domain: &str) -> Standing {
        let Ok(mut name) = Name::from_ascii(domain) else {
            return Standing::Unknown;
        };
        name.set_fqdn(true);
        match timeout(PATIENCE, self.find(name)).await {
            Ok(Ok(standing)) => standing,
            Ok(Err(error)) => Standing::Unanswered(error.to_string()),
            Err(_) => Standing::Unanswered("no answer in time".to_owned()),
        }
    }

    async fn find(&self, name: Name) -> Result<Standing, ResolveError> {
        let mut null = false;
        for data in self.records(&name, RecordType::MX).await? {
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
            let found = self.records(&name, kind).await?;
            if found.iter().any(|data| data.record_type() == kind) {
                return Ok(Standing::Known);
            }
        }
        Ok(Standing::Unknown)
    }

    /// None is an answer too, if there are no such records or there is no such name.
    async fn records(&self, name: &Name, kind: RecordType) -> Result<Vec<RData>, ResolveError> {
        match self.0.lookup(name.clone(), kind).await {
            Ok(found) => Ok(found.into_iter().collect()),
            Err(error) => match error.proto().map(|error| error.kind()) {
                Some(ProtoErrorKind::NoRecordsFound {
                    response_code: ResponseCode::NoError | ResponseCode::NXDomain,
                    ..
                }) => Ok(Vec::new()),
                _ => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests;
