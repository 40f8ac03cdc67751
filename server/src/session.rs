//! One client's session.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::listener::Bound;
use crate::server::Shared;

/// Serves one connection until it ends.
pub(crate) async fn serve(
    _stream: TcpStream,
    _peer: SocketAddr,
    _bound: Bound,
    _shared: Arc<Shared>,
) {
}
