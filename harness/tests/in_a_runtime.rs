//! What serves is started by programs that are asynchronous too.

use msaspec_harness::{
    authority::Authority,
    next_hop::NextHop,
    proxy::Proxy,
    target::embedded::{self, Profile},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
};

#[tokio::test]
async fn server_hop_and_proxy_start_inside_a_runtime() {
    let target = embedded::start(Profile::Modern).unwrap();
    let _hop = NextHop::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let authority = Authority::new().unwrap();
    let proxy = Proxy::start(&target.listeners, &authority, "localhost", &[]).unwrap();
    let stream = TcpStream::connect(proxy.listeners()[0].address);
    let mut greeting = String::new();
    let mut stream = BufReader::new(stream.await.unwrap());
    stream.read_line(&mut greeting).await.unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
}
