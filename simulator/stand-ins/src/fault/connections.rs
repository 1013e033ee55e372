//! How many connections each listener has, and has had at most.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpStream;

use super::Service;

/// The most connections that were open at once: service, address of the listener → count.
pub type MostConnections = BTreeMap<(Service, SocketAddr), usize>;

/// The connections of all listeners; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<Mutex<BTreeMap<(Service, SocketAddr), Count>>>);

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    open: usize,
    most: usize,
}

/// One connection that is open until this is dropped.
#[derive(Debug)]
pub struct Open {
    all: Connections,
    of: (Service, SocketAddr),
}

impl Connections {
    pub(super) fn open(&self, service: Service, stream: &TcpStream) -> Option<Open> {
        let of = (service, stream.local_addr().ok()?);
        self.with(|counts| {
            let count = counts.entry(of).or_default();
            count.open += 1;
            count.most = count.most.max(count.open);
        });
        Some(Open { all: self.clone(), of })
    }

    pub(super) fn most(&self) -> MostConnections {
        self.with(|counts| counts.iter().map(|(of, count)| (*of, count.most)).collect())
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut BTreeMap<(Service, SocketAddr), Count>) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.all.with(|counts| {
            if let Some(count) = counts.get_mut(&self.of) {
                count.open -= 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn the_most_that_were_open_at_once_are_told_by_listener() {
        let connections = Connections::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let accept = async || {
            let _client = TcpStream::connect(address).await.expect("connected");
            let (stream, _) = listener.accept().await.expect("accepted");
            connections.open(Service::Tracker, &stream).expect("it has an address")
        };
        let (first, second) = (accept().await, accept().await);
        drop(first);
        let third = accept().await;
        drop((second, third));
        assert_eq!(connections.most(), BTreeMap::from([((Service::Tracker, address), 2)]));
        connections.with(|counts| assert!(counts.values().all(|count| count.open == 0)));
    }
}
