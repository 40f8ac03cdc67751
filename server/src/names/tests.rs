use std::net::SocketAddr;

use super::*;
use rstest::rstest;
use tokio::net::UdpSocket;

/// A name server that knows a few domains by their first label.
async fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut octets = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut octets).await {
            let _ = socket.send_to(&answer(&octets[..length]), peer).await;
        }
    });
    address
}

/// Answers one question (RFC 1035, section 4.1).
fn answer(query: &[u8]) -> Vec<u8> {
    let label = usize::from(query[12]);
    let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap();
    let kind = query[end + 2];
    let (code, data): (u8, Option<&[u8]>) = match (&query[13..13 + label], kind) {
        (b"mx", 15) => (0, Some(b"\x00\x0a\x03hop\x07example\x00")),
        (b"null", 15) => (0, Some(b"\x00\x00\x00")),
        (b"four", 1) => (0, Some(&[127, 0, 0, 1])),
        (b"six", 28) => (0, Some(&[0; 16])),
        (b"mx" | b"null" | b"four" | b"six" | b"bare", _) => (0, None),
        (b"broken", _) => (2, None),
        _ => (3, None),
    };
    let mut reply = [
        &query[..2],
        &[0x81, 0x80 | code, 0, 1, 0, u8::from(data.is_some())],
    ]
    .concat();
    reply.extend([0, 0, 0, 0]);
    reply.extend(&query[12..end + 5]);
    if let Some(data) = data {
        reply.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
        reply.extend(data);
    }
    reply
}

#[rstest]
#[case("mx.example", Some(Standing::Known))]
#[case("four.example", Some(Standing::Known))]
#[case("six.example", Some(Standing::Known))]
#[case("null.example", Some(Standing::WithoutMail))]
#[case("bare.example", Some(Standing::Unknown))]
#[case("missing.example", Some(Standing::Unknown))]
#[case("broken.example", None)]
#[tokio::test]
async fn domains_are_looked_up(#[case] domain: &str, #[case] expected: Option<Standing>) {
    let names = Names::new(Dns::new(&[name_server().await]).unwrap());
    let standing = names.standing(domain).await;
    match expected {
        Some(expected) => assert_eq!(standing, expected),
        None => assert!(matches!(standing, Standing::Unanswered(_)), "{standing:?}"),
    }
}
