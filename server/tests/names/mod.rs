//! A name server with a handful of records.

#![allow(dead_code, reason = "not every test program needs all of it")]

use std::net::SocketAddr;

use tokio::net::UdpSocket;

/// What a name has.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Preferences and hosts; the host `.` is nobody.
    Mx(&'static [(u16, &'static str)]),
    A(&'static [[u8; 4]]),
    /// What it has is found under another name.
    Alias(&'static str),
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
const CNAME: u16 = 5;
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
    let asked = labels.join(".");
    let (code, records) = match zone(&asked, kind == MX) {
        Answer::NoSuchName => (3, Vec::new()),
        Answer::Failure => (2, Vec::new()),
        Answer::Alias(real) => {
            let alias = (name(&asked), CNAME, name(real));
            let rest = records(real, kind, zone(real, kind == MX));
            (0, [vec![alias], rest].concat())
        }
        answer => (0, records(&asked, kind, answer)),
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
    for (owner, kind, data) in records {
        response.extend(owner);
        response.extend(kind.to_be_bytes());
        // Class IN, and no time to live.
        response.extend([0, 1, 0, 0, 0, 0]);
        response.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        response.extend(data);
    }
    response
}

/// Owner, type and data.
type Record = (Vec<u8>, u16, Vec<u8>);

fn records(owner: &str, kind: u16, answer: Answer) -> Vec<Record> {
    let data: Vec<_> = match answer {
        Answer::A(addresses) if kind == A => addresses.iter().map(|ip| ip.to_vec()).collect(),
        Answer::Mx(hosts) if kind == MX => hosts.iter().map(exchanger).collect(),
        _ => Vec::new(),
    };
    let record = |data| (name(owner), kind, data);
    data.into_iter().map(record).collect()
}

fn exchanger((preference, host): &(u16, &str)) -> Vec<u8> {
    [preference.to_be_bytes().to_vec(), name(host)].concat()
}

fn name(text: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        data.push(u8::try_from(label.len()).unwrap());
        data.extend(label.as_bytes());
    }
    data.push(0);
    data
}
