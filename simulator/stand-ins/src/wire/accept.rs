//! Accepts connections on a socket, and answers each in a task of its own.

use std::future::Future;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Between two attempts to accept, when the system refuses one.
const PAUSE: Duration = Duration::from_millis(20);

/// Accepts for ever. Dropping the future closes every connection.
pub(super) async fn accept<C>(listener: TcpListener, converse: impl Fn(TcpStream) -> C)
where
    C: Future<Output: Send> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream));
                }
                // Mostly a lack of file descriptors: closing connections will free some.
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
