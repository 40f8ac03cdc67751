//! Asks the DNS for the records of a domain (RFC 1035).

use std::net::SocketAddr;

use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::name_server::TokioConnectionProvider;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::proto::xfer::Protocol;
use hickory_resolver::proto::{ProtoError, ProtoErrorKind};
use hickory_resolver::{ResolveError, TokioResolver};

/// Name servers. Answers are kept as long as they are valid.
pub(crate) struct Dns(TokioResolver);

/// Why nothing is known of a domain's records.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DnsFault {
    /// It cannot be asked for.
    #[error("the domain is not a name")]
    NotAName,
    /// The answer is that it does not exist (NXDOMAIN).
    #[error("the domain does not exist")]
    NoSuchName,
    /// Nobody could say now.
    #[error("DNS: {0}")]
    Unanswered(ResolveError),
}

impl Dns {
    /// Asks these name servers, or those of the system where none is given.
    ///
    /// # Errors
    /// Why those of the system are not known.
    pub(crate) fn new(servers: &[SocketAddr]) -> Result<Self, String> {
        if servers.is_empty() {
            let builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
            return Ok(Dns(builder.build()));
        }
        let mut config = ResolverConfig::new();
        for server in servers {
            for protocol in [Protocol::Udp, Protocol::Tcp] {
                config.add_name_server(NameServerConfig::new(*server, protocol));
            }
        }
        let provider = TokioConnectionProvider::default();
        let resolver = TokioResolver::builder_with_config(config, provider).build();
        Ok(Dns(resolver))
    }

    /// The records of this type, and the aliases that led to them. That there are none is an answer
    /// too.
    pub(crate) async fn records(
        &self,
        domain: &str,
        kind: RecordType,
    ) -> Result<Vec<RData>, DnsFault> {
        let name = name(domain).map_err(|_| DnsFault::NotAName)?;
        match self.0.lookup(name, kind).await {
            Ok(found) => Ok(found.into_iter().collect()),
            Err(error) => match error.proto().map(|error| error.kind()) {
                Some(ProtoErrorKind::NoRecordsFound { response_code, .. }) => match response_code {
                    ResponseCode::NoError => Ok(Vec::new()),
                    ResponseCode::NXDomain => Err(DnsFault::NoSuchName),
                    _ => Err(DnsFault::Unanswered(error)),
                },
                _ => Err(DnsFault::Unanswered(error)),
            },
        }
    }
}

/// A name that is looked up as it stands; only what is not ASCII is subject to IDNA (RFC 5891).
fn name(domain: &str) -> Result<Name, ProtoError> {
    let mut name = match domain.is_ascii() {
        true => Name::from_ascii(domain)?,
        false => Name::from_utf8(domain)?,
    };
    name.set_fqdn(true);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("b.example", Some("b.example."))]
    #[case("B_c.example.", Some("B_c.example."))]
    #[case("bücher.example", Some("xn--bcher-kva.example."))]
    #[case("b..example", None)]
    #[case(&"b".repeat(64), None)]
    fn domains_are_names(#[case] domain: &str, #[case] expected: Option<&str>) {
        let name = name(domain).ok().map(|name| name.to_ascii());
        assert_eq!(name.as_deref(), expected);
    }
}
