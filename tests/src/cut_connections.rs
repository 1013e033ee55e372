//! Connections of which one end goes and the other never learns of it: as behind a firewall that forgets
//! a connection on which nothing is sent for long.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Whose end goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server's. The client waits.
    Server,
    /// The client's. The server waits.
    Client,
}

/// Relays connections to a server for ever. Where a client sends these bytes, it cuts the connection.
pub async fn cut_at(relay: TcpListener, server: SocketAddr, at: &'static [u8], cut: Cut) {
    while let Ok((client, _)) = relay.accept().await {
        tokio::spawn(relay_one(client, server, at, cut));
    }
}

async fn relay_one(
    mut client: TcpStream,
    server: SocketAddr,
    at: &'static [u8],
    cut: Cut,
) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(server).await?;
    let (mut sent, mut answered) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = client.read(&mut sent) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                if sent[..read].windows(at.len()).any(|window| window == at) {
                    break;
                }
                upstream.write_all(&sent[..read]).await?;
            }
            read = upstream.read(&mut answered) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                client.write_all(&answered[..read]).await?;
            }
        }
    }
    let mut other = match cut {
        Cut::Server => {
            drop(upstream);
            client
        }
        Cut::Client => {
            drop(client);
            upstream
        }
    };
    while other.read(&mut sent).await? > 0 {}
    Ok(())
}
