//! Both hellos by hand (RFC 5246 section 7.4.1).

use std::net::IpAddr;

use rustls_pki_types::DnsName;

use super::{CLIENT_HELLO, HANDSHAKE, ProtocolVersion, SERVER_HELLO};

/// A ClientHello that offers `version` at most, as clients of its time sent it (RFC 5246
/// section 7.4.1.2); the server is named if `host` is a DNS name (RFC 6066 section 3).
pub fn hello(version: ProtocolVersion, host: Option<&str>) -> Vec<u8> {
    let mut body = version.octets().to_vec();
    body.extend(random());
    body.push(0); // no session to resume
    body.extend(prefixed_16(SUITES.map(u16::to_be_bytes).as_flattened()));
    body.extend([1, 0]); // no compression

    let mut extensions = Vec::new();
    if let Some(name) = host.and_then(server_name) {
        let name = [&[0][..], &prefixed_16(name.as_bytes())].concat();
        extensions.extend(extension(SERVER_NAME, &prefixed_16(&name)));
    }
    let groups = GROUPS.map(u16::to_be_bytes);
    extensions.extend(extension(
        SUPPORTED_GROUPS,
        &prefixed_16(groups.as_flattened()),
    ));
    extensions.extend(extension(EC_POINT_FORMATS, &[1, 0]));
    // Below TLS 1.2 it means nothing, and some servers look for it all the same.
    let algorithms = prefixed_16(SIGNATURE_ALGORITHMS.as_flattened());
    extensions.extend(extension(SIGNATURE_ALGORITHMS_TYPE, &algorithms));
    body.extend(prefixed_16(&extensions));
    handshake_record(CLIENT_HELLO, &body)
}

/// A ServerHello that agrees to TLS 1.0 (RFC 5246 section 7.4.1.3): what a server that still
/// speaks it would send first.
pub fn server_hello_tls10() -> Vec<u8> {
    let mut body = ProtocolVersion::Tls10.octets().to_vec();
    body.extend(random());
    body.push(0); // no session
    body.extend(SUITES[0].to_be_bytes());
    body.push(0); // no compression
    handshake_record(SERVER_HELLO, &body)
}

fn server_name(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_name = host.parse::<IpAddr>().is_err() && DnsName::try_from(host).is_ok();
    is_name.then(|| host.to_owned())
}

fn handshake_record(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (body.len() as u32).to_be_bytes();
    let message = [&[kind][..], &length, body].concat();
    [&[HANDSHAKE, 3, 1][..], &prefixed_16(&message)].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &prefixed_16(content)].concat()
}

fn prefixed_16(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u16).to_be_bytes()[..], content].concat()
}

/// No handshake is ever finished with it, so that zeros, if the system has nothing better,
/// endanger nobody.
fn random() -> [u8; 32] {
    let mut random = [0; 32];
    let _ = getrandom::fill(&mut random);
    random
}

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS_TYPE: u16 = 13;

/// What servers of those versions had in common; the last is the signal of RFC 5746 section
/// 3.3, not a suite. That of RFC 7507 must not stand here: it would be refused as a fallback.
const SUITES: [u16; 13] = [
    0x002f, // RSA_WITH_AES_128_CBC_SHA
    0x0035, // RSA_WITH_AES_256_CBC_SHA
    0xc013, // ECDHE_RSA_WITH_AES_128_CBC_SHA
    0xc014, // ECDHE_RSA_WITH_AES_256_CBC_SHA
    0xc009, // ECDHE_ECDSA_WITH_AES_128_CBC_SHA
    0xc00a, // ECDHE_ECDSA_WITH_AES_256_CBC_SHA
    0x0033, // DHE_RSA_WITH_AES_128_CBC_SHA
    0x0039, // DHE_RSA_WITH_AES_256_CBC_SHA
    0x000a, // RSA_WITH_3DES_EDE_CBC_SHA
    0xc012, // ECDHE_RSA_WITH_3DES_EDE_CBC_SHA
    0xc008, // ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA
    0x0016, // DHE_RSA_WITH_3DES_EDE_CBC_SHA
    0x00ff, // EMPTY_RENEGOTIATION_INFO_SCSV
];

/// P-256, P-384, P-521, X25519.
const GROUPS: [u16; 4] = [23, 24, 25, 29];

/// SHA-256, SHA-384 and SHA-1, each with RSA and ECDSA.
const SIGNATURE_ALGORITHMS: [[u8; 2]; 6] = [[4, 1], [4, 3], [5, 1], [5, 3], [2, 1], [2, 3]];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(ProtocolVersion::Tls10, [3, 1])]
    #[case(ProtocolVersion::Tls11, [3, 2])]
    fn lengths_and_versions_are_right(#[case] version: ProtocolVersion, #[case] octets: [u8; 2]) {
        let hello = hello(version, Some("mx.example"));
        assert_eq!(hello[..3], [22, 3, 1]);
        assert_eq!(
            usize::from(u16::from_be_bytes([hello[3], hello[4]])),
            hello.len() - 5
        );
        assert_eq!(hello[5..7], [1, 0]);
        assert_eq!(
            usize::from(u16::from_be_bytes([hello[7], hello[8]])),
            hello.len() - 9
        );
        assert_eq!(hello[9..11], octets);
    }

    #[rstest]
    #[case(Some("mx.example"), true)]
    #[case(Some("mx.example."), true)]
    #[case(Some("127.0.0.1"), false)]
    #[case(Some("::1"), false)]
    #[case(Some("[::1]"), false)]
    #[case(None, false)]
    fn only_dns_names_are_named(#[case] host: Option<&str>, #[case] named: bool) {
        let hello = hello(ProtocolVersion::Tls10, host);
        let without = super::hello(ProtocolVersion::Tls10, None);
        assert_eq!(hello.len() > without.len(), named);
        let name = b"\0\0\0\x0f\0\x0d\0\0\x0amx.example\0";
        assert_eq!(hello.windows(name.len()).any(|part| part == name), named);
    }
}
