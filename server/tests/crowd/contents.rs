//! Contents of one user that take all the memory he can have, and are never finished.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use msaspec_server::Server;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::interval;

use super::{Crowd, address, begun, clear, say};

/// More than he can have in all, at this size of each.
const CONTENTS: usize = 12;
const OCTETS: usize = 8_000_000;

/// All of them.
pub(crate) fn crowd(server: &Server) -> Crowd {
    let server = clear(server);
    let mut crowd = Crowd::new(CONTENTS);
    for number in 0..CONTENTS {
        crowd.spawn(|in_place| content(server, address(5, number), in_place));
    }
    crowd
}

/// Much at once, and then at just the rate that is demanded.
async fn content(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut stream = begun(server, from).await;
    for line in ["RCPT TO:<bob@example.com>", "DATA"] {
        let reply = say(&mut stream, line).await.unwrap();
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
    let line = [&[b'a'; 98][..], b"\r\n"].concat();
    let block = line.repeat(1000);
    for _ in 0..OCTETS / block.len() {
        stream.write_all(&block).await.unwrap();
    }
    drop(in_place);
    let mut tick = interval(Duration::from_secs(1));
    while stream.write_all(&line).await.is_ok() {
        tick.tick().await;
    }
}
