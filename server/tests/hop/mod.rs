//! A next hop with scripted replies.

#![allow(dead_code, reason = "not every test program needs all of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// What the hop does with a line.
pub(crate) enum Reply {
    /// What a friendly server says to it.
    Yes,
    Line(&'static str),
    Drop,
    /// Nothing, and the connection stays.
    Silence,
}

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) recipients: Vec<String>,
    pub(crate) content: String,
}

#[derive(Default)]
struct Seen {
    messages: Vec<Received>,
    commands: Vec<String>,
}

/// An open next hop.
pub(crate) struct Hop {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _task: tokio::task::JoinSet<()>,
}

/// An address that nobody else gets, at which nothing listens yet.
pub(crate) struct Place(TcpSocket);

pub(crate) fn reserve() -> Place {
    reserve_at("127.0.0.1:0".parse().unwrap())
}

/// The same at an IPv4 address.
pub(crate) fn reserve_at(address: SocketAddr) -> Place {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    Place(socket)
}

impl Place {
    pub(crate) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Begins to listen. The script is asked with the connection's number and each line.
    pub(crate) async fn open(self, script: fn(usize, &str) -> Reply) -> Hop {
        let listener = self.0.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut task = tokio::task::JoinSet::new();
        task.spawn(accept(listener, script, seen.clone()));
        Hop {
            address,
            seen,
            _task: task,
        }
    }
}

impl Hop {
    pub(crate) async fn open(script: fn(usize, &str) -> Reply) -> Hop {
        reserve().open(script).await
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The messages that were answered 250.
    pub(crate) fn messages(&self) -> Vec<Received> {
        self.seen.lock().unwrap().messages.clone()
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }
}

async fn accept(listener: TcpListener, script: fn(usize, &str) -> Reply, seen: Arc<Mutex<Seen>>) {
    let mut sessions = tokio::task::JoinSet::new();
    for number in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        sessions.spawn(session(stream, number, script, seen.clone()));
    }
}

async fn session(
    stream: TcpStream,
    number: usize,
    script: fn(usize, &str) -> Reply,
    seen: Arc<Mutex<Seen>>,
) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 hop.example\r\n").await.unwrap();
    let mut recipients = Vec::new();
    let mut content: Option<String> = None;
    let mut line = String::new();
    while stream
        .read_line(&mut line)
        .await
        .is_ok_and(|length| length > 0)
    {
        let text = line.strip_suffix("\r\n").unwrap().to_owned();
        line.clear();
        if let Some(content) = content.as_mut().filter(|_| text != ".") {
            content.push_str(text.strip_prefix('.').unwrap_or(&text));
            content.push_str("\r\n");
            continue;
        }
        seen.lock().unwrap().commands.push(text.clone());
        let answer = match script(number, &text) {
            Reply::Drop => return,
            Reply::Silence => continue,
            Reply::Line(answer) => answer,
            Reply::Yes if text == "DATA" => "354 go on",
            Reply::Yes => "250 2.0.0 yes",
        };
        if let (Some(address), b'2') = (text.strip_prefix("RCPT TO:<"), answer.as_bytes()[0]) {
            recipients.push(address.trim_end_matches('>').to_owned());
        }
        if text == "DATA" {
            content = Some(String::new());
        } else if let Some(content) = content.take().filter(|_| answer.starts_with('2')) {
            let recipients = std::mem::take(&mut recipients);
            seen.lock().unwrap().messages.push(Received {
                recipients,
                content,
            });
        }
        if stream
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}
