//! Servers to point the program at.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::{
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A server that treats every connection alike.
pub(crate) fn server(treat: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let treat = Arc::new(treat);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let treat = treat.clone();
            std::thread::spawn(move || treat(stream));
        }
    });
    address
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Says this once, and keeps the connection until the client closes it.
pub(crate) fn says(text: &'static str) -> impl Fn(TcpStream) + Send + Sync + 'static {
    move |mut stream| {
        let _ = stream.write_all(text.as_bytes());
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    }
}

/// Says this again and again.
pub(crate) fn repeats(text: &'static str) -> impl Fn(TcpStream) + Send + Sync + 'static {
    move |mut stream| while stream.write_all(text.as_bytes()).is_ok() {}
}

/// Stands before a server and counts connections.
pub(crate) fn counts_connections(server_address: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let address = server(move |mut client| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut server = TcpStream::connect(server_address).unwrap();
        let (mut from_client, mut to_server) =
            (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut server, &mut client);
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
    (address, count)
}
