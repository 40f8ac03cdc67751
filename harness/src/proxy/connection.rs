//! Carries one connection through the proxy.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsStream;

use super::{
    Control,
    dialogue::{Action, Dialogue},
};
use crate::{lie::Lie, target::Listener, tls_probe, verdict::Step};

/// Until one side closes or fails.
pub(super) async fn carry(
    client: TcpStream,
    address: SocketAddr,
    server: TcpStream,
    listener: &Listener,
    control: &Control,
) -> io::Result<()> {
    let mut dialogue = Dialogue::new(control, address);
    let (mut client, mut server) = (Stream::Clear(client), Stream::Clear(server));
    if listener.implicit_tls {
        if control.lies.contains(&Lie::GreetingBeforeTls) {
            control.tell(&Lie::GreetingBeforeTls);
            client
                .write(&dialogue.invent("220 impatient.example ESMTP"))
                .await?;
        }
        (client, server) = start_tls(client, server, address, control).await?;
        dialogue.expects_greeting();
    }
    let (mut from_client, mut from_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        let actions = tokio::select! {
            count = client.read(&mut from_client) => match count? {
                0 => return Ok(()),
                count => dialogue.client_sent(&from_client[..count]),
            },
            count = server.read(&mut from_server) => match count? {
                0 => {
                    client.write(&dialogue.unfinished()).await?;
                    return client.close().await;
                }
                count => dialogue.server_sent(&from_server[..count]),
            },
        };
        for action in actions {
            match action {
                Action::ToServer(octets) => server.write(&octets).await?,
                Action::ToClient(octets) => client.write(&octets).await?,
                Action::Close => return client.close().await,
                Action::StartTls => {
                    (client, server) = start_tls(client, server, address, control).await?;
                    let carried = dialogue.tls_started();
                    server.write(&carried).await?;
                }
            }
        }
    }
}

async fn start_tls(
    client: Stream,
    server: Stream,
    address: SocketAddr,
    control: &Control,
) -> io::Result<(Stream, Stream)> {
    let (Stream::Clear(mut client), Stream::Clear(server)) = (client, server) else {
        return Err(io::Error::other("TLS inside TLS"));
    };
    if control.lies.contains(&Lie::NegotiatesTls10) && offers_tls10_at_most(&client).await? {
        control.tell(&Lie::NegotiatesTls10);
        control.touch(Step::Handshake(address));
        client.write_all(&tls_probe::server_hello_tls10()).await?;
        return Err(io::Error::other("a lie ends here"));
    }
    let mut lies = control.lies.iter();
    if let Some(lie) = lies.find(|lie| matches!(lie, Lie::Certificate(_))) {
        control.tell(lie);
        control.touch(Step::Handshake(address));
    }
    let name = super::tls::any_name()?;
    let (client, server) = tokio::join!(
        control.acceptor.accept(client),
        control.connector.connect(name, server)
    );
    Ok((
        Stream::Tls(Box::new(client?.into())),
        Stream::Tls(Box::new(server?.into())),
    ))
}

/// Looks at the ClientHello without taking it: client_version stands in octets 9 and 10.
async fn offers_tls10_at_most(client: &TcpStream) -> io::Result<bool> {
    let mut hello = [0; 11];
    loop {
        client.readable().await?;
        match client.peek(&mut hello).await? {
            0 => return Ok(false),
            11 => return Ok(hello[0] == 0x16 && hello[9..] == [3, 1]),
            _ => tokio::task::yield_now().await,
        }
    }
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Clear(stream) => stream.read(buffer).await,
            Stream::Tls(stream) => stream.read(buffer).await,
        }
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Stream::Clear(stream) => stream.write_all(octets).await,
            Stream::Tls(stream) => {
                stream.write_all(octets).await?;
                stream.flush().await
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        match self {
            Stream::Clear(stream) => stream.shutdown().await,
            Stream::Tls(stream) => stream.shutdown().await,
        }
    }
}
