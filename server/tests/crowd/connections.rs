//! Two thousand at once: idle, slow in writing or in reading, without an end, or without a meaning.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use msaspec_server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::interval;

use super::{Crowd, address, begun, clear, connect, greeted, say};

/// Clients of each kind; 2,000 in all.
const IDLE: usize = 600;
const SLOW_WRITERS: usize = 400;
const SLOW_READERS: usize = 380;
const FLOODS: usize = 16;
const RANDOM: usize = 300;
const STALLED_HANDSHAKES: usize = 200;
const SLOW_CONTENTS: usize = 100;
const ENDLESS_LINES: usize = 4;
/// Floods and those with an endless line are shown the door.
const STAYING: usize =
    IDLE + SLOW_WRITERS + SLOW_READERS + RANDOM + STALLED_HANDSHAKES + SLOW_CONTENTS;

/// Octets of each endless line.
const ENDLESS: usize = 64 * 1024 * 1024;

/// All kinds of them.
pub(crate) fn crowd(server: &Server) -> Crowd {
    let seed = seed();
    let tls = server.submissions().unwrap();
    let clear = clear(server);
    let mut crowd = Crowd::new(STAYING);
    for number in 0..IDLE {
        crowd.spawn(|in_place| idle(clear, from(number), in_place));
    }
    for number in 0..SLOW_WRITERS {
        crowd.spawn(|in_place| slow_writer(clear, from(number), in_place));
    }
    for number in 0..SLOW_READERS {
        crowd.spawn(|in_place| slow_reader(clear, from(number), in_place));
    }
    for number in 0..FLOODS {
        crowd.spawn(|in_place| flood(clear, from(number), in_place));
    }
    for number in 0..RANDOM {
        let seed = seed ^ (number as u64) << 32;
        crowd.spawn(|in_place| random(clear, from(number), seed, in_place));
    }
    for number in 0..STALLED_HANDSHAKES {
        crowd.spawn(|in_place| stalled_handshake(tls, from(number), in_place));
    }
    for number in 0..SLOW_CONTENTS {
        crowd.spawn(|in_place| slow_content(clear, from(number), in_place));
    }
    for number in 0..ENDLESS_LINES {
        crowd.spawn(|in_place| endless_line(clear, from(number), in_place));
    }
    crowd
}

fn seed() -> u64 {
    let given = std::env::var("MSASPEC_SEED").ok();
    let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_nanos() as u64
    });
    println!("MSASPEC_SEED={seed}");
    seed
}

/// Few addresses, each with hundreds of connections.
fn from(number: usize) -> Ipv4Addr {
    address(1, number % 4)
}

async fn idle(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let stream = greeted(server, from).await;
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}

async fn slow_writer(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let stream = greeted(server, from).await;
    drop(in_place);
    drip(stream, b"N").await;
}

async fn slow_content(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut stream = begun(server, from).await;
    for line in ["RCPT TO:<bob@example.com>", "DATA"] {
        let reply = say(&mut stream, line).await.unwrap();
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
    drop(in_place);
    drip(stream, b"x").await;
}

/// One octet at a time, until nobody takes it any more.
async fn drip(mut stream: BufReader<TcpStream>, octet: &'static [u8]) {
    let mut tick = interval(Duration::from_secs(1));
    while stream.write_all(octet).await.is_ok() {
        tick.tick().await;
    }
}

/// Asks for what is much longer than the question, and reads nothing.
async fn slow_reader(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut stream = greeted(server, from).await;
    let questions = b"EHLO x.example\r\n".repeat(100);
    stream.write_all(&questions).await.unwrap();
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}

/// The same without an end: goes on as long as the server takes it, and then in another session.
async fn flood(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut in_place = Some(in_place);
    let questions = b"EHLO x.example\r\n".repeat(1000);
    loop {
        let mut stream = greeted(server, from).await;
        drop(in_place.take());
        while stream.write_all(&questions).await.is_ok() {}
    }
}

async fn random(server: SocketAddr, from: Ipv4Addr, seed: u64, in_place: UnboundedSender<()>) {
    let mut stream = greeted(server, from).await;
    drop(in_place);
    let mut state = seed | 1;
    let mut block = vec![0; 4096];
    let mut tick = interval(Duration::from_secs(1));
    loop {
        for octet in &mut block {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *octet = state.to_le_bytes()[3];
        }
        // Some of it is lines.
        let end = block.len() - 2;
        block[end..].copy_from_slice(b"\r\n");
        if stream.write_all(&block).await.is_err() {
            return;
        }
        tick.tick().await;
    }
}

/// The beginning of a ClientHello, and nothing after it.
async fn stalled_handshake(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut stream = connect(server, from).await;
    stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}

async fn endless_line(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let stream = greeted(server, from).await;
    drop(in_place);
    let (mut from, mut to) = stream.into_inner().into_split();
    let reading = async {
        let mut said = Vec::new();
        let _ = from.read_to_end(&mut said).await;
    };
    let writing = async {
        let block = vec![b'a'; 64 * 1024];
        for _ in 0..ENDLESS / block.len() {
            if to.write_all(&block).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}
