//! A crowd of hostile clients on loopback, and one that means well among them. Alone in its
//! process, whose memory and descriptors it watches.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]
#![allow(
    clippy::print_stdout,
    reason = "figures, and the seed of a run that failed"
)]

mod client;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use msaspec_server::{Config, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use client::{reply, submit, until_data};

/// Clients of each kind; 2,000 in all.
const IDLE: u64 = 600;
const SLOW_WRITERS: u64 = 400;
const SLOW_READERS: u64 = 380;
const FLOODS: u64 = 16;
const RANDOM: u64 = 300;
const STALLED_HANDSHAKES: u64 = 200;
const SLOW_CONTENTS: u64 = 100;
const ENDLESS_LINES: u64 = 4;
const STAYING: u64 =
    IDLE + SLOW_WRITERS + SLOW_READERS + FLOODS + RANDOM + STALLED_HANDSHAKES + SLOW_CONTENTS;

/// Octets of each endless line.
const ENDLESS: usize = 64 * 1024 * 1024;
/// How soon a client that means well gets its message through.
const PATIENCE: Duration = Duration::from_secs(2);
/// Memory of this process at its highest, in KiB; the crowd's own is in it.
const MEMORY: u64 = 256 * 1024;
/// Both ends of all connections are in this process.
const DESCRIPTORS: usize = 5000;

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_hostile_clients_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(config(folder.path())).await.unwrap();
    let limit = open_files_limit();
    assert!(
        limit >= DESCRIPTORS,
        "this needs {DESCRIPTORS} file descriptors, and the hard limit is {limit} (ulimit -Hn)"
    );
    // Whatever is made once is there before anything is counted.
    let clock = Instant::now();
    submit(&server, &["bob@example.com"]).await;
    println!("a message got through in {:?}, alone", clock.elapsed());
    let before = descriptors();

    let (in_place, mut arrivals) = unbounded_channel();
    let mut crowd = crowd(&server, &in_place).await;
    drop(in_place);
    let clock = Instant::now();
    let everybody = async { while arrivals.recv().await.is_some() {} };
    timeout(Duration::from_secs(60), everybody)
        .await
        .expect("the crowd did not get in");
    let during = descriptors();
    println!(
        "the crowd is there after {:?}, with {during} descriptors",
        clock.elapsed()
    );
    // Two for each that stays; those with an endless line are shown the door.
    assert!(during >= before + 2 * STAYING as usize);
    for _ in 0..5 {
        let clock = Instant::now();
        timeout(PATIENCE, submit(&server, &["bob@example.com"]))
            .await
            .expect("a client that means well was kept out");
        println!("a message got through in {:?}", clock.elapsed());
    }
    let highest = status("VmHWM:");
    println!("{} MiB at the highest", highest / 1024);
    assert!(highest < MEMORY, "{highest} KiB");

    crowd.shutdown().await;
    let mut tick = interval(Duration::from_millis(20));
    let all_closed = async {
        while descriptors() > before {
            tick.tick().await;
        }
    };
    if timeout(Duration::from_secs(30), all_closed).await.is_err() {
        panic!("{} descriptors, and {before} before", descriptors());
    }
    submit(&server, &["bob@example.com"]).await;
    server.shutdown().await;
}

fn config(spool: &Path) -> Config {
    let mut config = Config::origin("msa.example.org", spool);
    config.listeners = vec![
        "127.0.0.1:0,M=a".parse().unwrap(),
        "127.0.0.1:0/tls,M=a".parse().unwrap(),
    ];
    config.users.insert("alice".to_owned(), "secret".to_owned());
    config.limits.connections_per_address = 3000;
    // They would be rid of too soon.
    config.limits.errors = 1_000_000;
    config.limits.commands_without_mail = 1_000_000;
    config
}

/// All kinds of them, each holding a sender until it is where it wants to be.
async fn crowd(server: &Server, in_place: &UnboundedSender<()>) -> JoinSet<()> {
    let seed = std::env::var("MSASPEC_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            now.as_nanos() as u64
        });
    println!("MSASPEC_SEED={seed}");
    let clear = server.listeners()[0].address;
    let tls = server.listeners()[1].address;
    let mut crowd = JoinSet::new();
    // Logins first: the hashes of a hundred passwords would be the crowd's only effect otherwise.
    for _ in 0..SLOW_CONTENTS {
        let stream = until_data(server, &["bob@example.com"]).await;
        crowd.spawn(drip(stream, b"x"));
    }
    for _ in 0..IDLE {
        crowd.spawn(idle(clear, in_place.clone()));
    }
    for _ in 0..SLOW_WRITERS {
        crowd.spawn(slow_writer(clear, in_place.clone()));
    }
    for _ in 0..SLOW_READERS {
        crowd.spawn(slow_reader(clear, in_place.clone()));
    }
    for _ in 0..FLOODS {
        crowd.spawn(flood(clear, in_place.clone()));
    }
    for number in 0..RANDOM {
        crowd.spawn(random(clear, seed ^ number << 32, in_place.clone()));
    }
    for _ in 0..STALLED_HANDSHAKES {
        crowd.spawn(stalled_handshake(tls, in_place.clone()));
    }
    for _ in 0..ENDLESS_LINES {
        crowd.spawn(endless_line(clear, in_place.clone()));
    }
    crowd
}

/// Has to be let in: the greeting says so.
async fn greeted(address: SocketAddr) -> BufReader<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    // Who does not read is to be noticed soon.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = BufReader::new(socket.connect(address).await.unwrap());
    let greeting = reply(&mut stream).await;
    assert!(greeting.starts_with("220 "), "{greeting}");
    stream
}

async fn idle(address: SocketAddr, in_place: UnboundedSender<()>) {
    let stream = greeted(address).await;
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}

async fn slow_writer(address: SocketAddr, in_place: UnboundedSender<()>) {
    let stream = greeted(address).await;
    drop(in_place);
    drip(stream, b"N").await;
}

/// One octet at a time, until nobody takes it any more.
async fn drip(mut stream: BufReader<TcpStream>, octet: &'static [u8]) {
    let mut tick = interval(Duration::from_secs(1));
    while stream.write_all(octet).await.is_ok() {
        tick.tick().await;
    }
}

/// Asks for what is much longer than the question, and reads nothing.
async fn slow_reader(address: SocketAddr, in_place: UnboundedSender<()>) {
    let mut stream = greeted(address).await;
    let questions = b"EHLO x.example\r\n".repeat(100);
    stream.write_all(&questions).await.unwrap();
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}

/// The same without an end: goes on as long as the server takes it.
async fn flood(address: SocketAddr, in_place: UnboundedSender<()>) {
    let mut stream = greeted(address).await;
    drop(in_place);
    let questions = b"EHLO x.example\r\n".repeat(1000);
    while stream.write_all(&questions).await.is_ok() {}
}

async fn random(address: SocketAddr, seed: u64, in_place: UnboundedSender<()>) {
    let mut stream = greeted(address).await;
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
async fn stalled_handshake(address: SocketAddr, in_place: UnboundedSender<()>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}

async fn endless_line(address: SocketAddr, in_place: UnboundedSender<()>) {
    let stream = greeted(address).await;
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

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The soft limit, which the server has raised to the hard one.
fn open_files_limit() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    match line.split_whitespace().nth(3).unwrap() {
        "unlimited" => usize::MAX,
        number => number.parse().unwrap(),
    }
}

fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
