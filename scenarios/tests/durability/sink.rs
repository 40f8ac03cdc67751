//! A next hop that takes everything, and remembers what, and from which life of the server.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use tokio::net::TcpSocket;

use super::clients::body;

/// In which lives of the server each token was answered 250.
type Received = BTreeMap<String, Vec<u32>>;

pub(crate) struct Sink {
    address: SocketAddr,
    /// Until it listens, nobody else gets the address.
    reserved: Option<TcpSocket>,
    received: Arc<Mutex<Received>>,
}

impl Sink {
    pub(crate) fn open() -> Sink {
        let mut sink = Sink::reserve();
        sink.listen();
        sink
    }

    /// An address where nobody listens yet.
    pub(crate) fn reserve() -> Sink {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Sink {
            address: socket.local_addr().unwrap(),
            reserved: Some(socket),
            received: Arc::default(),
        }
    }

    pub(crate) fn listen(&mut self) {
        let socket = self.reserved.take().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(async { socket.listen(64).and_then(|listener| listener.into_std()) })
            .unwrap();
        listener.set_nonblocking(false).unwrap();
        let received = self.received.clone();
        thread::spawn(move || accept(&listener, &received));
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn received(&self) -> Received {
        self.received.lock().unwrap().clone()
    }
}

fn accept(listener: &TcpListener, received: &Arc<Mutex<Received>>) {
    for stream in listener.incoming().flatten() {
        let received = received.clone();
        // The server may be killed at any moment: then the session ends.
        thread::spawn(move || session(&stream, &received));
    }
}

fn session(stream: &TcpStream, received: &Mutex<Received>) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let say = |text: &str| (&*stream).write_all(format!("{text}\r\n").as_bytes());
    let mut life = 0;
    say("220 hop.example")?;
    while let Some(line) = lines.next() {
        let line = line?;
        if let Some(name) = line.strip_prefix("EHLO life-") {
            let number = name.split('.').next().map(str::parse);
            life = number.and_then(Result::ok).unwrap_or_default();
        }
        if line != "DATA" {
            say("250 yes")?;
            continue;
        }
        say("354 go on")?;
        let (mut token, mut content) = (None, None::<String>);
        loop {
            let Some(line) = lines.next() else {
                return Ok(());
            };
            match (line?, &mut content) {
                (line, _) if line == "." => break,
                (line, Some(content)) => content.extend([line.as_str(), "\r\n"]),
                (line, None) if line.is_empty() => content = Some(String::new()),
                (line, None) => token = token.or(line.strip_prefix("Subject: ").map(str::to_owned)),
            }
        }
        // Noted first: whoever reads the answer finds it noted.
        let mut token = token.unwrap_or_default();
        if content.unwrap_or_default() != body(&token) {
            // So nobody finds what was accepted.
            token.push_str(", with another content");
        }
        received
            .lock()
            .unwrap()
            .entry(token)
            .or_default()
            .push(life);
        say("250 taken")?;
    }
    Ok(())
}
