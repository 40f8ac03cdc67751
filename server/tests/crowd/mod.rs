//! Crowds of hostile clients, each from addresses of its own in the loopback network.

pub(crate) mod connections;
pub(crate) mod contents;
pub(crate) mod envelopes;
pub(crate) mod guesses;
pub(crate) mod handshakes;

use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use msaspec_server::Server;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// A user who may submit, and means harm.
pub(crate) const MALLORY: (&str, &str) = ("mallory", "malice");

/// Clients that go on until they are told to stop.
pub(crate) struct Crowd {
    clients: JoinSet<()>,
    /// Cloned for each client, which drops it once it is where it wants to be.
    in_place: Option<UnboundedSender<()>>,
    arrivals: UnboundedReceiver<()>,
    /// Connections that stay open at the same time, at least.
    pub(crate) staying: usize,
}

impl Crowd {
    fn new(staying: usize) -> Self {
        let (in_place, arrivals) = unbounded_channel();
        Crowd {
            clients: JoinSet::new(),
            in_place: Some(in_place),
            arrivals,
            staying,
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        client: impl FnOnce(UnboundedSender<()>) -> F,
    ) {
        let in_place = self.in_place.clone().unwrap();
        self.clients.spawn(client(in_place));
    }

    /// Waits until everybody is there.
    pub(crate) async fn gather(&mut self) {
        self.in_place = None;
        while self.arrivals.recv().await.is_some() {}
    }

    /// Stops them; a client that did not get what it asserted fails the test here.
    pub(crate) async fn disperse(mut self) {
        while let Some(ended) = self.clients.try_join_next() {
            ended.unwrap();
        }
        self.clients.shutdown().await;
    }
}

/// An address of the loopback network: one of 250 of a crowd.
fn address(crowd: u8, number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, crowd, 1 + (number % 250) as u8)
}

/// A connection that has nothing to say yet.
async fn connect(server: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Who does not read is to be noticed soon.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(server).await.unwrap()
}

/// Has to be let in: the greeting says so.
async fn greeted(server: SocketAddr, from: Ipv4Addr) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(connect(server, from).await);
    let greeting = answer(&mut stream).await.unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
    stream
}

/// The last line of a reply; nothing where the server has closed.
async fn answer(stream: &mut BufReader<TcpStream>) -> Option<String> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        if *line.as_bytes().get(3)? == b' ' {
            return Some(line);
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> Option<String> {
    let line = format!("{line}\r\n");
    stream.write_all(line.as_bytes()).await.ok()?;
    answer(stream).await
}

/// A session of mallory's, inside a transaction.
async fn begun(server: SocketAddr, from: Ipv4Addr) -> BufReader<TcpStream> {
    let (user, password) = MALLORY;
    let mut stream = greeted(server, from).await;
    for line in [
        "EHLO x.example".to_owned(),
        plain(user, password),
        "MAIL FROM:<mallory@example.org>".to_owned(),
    ] {
        let reply = say(&mut stream, &line).await.unwrap();
        assert!(reply.starts_with('2'), "{line}: {reply}");
    }
    stream
}

fn plain(user: &str, password: &str) -> String {
    let login = STANDARD.encode(format!("\0{user}\0{password}"));
    format!("AUTH PLAIN {login}")
}

fn clear(server: &Server) -> SocketAddr {
    server.submission().unwrap()
}
