//! TLS itself: the certificate that a client has to believe, and versions that are over.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Severity},
    lie::{Certificate, Lie},
    tls_probe::{Answer, ProtocolVersion},
    verdict::Halt,
};

/// RFC 8314, RFC 7817 and RFC 8996.
pub const CHAPTER: Chapter = Chapter {
    name: "tls",
    cases: &[
        Case {
            id: "rfc8314-4.4-certificate-valid",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "The certificate leads to a trusted authority, is within its dates, and carries the server's name.",
            on: On::Submission,
            script: |s| {
                s.inside_tls()?;
                if s.target().trust.is_empty() {
                    return Err(Halt::Skip("nobody is trusted to sign: --ca".to_owned()));
                }
                let named = s.target().host.is_some();
                let verified = s.verification().map(|v| (v.chain.clone(), v.name.clone()));
                match verified {
                    Some((Err(chain), _)) => {
                        Err(s.handshake_deviates("a certificate that verifies", chain))
                    }
                    Some((_, Err(name))) if named => {
                        Err(s.handshake_deviates("a certificate for this host", name))
                    }
                    _ => Ok(()),
                }
            },
            mutant: Mutant::Lie(Lie::Certificate(Certificate::SelfSigned)),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc7817-5-host-name-in-dns-id",
            level: Level::Must,
            severity: Severity::Security,
            requirement: "The certificate names the host that users configure in a dNSName of its subjectAltName.",
            on: On::Submission,
            script: |s| {
                s.inside_tls()?;
                let host = s
                    .target()
                    .host
                    .clone()
                    .ok_or_else(|| Halt::Skip("no host name: --server-name".to_owned()))?;
                let names = s
                    .verification()
                    .filter(|v| v.name.is_err())
                    .map(|v| v.dns_names.join(", "));
                match names {
                    None => Ok(()),
                    Some(names) => {
                        let observed = if names.is_empty() {
                            "no dNSName".to_owned()
                        } else {
                            format!("dNSName {names}")
                        };
                        Err(s.handshake_deviates(
                            &format!("a dNSName that matches {host}"),
                            observed,
                        ))
                    }
                }
            },
            mutant: Mutant::Lie(Lie::Certificate(Certificate::OtherName)),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc8996-4-no-tls10",
            level: Level::MustNot,
            severity: Severity::Security,
            requirement: "TLS 1.0 is never negotiated.",
            on: On::Submission,
            script: |s| {
                s.handshake_due()?;
                match s.offer_tls(ProtocolVersion::Tls10)? {
                    answer @ Answer::ServerHello { .. } => {
                        Err(s.handshake_deviates("a refusal of TLS 1.0", answer.to_string()))
                    }
                    _ => Ok(()),
                }
            },
            mutant: Mutant::Lie(Lie::NegotiatesTls10),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};
