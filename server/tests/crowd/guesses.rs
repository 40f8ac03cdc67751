//! A thousand connections from forty addresses that guess alice's password without a pause.

use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use msaspec_server::Server;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;

use super::{Crowd, address, answer, clear, connect, plain, say};

const CONNECTIONS: usize = 1000;
const ADDRESSES: usize = 40;

/// One half by a mechanism whose check is slow on purpose, one by SCRAM.
pub(crate) fn crowd(server: &Server) -> Crowd {
    let server = clear(server);
    let mut crowd = Crowd::new(0);
    for number in 0..CONNECTIONS {
        let from = address(2, number % ADDRESSES);
        let slow = number < CONNECTIONS / 2;
        crowd.spawn(|in_place| guess(server, from, slow, in_place));
    }
    crowd
}

/// A session that is ended is followed by the next.
async fn guess(server: SocketAddr, from: Ipv4Addr, slow: bool, in_place: UnboundedSender<()>) {
    let mut in_place = Some(in_place);
    loop {
        let mut stream = BufReader::new(connect(server, from).await);
        answer(&mut stream).await;
        let mut reply = say(&mut stream, "EHLO x.example").await;
        drop(in_place.take());
        while reply.is_some() {
            reply = match slow {
                true => say(&mut stream, &plain("alice", "a guess")).await,
                false => scram(&mut stream).await,
            };
            assert!(!reply.as_ref().is_some_and(|reply| reply.starts_with('2')));
        }
    }
}

/// One exchange whose proof is as long as a proof, and wrong.
async fn scram(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let first = STANDARD.encode("n,,n=alice,r=abcdefgh");
    let reply = say(stream, &format!("AUTH SCRAM-SHA-256 {first}")).await?;
    let Some(challenge) = reply.strip_prefix("334 ") else {
        return Some(reply);
    };
    let challenge = STANDARD.decode(challenge.trim_end()).unwrap();
    let challenge = String::from_utf8(challenge).unwrap();
    let nonce = challenge.split(',').next().unwrap();
    let proof = STANDARD.encode([0; 32]);
    let last = STANDARD.encode(format!("c=biws,{nonce},p={proof}"));
    say(stream, &last).await
}
