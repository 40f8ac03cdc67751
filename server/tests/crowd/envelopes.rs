//! Commands without an end: NOOPs in pipelines, and recipients of a user who never sends.

use std::net::{Ipv4Addr, SocketAddr};

use msaspec_server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedSender;

use super::{Crowd, address, answer, begun, clear, greeted};

/// Clients of each kind.
const NOOPS: usize = 8;
const RECIPIENTS: usize = 50;

/// Both kinds of them.
pub(crate) fn crowd(server: &Server) -> Crowd {
    let server = clear(server);
    let mut crowd = Crowd::new(RECIPIENTS);
    for number in 0..RECIPIENTS {
        crowd.spawn(|in_place| recipients(server, address(4, number), in_place));
    }
    for number in 0..NOOPS {
        crowd.spawn(|in_place| noops(server, address(4, number), in_place));
    }
    crowd
}

/// Until the session is ended, and then in the next.
async fn noops(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut in_place = Some(in_place);
    let commands = b"NOOP\r\n".repeat(500);
    loop {
        let mut stream = greeted(server, from).await.into_inner();
        let (mut replies, mut to) = stream.split();
        let mut said = Vec::new();
        let (_, ()) = tokio::join!(replies.read_to_end(&mut said), async {
            while to.write_all(&commands).await.is_ok() {}
        });
        let replies = said.split(|octet| *octet == b'\n').count();
        assert!(replies < 1100, "{replies} replies");
        drop(in_place.take());
    }
}

/// As many long ones as there may be, which are kept as long as the session stays.
async fn recipients(server: SocketAddr, from: Ipv4Addr, in_place: UnboundedSender<()>) {
    let mut stream = begun(server, from).await;
    let domain = format!("{}example", "abcdefghi.".repeat(18));
    for block in 0..10 {
        let commands: String = (0..100)
            .map(|number| format!("RCPT TO:<{block:032}{number:032}@{domain}>\r\n"))
            .collect();
        stream.write_all(commands.as_bytes()).await.unwrap();
        for _ in 0..100 {
            let reply = answer(&mut stream).await.unwrap();
            assert!(reply.starts_with("250 "), "{reply}");
        }
    }
    drop(in_place);
    std::future::pending::<()>().await;
    drop(stream);
}
