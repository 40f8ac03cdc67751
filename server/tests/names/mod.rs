//! A name server with a handful of records.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::UdpSocket;

/// What a name has.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Preferences and hosts; the host `.` is nobody.
    Mx(&'static [(u16, &'static str)]),
    A(Ipv4Addr),
    /// The name exists and has nothing of that kind.
    Nothing,
    NoSuchName,
    Failure,
}

/// Answers questions for as long as the set of tasks lives: by name, and whether MX was asked for.
/// AAAA records do not exist.
pub(crate) async fn serve(
    zone: fn(&str, bool) -> Answer,
) -> (SocketAddr, tokio::task::JoinSet<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let mut query = [0; 512];
        loop {
            let (length, asker) = socket.recv_from(&mut query).await.unwrap();
            let response = respond(&query[..length], zone);
            socket.send_to(&response, asker).await.unwrap();
        }
    });
    (address, tasks)
}

const A: u16 = 1;
const MX: u16 = 15;

/// RFC 1035, section 4.1.
fn respond(query: &[u8], zone: fn(&str, bool) -> Answer) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] > 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..end].to_ascii_lowercase()).unwrap());
        at = end;
    }
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let (code, records) = match zone(&labels.join("."), kind == MX) {
        Answer::NoSuchName => (3, Vec::new()),
        Answer::Failure => (2, Vec::new()),
        Answer::A(address) if kind == A => (0, vec![address.octets().to_vec()]),
        Answer::Mx(hosts) if kind == MX => (0, hosts.iter().map(exchanger).collect()),
        _ => (0, Vec::new()),
    };
    let mut response = query[..2].to_vec();
    response.extend([
        0x84,
        0x80 | code,
        0,
        1,
        0,
        u8::try_from(records.len()).unwrap(),
    ]);
    response.extend([0, 0, 0, 0]);
    response.extend(&query[12..at + 5]);
    for record in records {
        // The name of the question, its type and class, and no time to live.
        response.extend([0xc0, 12]);
        response.extend(kind.to_be_bytes());
        response.extend([0, 1, 0, 0, 0, 0]);
        response.extend(u16::try_from(record.len()).unwrap().to_be_bytes());
        response.extend(record);
    }
    response
}

fn exchanger((preference, host): &(u16, &str)) -> Vec<u8> {
    let mut data = preference.to_be_bytes().to_vec();
    for label in host.split('.').filter(|label| !label.is_empty()) {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend(label.as_bytes());
    }
    data.push(0);
    data
}
