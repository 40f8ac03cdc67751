//! Clients that submit without a pause, and note what was answered 250.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};

pub(crate) struct Clients {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    address: Mutex<SocketAddr>,
    ended: AtomicBool,
    accepted: Mutex<BTreeSet<String>>,
    refusals: Mutex<BTreeSet<String>>,
}

impl Clients {
    pub(crate) fn begin(number: usize, address: SocketAddr) -> Clients {
        let shared = Arc::new(Shared {
            address: Mutex::new(address),
            ended: AtomicBool::new(false),
            accepted: Mutex::default(),
            refusals: Mutex::default(),
        });
        let threads = (0..number)
            .map(|name| {
                let shared = shared.clone();
                thread::spawn(move || submit(name, &shared))
            })
            .collect();
        Clients { shared, threads }
    }

    /// The server is there now.
    pub(crate) fn follow(&self, address: SocketAddr) {
        *self.shared.address.lock().unwrap() = address;
    }

    /// The tokens of all messages that were answered 250.
    pub(crate) fn accepted(&self) -> BTreeSet<String> {
        self.shared.accepted.lock().unwrap().clone()
    }

    /// What else a content was answered.
    pub(crate) fn refusals(&self) -> BTreeSet<String> {
        self.shared.refusals.lock().unwrap().clone()
    }

    pub(crate) fn end(self) -> BTreeSet<String> {
        self.shared.ended.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.shared.accepted.lock().unwrap().clone()
    }
}

/// What stands in the message with this token, and in no other.
pub(crate) fn body(token: &str) -> String {
    format!("0123456789 {token}\r\n").repeat(300)
}

fn submit(name: usize, shared: &Shared) {
    let mut number = 0;
    while !shared.ended.load(Ordering::Relaxed) {
        let address = *shared.address.lock().unwrap();
        // The server is killed again and again: then the next session begins.
        if session(address, name, &mut number, shared).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn session(address: SocketAddr, name: usize, number: &mut u32, shared: &Shared) -> io::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut lines = BufReader::new(&stream);
    let mut ask = |text: &str| -> io::Result<String> {
        (&stream).write_all(text.as_bytes())?;
        let mut line = String::new();
        loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                return Ok(line.trim_end().to_owned());
            }
        }
    };
    ask("")?;
    ask("EHLO client.example\r\n")?;
    let login = STANDARD.encode("\0alice\0secret");
    ask(&format!("AUTH PLAIN {login}\r\n"))?;
    while !shared.ended.load(Ordering::Relaxed) {
        *number += 1;
        let token = format!("{name}-{number}");
        ask("MAIL FROM:<alice@example.org>\r\n")?;
        ask("RCPT TO:<bob@example.com>\r\n")?;
        let answer = ask("DATA\r\n")?;
        if !answer.starts_with("354") {
            return Err(io::Error::other(answer));
        }
        let answer = ask(&format!("Subject: {token}\r\n\r\n{}.\r\n", body(&token)))?;
        if !answer.starts_with("250") {
            shared.refusals.lock().unwrap().insert(answer);
            return Err(io::ErrorKind::Other.into());
        }
        shared.accepted.lock().unwrap().insert(token);
    }
    Ok(())
}
